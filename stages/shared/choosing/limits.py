"""What binds every subset: the user's lists, and the least number of each class.

Shapes: N train samples, P picks of a subset, C classes.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Ints, Listed
from stages.shared.artifacts.user_lists import INCLUDE_HEADER
from stages.shared.artifacts.user_names import and_more, name_hint
from stages.shared.errors import ArtifactError, ParamsError, printable
from stages.shared.settings.sections import Select
from stages.shared.sizes import Size, num_picks

MOST_NAMES = 10  # that a warning lists
NOTHING: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Limits:
    """What binds every subset of the train split, selected and random alike."""

    targets_N: Ints
    included: Ints  # rows that every subset holds
    excluded: Ints  # rows that none does
    min_per_class: int
    prepared: Path | None = None  # where messages find what the other splits and the classes are
    # Rows that race.holdout keeps to judge by; none is picked.
    held_out: Ints = field(default_factory=lambda: NOTHING)

    @property
    def num_classes(self) -> int:
        """How many classes the train split has."""
        return int(self.targets_N.max()) + 1

    def name_of(self, number: int) -> str:
        """Return what messages call a class: its name where the prepared data is at hand."""
        if self.prepared is None or not (self.prepared / "meta.json").exists():
            return f"class {number}"
        return f"class {artifacts.load_meta(self.prepared).class_names[number]!r}"

    def count_classes(self, index_P: Ints) -> Ints:
        """Return how many of these rows are of each class, int64 [C]."""
        return np.bincount(self.targets_N[index_P], minlength=self.num_classes)

    def allowed(self, order_K: Ints) -> Ints:
        """Return the rows without the excluded and the held-out ones."""
        return order_K[~np.isin(order_K, np.concatenate([self.excluded, self.held_out]))]

    def num_to_start_with(self, size: Size) -> int:
        """Return how many picks a first subset of this size has: the whole split is all allowed."""
        num_train = len(self.targets_N)
        count = num_picks(size, num_train)
        return num_train - len(self.excluded) if count == num_train else count


def load_limits(prepared: Path, sample_ids: Sequence[str], select: Select) -> Limits:
    """Return what params.yaml and the user's lists demand of every subset.

    Excluded samples that the train split lacks are ignored: a list stays as it is when another
    fold is the test split, or when the bad file is gone.

    Raises:
        ArtifactError: the include list names a sample that the train split lacks, or both lists
            name it.
    """
    include, exclude = Path(select.include), Path(select.exclude)
    included = rows_of_list(include, INCLUDE_HEADER, sample_ids, prepared)
    excluded = artifacts.load_sample_list(exclude, INCLUDE_HEADER, sample_ids)
    excluded_rows = np.array([one.row for one in excluded if one.row is not None], dtype=np.int64)
    forbid_excluded(include, included, exclude, excluded_rows, sample_ids)
    targets_N = artifacts.load_targets(prepared, "train")
    return Limits(targets_N, included, excluded_rows, select.min_per_class, prepared)


def warn_of_absent_excluded(prepared: Path, sample_ids: Sequence[str], path: Path) -> None:
    """Say on stderr how many samples of the exclude list the train split lacks, and where they are.

    They are ignored.
    """
    listed = artifacts.load_sample_list(path, INCLUDE_HEADER, sample_ids)
    absent = [one for one in listed if one.row is None]
    if absent:
        sys.stderr.write(
            f"warning: {path}: {len(absent)} of {len(listed)} samples are not in the train split "
            f"and are ignored: {printable(_where(absent, sample_ids, prepared))}\n"
        )


def rows_of_list(
    path: Path, header: Sequence[str], sample_ids: Sequence[str], prepared: Path | None
) -> Ints:
    """Return the rows of the train split that a list names, in its order.

    Raises:
        ArtifactError: the list names a sample that the train split lacks.
    """
    listed = artifacts.load_sample_list(path, header, sample_ids)
    absent = [one for one in listed if one.row is None]
    if absent:
        raise ArtifactError(
            f"{path}: {_where(absent, sample_ids, prepared)}; each must be the sample_id of a "
            "sample in the train split"
        )
    return np.array([one.row for one in listed], dtype=np.int64)


def _where(absent: Sequence[Listed], sample_ids: Sequence[str], prepared: Path | None) -> str:
    """Say where samples are that the train split lacks; the other splits decide nothing else."""
    names, known = {one.name for one in absent}, set(sample_ids)
    split_of = {
        name: split
        for split in SPLITS[1:]
        if prepared is not None and (prepared / split / "sample_ids.csv").exists()
        for name in names.intersection(artifacts.load_sample_ids(prepared, split))
    }
    told = [
        f"line {one.line} names {one.name}, which is "
        + (f"in {split_of[one.name]}" if one.name in split_of else "in no split")
        + name_hint(one.name, known)
        for one in absent[:MOST_NAMES]
    ]
    return and_more(told, len(absent))


def forbid_excluded(
    path: Path, rows: Ints, exclude: Path, excluded: Ints, sample_ids: Sequence[str]
) -> None:
    """Stop where the list at `path` names a sample that the exclude list names too.

    Raises:
        ArtifactError: it does; the first such sample is named.
    """
    both = rows[np.isin(rows, excluded)]
    if len(both):
        raise ArtifactError(
            f"{path}: names {sample_ids[both[0]]}, and so does {exclude}; one of them may"
        )


def require_minimum(index_P: Ints, limits: Limits, setting: str) -> None:
    """Check that a subset holds select.min_per_class picks of every class.

    Raises:
        ParamsError: the subset is too small for that, or a class has too few candidates.
    """
    count_C = limits.count_classes(index_P)
    short = np.flatnonzero(count_C < limits.min_per_class)
    if len(short):
        told = [f"{count_C[number]} of {limits.name_of(number)}" for number in short[:MOST_NAMES]]
        beside = f" beside the {num} of race.holdout" if (num := len(limits.held_out)) else ""
        raise ParamsError(
            f"params.yaml: min_per_class is {limits.min_per_class}; {setting}, {len(index_P)} "
            f"picks, has room or candidates{beside} for {and_more(told, len(short))}"
        )
