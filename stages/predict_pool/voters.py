"""Which checkpoints of which members vote (Chitta et al. 2020, section 3.4 and Tables II, III)."""

from collections.abc import Sequence

from stages.shared.artifacts import Checkpoint, Ensemble
from stages.shared.errors import ArtifactError
from stages.shared.settings.sections import Voters


def choose(ensemble: Ensemble, settings: Voters) -> list[Checkpoint]:
    """Return the voting checkpoints by member and epoch.

    `members: best` is the member with the best validation accuracy at any validated checkpoint,
    the first of equals. `checkpoints: last` counts `count` checkpoints backwards from a member's
    last epoch, `stride` epochs apart; `best` is its best epoch on validation.

    Raises:
        ArtifactError: the ensemble lacks a checkpoint that is to vote.
    """
    members = range(ensemble.num_members)
    if settings.members == "best":
        members = range(best := _best_member(ensemble), best + 1)
    return [
        checkpoint
        for member in members
        for checkpoint in _of_member(ensemble.of_member(member), settings)
    ]


def _best_member(ensemble: Ensemble) -> int:
    best = [entry for entry in ensemble.checkpoints if entry.is_best]
    return max(best, key=lambda entry: (entry.validation_accuracy, -entry.member)).member


def _of_member(checkpoints: Sequence[Checkpoint], settings: Voters) -> list[Checkpoint]:
    if settings.checkpoints == "best":
        return [entry for entry in checkpoints if entry.is_best]
    by_epoch = {entry.epoch: entry for entry in checkpoints if entry.is_last}
    last = max(by_epoch)
    wanted = [last - step * settings.stride for step in reversed(range(settings.count))]
    missing = [epoch for epoch in wanted if epoch not in by_epoch]
    if missing:
        raise ArtifactError(
            f"member {checkpoints[0].member} has no checkpoint of epoch {missing[0]}; it has "
            f"{', '.join(map(str, by_epoch))}: it trained too few epochs for predict_pool.voters"
        )
    return [by_epoch[epoch] for epoch in wanted]
