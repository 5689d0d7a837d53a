"""Training dynamics: data/dynamics/<from>."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.formats import Array, Ints, load_array, require_finite, save_array
from stages.shared.errors import ArtifactError


@dataclass(frozen=True)
class Dynamics:
    """What training showed of each sample it saw; a sample that was drawn twice stands once."""

    row_R: Ints  # rows of the train split, rising: the samples of the subset
    forgetting_events_MR: Array  # int32; the epochs trained where a member was never right
    aum_MR: Array  # float32, true logit minus the largest other, mean over the epochs
    el2n_MR: Array  # float32, length of the error vector in epoch el2n_epoch, in [0, sqrt 2]


DYNAMICS_DTYPES: dict[str, type[np.generic]] = {
    "forgetting_events_MR": np.int32,
    "aum_MR": np.float32,
    "el2n_MR": np.float32,
}


def no_dynamics() -> Dynamics:
    """Return the dynamics of an ensemble that was not trained."""
    empty = {name: np.zeros((0, 0), dtype) for name, dtype in DYNAMICS_DTYPES.items()}
    return Dynamics(np.zeros(0, dtype=np.int64), **empty)


def save_dynamics(folder: Path, dynamics: Dynamics) -> None:
    """Write the dynamics of an ensemble's training."""
    for name, array in vars(dynamics).items():
        save_array(folder / f"{name}.npy", array)


def load_dynamics(folder: Path, num_train: int) -> Dynamics:
    """Return the dynamics of an ensemble's training.

    Raises:
        ArtifactError: a row is none of the train split, a value is not finite, or shapes differ.
    """
    row_R = load_array(folder / "row_R.npy", np.int64, (None,))
    rises = bool((np.diff(row_R) > 0).all())
    if not rises or (len(row_R) and not 0 <= row_R[0] <= row_R[-1] < num_train):
        raise ArtifactError(
            f"{folder / 'row_R.npy'}: is {row_R[:5].tolist()}...; it must rise from 0 or more to "
            f"{num_train - 1} at most"
        )
    arrays = {
        name: load_array(folder / f"{name}.npy", dtype, (None, len(row_R)))
        for name, dtype in DYNAMICS_DTYPES.items()
    }
    for name in ("aum_MR", "el2n_MR"):
        require_finite(folder / f"{name}.npy", arrays[name])
    return Dynamics(row_R, **arrays)
