"""What params.yaml demands of later stages, against the data: nothing is trained that must fail.

Shapes: N train samples, C classes.
"""

from collections.abc import Iterator

import numpy as np

from stages.shared.artifacts import has_groups
from stages.shared.choosing.limits import Limits
from stages.shared.choosing.outliers import num_highest
from stages.shared.errors import ParamsError
from stages.shared.settings.messages import AND
from stages.shared.settings.params import Params
from stages.shared.settings.sections import OutlierFraction, Round, Select
from stages.shared.sizes import MATCHED, Size, kind_and_size, num_picks, parse_size


def check_demands(params: Params, limits: Limits) -> None:
    """Stop where a round, a comparison or a rule asks for what the train split cannot give.

    Raises:
        ParamsError: the line says everything of that kind.
    """
    found = [
        *_wrong_rounds(params, limits),
        *_wrong_comparisons(params, limits),
        *_wrong_minimum(params, limits),
        *_wrong_starts(params, limits),
        *_wrong_voters(params, limits),
    ]
    if found:
        raise ParamsError(f"params.yaml: {AND.join(found)}")


def _wrong_rounds(params: Params, limits: Limits) -> Iterator[str]:
    """Yield the rounds that ask for more picks than they can have, by `select` or an entrant."""
    said = set()
    for entry in params.rounds:
        needed, candidates = _needed_and_candidates(params, limits, entry)
        for here, select in params.selections.items():
            held_out = 0 if here == "select" else _num_held_out(params, limits, entry)
            skipped = _num_skipped(params, limits, entry, select, candidates - held_out)
            left = max(0, candidates - held_out - skipped)
            if needed > left and (entry.to, left) not in said:
                said.add((entry.to, left))
                reasons = {
                    f"{select.exclude} excludes": len(limits.excluded),
                    f"{here}.outliers skips": skipped,
                    "race.holdout keeps": held_out,
                }
                told = ", ".join(f"{what} {num}" for what, num in reasons.items() if num)
                yield (
                    f"the round {entry.from_} to {entry.to} asks for {needed} picks; {left} "
                    f"samples can be picked{f' ({told})' if told else ''}"
                )


def _needed_and_candidates(params: Params, limits: Limits, entry: Round) -> tuple[int, int]:
    """Return how many picks a round makes, and of how many rows."""
    num_train = len(limits.targets_N)
    start, count = limits.num_to_start_with(entry.from_), num_picks(entry.to, num_train)
    if not _grows(entry):
        return count, start
    allowed = num_train - len(limits.excluded)
    return count - start, allowed - start if params.picks_once else allowed


def _grows(entry: Round) -> bool:
    return entry.to > entry.from_


def _num_held_out(params: Params, limits: Limits, entry: Round) -> int:
    """Return how many candidates race.holdout keeps back for certain.

    Which rows a shrinking round's subset has is not known before it: of the holdout those count
    that must be among them. Nothing is known where groups fill it as they fit.
    """
    has_own_groups = limits.prepared is not None and has_groups(limits.prepared, "train")
    if has_own_groups or not (_grows(entry) or params.picks_once):
        return 0
    num_train = len(limits.targets_N)
    start = limits.num_to_start_with(entry.from_)
    bound = start if _grows(entry) else len(limits.included)
    free = max(0, num_train - len(limits.excluded) - bound)
    held_out = min(int(params.race.holdout * num_train), free)
    elsewhere = 0 if _grows(entry) else free - (start - bound)
    return max(0, held_out - elsewhere)


def _num_skipped(
    params: Params, limits: Limits, entry: Round, select: Select, candidates: int
) -> int:
    """Return how many of the candidates are skipped as outliers for certain."""
    if not isinstance(select.outliers, OutlierFraction):
        return 0
    skipped = min(num_highest(select.outliers.fraction, len(limits.targets_N)), candidates)
    # Included samples are never skipped; in most growing rounds they are no candidates any more.
    spared = 0 if _grows(entry) and params.picks_once else len(limits.included)
    return max(0, skipped - spared)


def _wrong_comparisons(params: Params, limits: Limits) -> Iterator[str]:
    """Yield the compared subsets that cannot be had in their size."""
    num_train = len(limits.targets_N)
    last = num_picks(params.sizes[-1], num_train)
    most = max(num_train - len(limits.excluded), last)
    for name in params.compare.subsets:
        kind, size = kind_and_size(name)
        if not size or size == "unique":
            continue
        try:
            count = num_picks(parse_size(size), num_train)
        except ParamsError as error:
            yield f"compare.subsets has {name}; {str(error).removeprefix('params.yaml: ')}"
            continue
        if kind != MATCHED and count > (last if kind == "selected" else most):
            yield (
                f"compare.subsets has {name}, {count} picks; "
                f"{last if kind == 'selected' else most} can be had"
            )


def _wrong_minimum(params: Params, limits: Limits) -> Iterator[str]:
    """Yield the sizes, and the classes, that are too small for min_per_class."""
    said: set[tuple[Size, int]] = set()
    candidates_C = limits.count_classes(limits.allowed(np.arange(len(limits.targets_N))))
    scarcest = int(candidates_C.argmin())
    for here, select in params.selections.items():
        minimum, least = select.min_per_class, select.min_per_class * limits.num_classes
        if candidates_C[scarcest] < minimum and (scarcest, minimum) not in said:
            said.add((scarcest, minimum))
            yield (
                f"{here}.min_per_class is {minimum}; {limits.name_of(scarcest)} has "
                f"{candidates_C[scarcest]} samples to pick"
            )
        # No entrant draws the seed subset.
        for size in params.sizes if here == "select" else params.sizes[1:]:
            count = num_picks(size, len(limits.targets_N))
            if count < least and (size, least) not in said:
                said.add((size, least))
                yield (
                    f"{here}.min_per_class is {minimum}, which takes {least} picks for "
                    f"{limits.num_classes} classes; size {size} has {count}"
                )


def _wrong_starts(params: Params, limits: Limits) -> Iterator[str]:
    """Yield the shrinking rounds that k-centers would fill at random."""
    for entry in params.rounds:
        count = num_picks(entry.to, len(limits.targets_N))
        for here, select in params.selections.items():
            if entry.to < entry.from_ and "k_centers" in select.rules:
                start = select.k_centers_start
                if count <= start:
                    yield (
                        f"{here}.k_centers_start is {start}; it must be below the {count} picks of "
                        f"the round to {entry.to}, or all of them are random"
                    )


def _wrong_voters(params: Params, limits: Limits) -> Iterator[str]:
    """Yield where `all_voters_disagree` could never hold."""
    num_voters, num_classes = params.num_voters, limits.num_classes
    places = [
        here
        for here, select in params.selections.items()
        if select.outliers == "all_voters_disagree"
    ]
    if places and not 2 <= num_voters <= num_classes:  # noqa: PLR2004 - disagreement takes two
        yield (
            f"{places[0]}.outliers is all_voters_disagree with {num_voters} voters and "
            f"{num_classes} classes; allowed are 2 to {num_classes} voters"
        )
