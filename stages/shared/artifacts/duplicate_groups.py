"""Samples that are nearly the same: data/near_duplicates.

Shapes: N train samples.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.csv_files import load_column, load_records, save_records, save_table
from stages.shared.artifacts.formats import (
    Ints,
    load_array,
    load_record,
    no_other_keys,
    save_array,
    save_json,
)


@no_other_keys
@dataclass(frozen=True)
class Found:
    """How near duplicates were looked for, and how many there are, of all splits."""

    method: str  # copies: there are no vectors to compare; thumbnails; exact; approximate
    threshold: float  # the least cosine of two near duplicates
    # Of the pairs that some samples are known to have, the share that was found; None: they had
    # none. 1 where every pair was compared.
    recall: float | None
    samples: int  # that were compared
    grouped: int  # of these, in a group of two or more
    groups: int
    largest: int  # samples of the largest group
    across_splits: int  # groups
    conflicting: int  # groups with more than one label
    copies: int  # groups of samples that are equal bit by bit
    conflicting_copies: int  # of these, with more than one label
    blank: int  # samples


@dataclass(frozen=True)
class Grouped:
    """A sample of a group; the fields are the columns of groups.csv."""

    sample_id: str
    split: str
    label: str
    group: int
    copy: str  # a number of the samples whose inputs are equal bit by bit; empty: no other is


def save_found(
    folder: Path, found: Found, grouped: Iterable[Grouped], blank: Iterable[str]
) -> None:
    """Write what was found: its numbers, the samples of the groups, and the blank ones."""
    save_json(folder / "found.json", asdict(found))
    save_records(folder / "groups.csv", Grouped, grouped)
    save_table(folder / "blank.csv", ["sample_id"], ([name] for name in blank))


def load_found(folder: Path) -> Found:
    """Return the numbers of what was found.

    Raises:
        ArtifactError: the file is missing or says something else.
    """
    return load_record(folder / "found.json", Found)


def load_grouped(folder: Path) -> list[Grouped]:
    """Return the samples that are in a group, group by group.

    Raises:
        ArtifactError: the file is missing, or a group is no number.
    """
    return load_records(folder / "groups.csv", Grouped)


def load_blank(folder: Path) -> list[str]:
    """Return the ids of the blank samples."""
    return load_column(folder / "blank.csv", "sample_id")


def save_train_groups(folder: Path, group_N: Ints) -> None:
    """Write the group of each train sample, int64 [N]: the first row that belongs to it."""
    save_array(folder / "group_N.npy", group_N)


def load_train_groups(folder: Path, num_train: int) -> Ints:
    """Return the group of each train sample, int64 [N]: the first row that belongs to it.

    Raises:
        ArtifactError: the file is missing or of another data set.
    """
    return load_array(folder / "group_N.npy", np.int64, (num_train,))
