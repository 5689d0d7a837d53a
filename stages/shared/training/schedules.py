"""Learning-rate schedules: what share of the learning rate an update is made with."""

from typing import Protocol

from stages.shared.settings.training_sections import EpochLength, OneCycle, Plateau, Steps, Training


class Schedule(Protocol):
    """The share of the learning rate over a training."""

    def factor(self, update: int) -> float:
        """Return the share, >= 0, that the update of this number (from 0) is made with."""
        ...

    def end_epoch(self, validation_accuracy: float | None) -> bool:
        """Take the epoch's validation accuracy; return whether the training is at its end."""
        ...


def build(settings: Training, updates_per_epoch: int) -> Schedule:
    """Return the schedule that the settings name."""
    schedule = settings.schedule
    if isinstance(schedule, OneCycle):
        return OneCycleSchedule(schedule, num_updates(settings, updates_per_epoch))
    if isinstance(schedule, Steps):
        return StepsSchedule(schedule, updates_per_epoch)
    return PlateauSchedule(schedule)


def num_updates(settings: Training, updates_per_epoch: int) -> int:
    """Return the updates of the whole schedule; `stop_after` may end it earlier."""
    length = settings.length
    if isinstance(length, EpochLength):
        return length.epochs * updates_per_epoch
    return length.updates


def num_epochs(settings: Training, updates_per_epoch: int) -> int:
    """Return how many epochs are begun at most."""
    if settings.stop_after is not None:
        return settings.stop_after
    return -(-num_updates(settings, updates_per_epoch) // updates_per_epoch)


def made_updates(settings: Training, updates_per_epoch: int) -> int:
    """Return the updates that are made at most: `stop_after` has ended the schedule."""
    most = num_epochs(settings, updates_per_epoch) * updates_per_epoch
    return min(num_updates(settings, updates_per_epoch), most)


class OneCycleSchedule:
    """Linear from `start` to 1 at `peak_at` of the updates, then linear to 0 after the last.

    The one-cycle policy of Smith and Topin (2018, arXiv 1708.07120) without a momentum cycle.
    """

    def __init__(self, settings: OneCycle, updates: int) -> None:
        self._start = settings.start
        self._peak = settings.peak_at * updates
        self._updates = updates

    def factor(self, update: int) -> float:
        """Return the share of the learning rate."""
        if update < self._peak:
            return self._start + (1 - self._start) * update / self._peak
        return (self._updates - update) / (self._updates - self._peak)

    def end_epoch(self, validation_accuracy: float | None) -> bool:
        """Go on: the length alone ends this schedule."""
        return False


class StepsSchedule:
    """x `factor` after each milestone; before that a warm-up.

    A linear one reaches 1 with its last update (Goyal et al. 2017, arXiv 1706.02677); a constant
    one is a share of the rate, as the first epoch of He et al. 2016 (arXiv 1603.05027).
    """

    def __init__(self, settings: Steps, updates_per_epoch: int) -> None:
        self._factor = settings.factor
        self._milestones = [epoch * updates_per_epoch for epoch in settings.milestones]
        self._warmup_updates = settings.warmup_epochs * updates_per_epoch
        self._warmup = settings.warmup

    def factor(self, update: int) -> float:
        """Return the share of the learning rate."""
        passed = sum(update >= milestone for milestone in self._milestones)
        if update >= self._warmup_updates:
            return self._factor**passed
        share = (update + 1) / self._warmup_updates if self._warmup == "linear" else self._warmup
        return share * self._factor**passed

    def end_epoch(self, validation_accuracy: float | None) -> bool:
        """Go on: the length alone ends this schedule."""
        return False


class PlateauSchedule:
    """x `factor` when the best validation accuracy is `patience` epochs old.

    After a drop that brings no better accuracy within twice the patience the training ends
    (Chitta et al. 2020, section 5.1: patience 25, factor 0.1).
    """

    def __init__(self, settings: Plateau) -> None:
        self._settings = settings
        self._best = float("-inf")
        self._epochs_waited = 0  # since the best, or since the drop where that came later
        self._drops = 0
        self._drop_has_helped = True  # before the first drop there is nothing to give up

    def factor(self, update: int) -> float:
        """Return the share of the learning rate."""
        return self._settings.factor**self._drops

    def end_epoch(self, validation_accuracy: float | None) -> bool:
        """Drop the rate after a plateau; end when the last drop brought nothing."""
        assert validation_accuracy is not None, "params require a validation at every epoch"
        if validation_accuracy > self._best:
            self._best = validation_accuracy
            self._epochs_waited = 0
            self._drop_has_helped = True
            return False
        self._epochs_waited += 1
        if self._drop_has_helped and self._epochs_waited >= self._settings.patience:
            self._drops += 1
            self._epochs_waited = 0
            self._drop_has_helped = False
            return False
        return not self._drop_has_helped and self._epochs_waited >= 2 * self._settings.patience
