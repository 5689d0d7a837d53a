"""Choose the first of a preference order, under what binds every subset.

The seed subset, the selected and the random subsets are all drawn here, so that the user's lists
and the shares of the classes bind them alike. A random subset prefers samples in one permutation
that is decided by the random seed and the sample ids; a selected one prefers them by score.

Shapes: N train samples, K candidates in order of preference, P picks of a subset, C classes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts import Floats, Ints, Subset
from stages.shared.artifacts.user_lists import SEED_HEADER
from stages.shared.choosing.limits import (
    NOTHING,
    Limits,
    forbid_excluded,
    require_minimum,
    rows_of_list,
)
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import Params
from stages.shared.sizes import Size


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
    _require_room(count, len(order_K), num_included, limits, setting)
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


def _require_room(
    count: int, num_candidates: int, num_included: int, limits: Limits, setting: str
) -> None:
    if count > num_candidates:
        held_out = len(limits.held_out)
        raise ParamsError(
            f"params.yaml: {setting} asks for {count} picks; {num_candidates} samples can be picked"
            + (f" beside the {held_out} of race.holdout" if held_out else "")
        )
    if count < num_included:
        raise ParamsError(
            f"params.yaml: {setting} asks for {count} picks; select.include names {num_included} "
            "samples that must be among them"
        )


def seed_rows(size: Size, params: Params, sample_ids: Sequence[str], limits: Limits) -> Ints:
    """Return the rows of the seed subset in the order of picking: the user's own, or drawn.

    Raises:
        ParamsError: it cannot be drawn in that size, or not with that minimum of each class.
        ArtifactError: the user's own has another size, or disagrees with the other lists.
    """
    count = limits.num_to_start_with(size)
    path = Path(params.seed_subset.file)
    rows = rows_of_list(path, SEED_HEADER, sample_ids, limits.prepared)
    if not len(rows):
        order_K = random_order(sample_ids, params.first_seed, limits)
        stratified = params.seed_subset.stratified
        setting = f"seed_size {size}"
        rows = draw(order_K, count, limits, balanced=stratified, setting=setting)
        require_minimum(rows, limits, setting)
        return rows
    if len(rows) != count:
        raise ArtifactError(f"{path}: names {len(rows)} samples; seed_size {size} is {count}")
    forbid_excluded(path, rows, Path(params.select.exclude), limits.excluded, sample_ids)
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
