"""What a person sees while members train: bars on a terminal, a line now and then in a log."""

import os
import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

from stages.shared.artifacts import Epoch

SECONDS_BETWEEN_LINES = 10.0


class MemberProgress:
    """Loss, accuracy, images per second and remaining time of each member."""

    def __init__(self, num_members: int) -> None:
        self._num_members = num_members
        self._bars: dict[int, tqdm[None]] = {}
        self._num_started = 0
        self._printed = time.monotonic()
        self._stage = os.environ.get("DVC_STAGE", "training")

    def __enter__(self) -> Self:
        """Start with no bar: a member gets one with its first report."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bars as they stand."""
        for bar in self._bars.values():
            bar.close()

    @property
    def num_started(self) -> int:
        """How many members were trained from the start: others were finished, or half so."""
        return self._num_started

    def update(self, member: int, event: tuple[Epoch, int | None] | None) -> None:
        """Show a member's epoch; `event` holds it and the images of the whole training.

        With the first event of a member its clock starts: None, or the epoch that it goes on from.
        """
        if event is None:
            self._num_started += 1
            self._bars[member] = self._new_bar(member, 0)
            return
        epoch, images = event
        if member not in self._bars:
            self._bars[member] = self._new_bar(member, epoch.images_seen)
        bar = self._bars[member]
        bar.total = images
        bar.set_postfix_str(_describe(epoch), refresh=False)
        bar.update(epoch.images_seen - bar.n)
        now = time.monotonic()
        if not sys.stderr.isatty() and now - self._printed > SECONDS_BETWEEN_LINES:
            self._printed = now
            sys.stderr.write(f"{bar}\n")

    def _new_bar(self, member: int, images_seen: int) -> "tqdm[None]":
        return tqdm(
            initial=images_seen,
            desc=f"{self._stage} member {member + 1}/{self._num_members}",
            unit=" images",
            unit_scale=True,
            position=member,
            file=sys.stderr if sys.stderr.isatty() else _Nowhere(),
        )


class _Nowhere:
    """Takes what a bar draws where no terminal shows it."""

    def write(self, text: str) -> None:
        """Drop the text."""

    def flush(self) -> None:
        """Do nothing."""


def _describe(epoch: Epoch) -> str:
    accuracy = epoch.validation_accuracy
    validated = "" if accuracy is None else f", validation {100 * accuracy:.1f} %"
    return (
        f"epoch {epoch.epoch}, loss {epoch.train_loss:.3f}, "
        f"accuracy {100 * epoch.train_accuracy:.1f} %{validated}"
    )
