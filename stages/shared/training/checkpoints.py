"""Which epochs' weights of a training are kept."""

from collections.abc import Collection, Sequence
from pathlib import Path

from torch import nn

from stages.shared.artifacts import Checkpoint, Epoch
from stages.shared.artifacts.weights import save_weights
from stages.shared.settings.training_sections import Checkpoints


class CheckpointKeeper:
    """Writes the weights of the epochs that are to be kept, and drops those that no longer are.

    Where the last epoch is known only the epochs to keep are ever written; else all that may
    still be among them.
    """

    def __init__(
        self, folder: Path, member: int, settings: Checkpoints, last_epoch: int | None
    ) -> None:
        self._folder = folder
        self._member = member
        self._settings = settings
        self._last_epoch = last_epoch
        self._written: dict[int, Path] = {}
        self._accuracy: dict[int, float] = {}
        self._best = 0  # no epoch yet
        self._epoch = 0

    @property
    def epochs(self) -> Collection[int]:
        """The epochs whose weights are kept so far."""
        return self._written.keys()

    def add(self, epoch: Epoch, model: nn.Module) -> None:
        """Take the weights after an epoch."""
        self._note(epoch)
        if self._is_kept(epoch.epoch):
            path = self._folder / self._checkpoint(epoch.epoch).path
            save_weights(path, model)
            self._written[epoch.epoch] = path
        self._drop()

    def restore(self, history: Sequence[Epoch]) -> None:
        """Go on after these epochs; the weights that were kept by then lie in the folder."""
        for epoch in history:
            self._note(epoch)
            path = self._folder / self._checkpoint(epoch.epoch).path
            if path.exists():
                self._written[epoch.epoch] = path

    def finish(self) -> list[Checkpoint]:
        """Return the checkpoints by epoch; the last epoch that was added is the last of all."""
        self._last_epoch = self._epoch
        self._drop()
        return [self._checkpoint(number) for number in sorted(self._written)]

    def _note(self, epoch: Epoch) -> None:
        self._epoch = epoch.epoch
        if epoch.validation_accuracy is not None:
            self._accuracy[epoch.epoch] = epoch.validation_accuracy
            if epoch.validation_accuracy > self._accuracy.get(self._best, float("-inf")):
                self._best = epoch.epoch

    def _drop(self) -> None:
        for number in [number for number in self._written if not self._is_kept(number)]:
            self._written.pop(number).unlink()

    def _is_kept(self, number: int) -> bool:
        return self._is_last(number) or (self._settings.best and number == self._best)

    def _is_last(self, number: int) -> bool:
        last, every = self._settings.last, self._settings.every
        if self._last_epoch is None:
            return number >= self._epoch - (last - 1) * every
        back = self._last_epoch - number
        return back % every == 0 and back // every < last

    def _checkpoint(self, number: int) -> Checkpoint:
        return Checkpoint(
            member=self._member,
            epoch=number,
            validation_accuracy=self._accuracy.get(number),
            is_best=number == self._best,
            is_last=self._is_last(number),
        )
