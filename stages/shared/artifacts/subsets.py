"""Subsets and orders of preference: data/{subsets,comparison}/*.csv, data/orders/<size>.npy."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.csv_files import load_table, save_table
from stages.shared.artifacts.formats import (
    Floats,
    Ints,
    load_array,
    load_json,
    save_array,
    save_json,
)
from stages.shared.errors import ArtifactError, reason


@dataclass(frozen=True)
class Subset:
    """Picks in the order of picking; an index that stands twice is trained on twice."""

    index_P: Ints  # rows of the train split
    round_P: Ints  # 0 for the seed subset
    score_P: Floats  # NaN where no score chose the sample

    def __len__(self) -> int:
        """Return the number of picks, duplicates counted."""
        return len(self.index_P)

    def first(self, count: int) -> "Subset":
        """Return the subset of the first picks."""
        return Subset(self.index_P[:count], self.round_P[:count], self.score_P[:count])


SUBSET_HEADER = ["index", "round", "score"]
AS_LONG_AS = "as_long_as.json"


def save_subset(path: Path, subset: Subset) -> None:
    """Write a subset; a pick without a score has an empty field."""
    rows = zip(
        subset.index_P.tolist(), subset.round_P.tolist(), subset.score_P.tolist(), strict=True
    )
    save_table(
        path,
        SUBSET_HEADER,
        ([index, number, "" if math.isnan(score) else score] for index, number, score in rows),
    )


def load_subset(path: Path, num_train: int, *, once: bool = False) -> Subset:
    """Return a subset; with `once` no index may stand twice.

    Raises:
        ArtifactError: an index is no row of the train split or stands twice, or a field is no
            finite number.
    """
    rows = load_table(path, SUBSET_HEADER)
    try:
        subset = Subset(
            np.fromiter((int(row[0]) for row in rows), np.int64, len(rows)),
            np.fromiter((int(row[1]) for row in rows), np.int64, len(rows)),
            np.fromiter((float(row[2] or "nan") for row in rows), np.float64, len(rows)),
        )
    except (ValueError, OverflowError) as error:
        raise ArtifactError(f"{path}: {reason(error)}; fields must be numbers") from None
    outside = np.flatnonzero((subset.index_P < 0) | (subset.index_P >= num_train))
    if len(outside):
        raise ArtifactError(
            f"{path}: row {outside[0] + 2} has index {subset.index_P[outside[0]]}; the train split "
            f"has the rows 0 to {num_train - 1}"
        )
    if once:
        _require_once(path, subset.index_P)
    infinite = [pick for pick in np.flatnonzero(~np.isfinite(subset.score_P)) if rows[pick][2]]
    if infinite:
        raise ArtifactError(
            f"{path}: row {infinite[0] + 2} has score {subset.score_P[infinite[0]]}; it must be "
            "finite, or empty"
        )
    return subset


def _require_once(path: Path, index_P: Ints) -> None:
    _, first_U = np.unique(index_P, return_index=True)
    if len(first_U) < len(index_P):
        row = np.setdiff1d(np.arange(len(index_P)), first_U)[0]
        raise ArtifactError(
            f"{path}: row {row + 2} has index {index_P[row]} again; with select.candidates: "
            "remaining, once is allowed"
        )


def save_as_long_as(folder: Path, num_picks: int) -> None:
    """Write beside a subset that it is trained for as many updates as one of so many picks."""
    save_json(folder / AS_LONG_AS, {"picks": num_picks})


def load_as_long_as(folder: Path) -> int | None:
    """Return how many picks these are; None: the subset is trained as long as its own size says.

    Raises:
        ArtifactError: it is no whole number from 1.
    """
    path = folder / AS_LONG_AS
    if not path.exists():
        return None
    found = load_json(path).get("picks")
    if not isinstance(found, int) or found < 1:
        raise ArtifactError(f"{path}: picks is {found}; it must be a whole number from 1")
    return found


def save_order(path: Path, order_K: Ints) -> None:
    """Write rows of the train split, int64 [K], as a selection rule prefers them: first the best.

    A sample that competed twice stands twice.
    """
    save_array(path, order_K)


def load_order(path: Path, num_train: int) -> Ints:
    """Return rows of the train split as a selection rule prefers them, int64 [K].

    Raises:
        ArtifactError: one is no row of the train split.
    """
    order_K = load_array(path, np.int64, (None,))
    outside = np.flatnonzero((order_K < 0) | (order_K >= num_train))
    if len(outside):
        raise ArtifactError(
            f"{path}: place {outside[0]} has row {order_K[outside[0]]}; the train split has the "
            f"rows 0 to {num_train - 1}"
        )
    return order_K
