"""The tracked gradient norms of an ensemble's training: beside its dynamics, where they are wanted.

Shapes: M members, E epochs and the moment before the first, S tracked samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts import Array, Ints, load_array, save_array
from stages.shared.errors import ArtifactError


@dataclass(frozen=True)
class Tracked:
    """How the gradient norms of some samples changed from epoch to epoch."""

    row_S: Ints  # rows of the train split, rising
    gradient_norm_MES: Array  # float32, >= 0; NaN in the epochs after a member's last


def save_tracked(folder: Path, tracked: Tracked) -> None:
    """Write the tracked gradient norms of an ensemble."""
    for name, array in vars(tracked).items():
        save_array(folder / f"tracked_{name}.npy", array)


def load_tracked(folder: Path) -> Tracked:
    """Return the tracked gradient norms of an ensemble.

    Raises:
        ArtifactError: they are missing, which they are unless train_ensemble.track names them;
            shapes differ; or a norm is negative or infinite.
    """
    row_S = load_array(folder / "tracked_row_S.npy", np.int64, (None,))
    path = folder / "tracked_gradient_norm_MES.npy"
    norm_MES = load_array(path, np.float32, (None, None, len(row_S)))
    wrong = (norm_MES < 0) | np.isinf(norm_MES)
    if wrong.any():
        raise ArtifactError(
            f"{path}: holds {norm_MES[wrong][0]}; a norm is finite and 0 or more, or NaN after a "
            "member's last epoch"
        )
    return Tracked(row_S, norm_MES)


def stack_tracked(members: Sequence[Tracked]) -> Tracked:
    """Return several members' norms of the same samples as one; shorter trainings end in NaN."""
    num_epochs = max(member.gradient_norm_MES.shape[1] for member in members)
    padded = [
        np.pad(
            member.gradient_norm_MES,
            ((0, 0), (0, num_epochs - member.gradient_norm_MES.shape[1]), (0, 0)),
            constant_values=np.nan,
        )
        for member in members
    ]
    return Tracked(members[0].row_S, np.concatenate(padded))
