"""Finished members and their names: each lies under a fingerprint of what decides its bytes.

DVC deletes a stage's outputs before it runs it, so a killed stage would start from nothing; each
member that is not finished lies beside them as it was after its last epochs (`saved_states.py`).
"""

from pathlib import Path

from stages.shared import artifacts
from stages.shared.artifacts import Checkpoint
from stages.shared.artifacts.tracking import load_tracked, save_tracked
from stages.shared.training.job import Track, Trained


def save_member(member: Path, trained: Trained) -> None:
    """Write what belongs to a member's weights; with it the member is finished."""
    artifacts.save_history(member / "history.csv", trained.history)
    artifacts.save_json(
        member / "checkpoints.json", {"checkpoints": [vars(entry) for entry in trained.checkpoints]}
    )
    artifacts.save_dynamics(member / "dynamics", trained.dynamics)
    if trained.tracked is not None:
        save_tracked(member / "dynamics", trained.tracked)


def load_member(member: Path, track: Track, num_train: int) -> Trained:
    """Return what `save_member` wrote."""
    content = artifacts.load_json(member / "checkpoints.json")
    return Trained(
        artifacts.load_history(member / "history.csv"),
        [Checkpoint(**entry) for entry in content["checkpoints"]],
        artifacts.load_dynamics(member / "dynamics", num_train),
        None if track == "none" else load_tracked(member / "dynamics"),
    )
