"""Training dynamics: data/dynamics/<from>.

Shapes: M members, R distinct samples of the subset, S sampled ones of them, E kept epochs of all
members (a member has as many as checkpoints).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.formats import Array, Ints, load_array, require_finite, save_array
from stages.shared.errors import ArtifactError


@dataclass(frozen=True)
class Dynamics:
    """What training showed of each sample it saw; a sample that was drawn twice stands once."""

    row_R: Ints  # rows of the train split, rising: the samples of the subset
    sampled_S: Ints  # some of these rows, rising
    forgetting_events_MR: Array  # int32; all draws where a member was never right
    aum_MR: Array  # float32, true logit minus the largest other, mean over the draws
    el2n_MR: Array  # float32, length of the error vector in epoch el2n_epoch, in [0, sqrt 2]
    label_probability_MR: Array  # float32, mean over the epochs, in [0, 1]
    dual_MR: Array  # float32, its deviation over ten epochs times what it lacks, in [0, 1)
    kept_member_E: Ints  # one entry for each checkpoint, by member and epoch
    kept_epoch_E: Ints  # from 1
    kept_events_ES: Array  # int32, as forgetting_events_MR if training had ended there


# All but the rows, which are the same for all members: these stand one below the other.
DYNAMICS_DTYPES: dict[str, type[np.generic]] = {
    "forgetting_events_MR": np.int32,
    "aum_MR": np.float32,
    "el2n_MR": np.float32,
    "label_probability_MR": np.float32,
    "dual_MR": np.float32,
    "kept_member_E": np.int64,
    "kept_epoch_E": np.int64,
    "kept_events_ES": np.int32,
}


def no_dynamics() -> Dynamics:
    """Return the dynamics of an ensemble that was not trained."""
    empty = {
        name: np.zeros([0] * len(_axes(name)), dtype) for name, dtype in DYNAMICS_DTYPES.items()
    }
    none = np.zeros(0, dtype=np.int64)
    return Dynamics(none, none, **empty)


def stack_dynamics(members: Sequence[Dynamics]) -> Dynamics:
    """Return several members' dynamics on the same subset as one."""
    stacked = {
        name: np.concatenate([getattr(member, name) for member in members])
        for name in DYNAMICS_DTYPES
    }
    return Dynamics(members[0].row_R, members[0].sampled_S, **stacked)


def save_dynamics(folder: Path, dynamics: Dynamics) -> None:
    """Write the dynamics of an ensemble's training."""
    for name, array in vars(dynamics).items():
        save_array(folder / f"{name}.npy", array)


def load_dynamics(folder: Path, num_train: int) -> Dynamics:
    """Return the dynamics of an ensemble's training.

    Raises:
        ArtifactError: a row is none of the train split, a sampled one none of the subset, a value
            is not finite, or shapes differ.
    """
    row_R = _load_rows(folder / "row_R.npy", num_train)
    sampled_S = _load_rows(folder / "sampled_S.npy", num_train)
    outside = sampled_S[~np.isin(sampled_S, row_R)]
    if len(outside):
        raise ArtifactError(
            f"{folder / 'sampled_S.npy'}: has row {outside[0]}; it must be one of row_R.npy"
        )
    lengths = {"R": len(row_R), "S": len(sampled_S)}
    arrays: dict[str, Array] = {}
    for name, dtype in DYNAMICS_DTYPES.items():
        shape = tuple(lengths.get(axis) for axis in _axes(name))
        arrays[name] = load_array(folder / f"{name}.npy", dtype, shape)
        lengths.update(zip(_axes(name), arrays[name].shape, strict=True))
    for name in ("aum_MR", "el2n_MR", "label_probability_MR", "dual_MR"):
        require_finite(folder / f"{name}.npy", arrays[name])
    return Dynamics(row_R, sampled_S, **arrays)


def _load_rows(path: Path, num_train: int) -> Ints:
    rows = load_array(path, np.int64, (None,))
    rises = bool((np.diff(rows) > 0).all())
    if not rises or (len(rows) and not 0 <= rows[0] <= rows[-1] < num_train):
        raise ArtifactError(
            f"{path}: is {rows[:5].tolist()}...; it must rise from 0 or more to {num_train - 1} at "
            "most"
        )
    return rows


def _axes(name: str) -> str:
    """Return the letters of an array's axes."""
    return name.rpartition("_")[2]
