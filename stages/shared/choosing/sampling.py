"""Choose the first of a preference order, under what binds every subset.

The seed subset, the selected and the random subsets are all drawn here, so that the user's lists
and the shares of the classes bind them alike. A random subset prefers samples in one permutation
that is decided by the random seed and the sample ids; a selected one prefers them by score.

Shapes: N train samples, K candidates in order of preference, P picks of a subset, C classes.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Floats, Ints, Listed, Subset
from stages.shared.artifacts.user_lists import INCLUDE_HEADER, SEED_HEADER, and_more, name_hint
from stages.shared.errors import ArtifactError, ParamsError, printable
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import Params
from stages.shared.settings.sections import Select
from stages.shared.sizes import Size, num_picks

NOTHING: Ints = np.empty(0, dtype=np.int64)
MOST_NAMES = 10  # that a warning lists


@dataclass(frozen=True)
class Limits:
    """What binds every subset of the train split, selected and random alike."""

    targets_N: Ints
    included: Ints  # rows that every subset holds
    excluded: Ints  # rows that none does
    min_per_class: int
    prepared: Path | None = None  # where messages find what the other splits and the classes are

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
        """Return the rows without the excluded ones."""
        return order_K[~np.isin(order_K, self.excluded)]


def load_limits(prepared: Path, sample_ids: Sequence[str], select: Select) -> Limits:
    """Return what params.yaml and the user's lists demand of every subset.

    Excluded samples that the train split lacks are ignored: a list stays as it is when another
    fold is the test split, or when the bad file is gone.

    Raises:
        ArtifactError: the include list names a sample that the train split lacks, or both lists
            name it.
    """
    include, exclude = Path(select.include), Path(select.exclude)
    included = _rows_of_list(include, INCLUDE_HEADER, sample_ids, prepared)
    excluded = artifacts.load_sample_list(exclude, INCLUDE_HEADER, sample_ids)
    excluded_rows = np.array([one.row for one in excluded if one.row is not None], dtype=np.int64)
    _forbid_excluded(include, included, exclude, excluded_rows, sample_ids)
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


def _rows_of_list(
    path: Path, header: Sequence[str], sample_ids: Sequence[str], prepared: Path | None
) -> Ints:
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


def _forbid_excluded(
    path: Path, rows: Ints, exclude: Path, excluded: Ints, sample_ids: Sequence[str]
) -> None:
    both = rows[np.isin(rows, excluded)]
    if len(both):
        raise ArtifactError(
            f"{path}: names {sample_ids[both[0]]}, and so does {exclude}; one of them may"
        )


def random_order(sample_ids: Sequence[str], random_seed: int, limits: Limits) -> Ints:
    """Return the allowed rows of the train split in the one random order of the random seed.

    It depends on the sample ids and not on the rows: a data set that grew keeps the old order.
    """
    return limits.allowed(permutation_by_id(sample_ids, random_seed, "permutation"))


def draw(
    order_K: Ints,
    count: int,
    limits: Limits,
    *,
    balanced: bool,
    setting: str,
    taken_P: Ints = NOTHING,
) -> Ints:
    """Return the first `count` candidates in the order of picking, int64 [count].

    The samples of the include list come first, then those that a class needs to reach its minimum,
    then all others. If balanced, the r-th candidate (from 0) of a class with `a` picks in `taken_P`
    and `n` samples in train has the key (a + r + 1/2) / n, and the smallest come first: Webster's
    divisor method, in which each draw is a prefix of any longer one and holds the classes in
    proportion. Otherwise, and where keys are equal, the order of preference decides.

    Args:
        order_K: Rows of the train split in order of preference; a row may stand twice.
        count: How many to draw.
        limits: What binds every subset.
        balanced: Whether every class is drawn in proportion to its samples in train.
        setting: What asks for them, for the message of an error: "seed_size 0.25".
        taken_P: The rows that are in the subset before.

    Raises:
        ParamsError: there are fewer candidates, or more samples in the include list.
    """
    included = limits.included[~np.isin(limits.included, taken_P)]
    is_included_K = np.isin(order_K, included)
    num_included = int(is_included_K.sum())
    _require_room(count, len(order_K), num_included, setting)
    order_K = np.concatenate([order_K[is_included_K], order_K[~is_included_K]])
    key_K, tier_K = _keys(order_K, limits, taken_P, balanced=balanced)
    tier_K[:num_included] = 0
    # lexsort is stable: preference decides between equal keys.
    return order_K[np.lexsort((key_K, tier_K))[:count]]


def _keys(
    order_K: Ints, limits: Limits, taken_P: Ints, *, balanced: bool
) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Return the key of each candidate, and 1 where its class needs it for its minimum, else 2."""
    key_K, tier_K = np.zeros(len(order_K)), np.full(len(order_K), 2, dtype=np.int8)
    if balanced or limits.min_per_class:
        class_K = limits.targets_N[order_K]
        nth_K = nth_of_class(class_K, limits.count_classes(taken_P))
        tier_K[nth_K < limits.min_per_class] = 1
        if balanced:
            key_K = (nth_K + 0.5) / np.bincount(limits.targets_N)[class_K]
    return key_K, tier_K


def nth_of_class(class_K: Ints, taken_C: Ints) -> Ints:
    """Return for each candidate how many of its class are taken or stand before it, int64 [K]."""
    by_class_K = np.argsort(class_K, kind="stable")
    end_C = np.cumsum(np.bincount(class_K, minlength=len(taken_C)))
    nth_K = np.empty(len(class_K), dtype=np.int64)
    # Class by class, so that only by_class_K is as long as nth_K.
    for taken, its_K in zip(taken_C, np.split(by_class_K, end_C[:-1]), strict=True):
        nth_K[its_K] = np.arange(taken, taken + len(its_K))
    return nth_K


def _require_room(count: int, num_candidates: int, num_included: int, setting: str) -> None:
    if count > num_candidates:
        raise ParamsError(
            f"params.yaml: {setting} asks for {count} picks; {num_candidates} samples can be picked"
        )
    if count < num_included:
        raise ParamsError(
            f"params.yaml: {setting} asks for {count} picks; select.include names {num_included} "
            "samples that must be among them"
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
        raise ParamsError(
            f"params.yaml: select.min_per_class is {limits.min_per_class}; {setting}, "
            f"{len(index_P)} picks, has room or candidates for {and_more(told, len(short))}"
        )


def seed_rows(size: Size, params: Params, sample_ids: Sequence[str], limits: Limits) -> Ints:
    """Return the rows of the seed subset in the order of picking: the user's own, or drawn.

    Raises:
        ParamsError: it cannot be drawn in that size, or not with that minimum of each class.
        ArtifactError: the user's own has another size, or disagrees with the other lists.
    """
    count = num_picks(size, len(sample_ids))
    path = Path(params.seed_subset.file)
    rows = _rows_of_list(path, SEED_HEADER, sample_ids, limits.prepared)
    if not len(rows):
        order_K = random_order(sample_ids, params.first_seed, limits)
        stratified = params.seed_subset.stratified
        setting = f"seed_size {size}"
        rows = draw(order_K, count, limits, balanced=stratified, setting=setting)
        require_minimum(rows, limits, setting)
        return rows
    if len(rows) != count:
        raise ArtifactError(f"{path}: names {len(rows)} samples; seed_size {size} is {count}")
    _forbid_excluded(path, rows, Path(params.select.exclude), limits.excluded, sample_ids)
    missing = limits.included[~np.isin(limits.included, rows)]
    if len(missing):
        raise ArtifactError(
            f"{path}: lacks {sample_ids[missing[0]]}; it must name every sample that "
            f"{params.select.include} names"
        )
    return rows


def unscored(index_P: Ints) -> Subset:
    """Return a subset that no score chose: round 0, without scores."""
    return Subset(index_P, np.zeros(len(index_P), dtype=np.int64), np.full(len(index_P), np.nan))
