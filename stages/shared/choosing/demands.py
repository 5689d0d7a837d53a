"""What params.yaml demands of later stages, against the data: nothing is trained that must fail.

Shapes: N train samples, C classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

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
    """Yield the rounds that take more picks than they have candidates for certain."""
    said = set()
    for entry in params.rounds:
        for here, select in params.selections.items():
            taken = _taken_away(params, limits, entry, here, select)
            needed, left = taken.needed, max(0, taken.candidates - taken.held_out - taken.skipped)
            if needed > left and (entry.to, left) not in said:
                said.add((entry.to, left))
                reasons = [
                    *(
                        [f"{select.exclude} excludes {num}"]
                        if (num := len(limits.excluded))
                        else []
                    ),
                    *([f"{here}.outliers skips {taken.skipped}"] if taken.skipped else []),
                    *([f"race.holdout keeps {taken.held_out}"] if taken.held_out else []),
                ]
                because = f" ({', '.join(reasons)})" if reasons else ""
                yield (
                    f"the round {entry.from_} to {entry.to} asks for {needed} picks; {left} "
                    f"samples can be picked{because}"
                )


@dataclass(frozen=True)
class _Taken:
    """How many picks a round takes, of how many candidates, and how many of these are kept back."""

    needed: int
    candidates: int
    held_out: int
    skipped: int


def _taken_away(params: Params, limits: Limits, entry: Round, here: str, select: Select) -> _Taken:
    """Return what a selection has to choose from in a round, at the most.

    Which rows a shrinking round's subset has is not known before it: of the holdout those count
    that must be among them.
    """
    num_train, num_included = len(limits.targets_N), len(limits.included)
    allowed = num_train - len(limits.excluded)
    start, count = (num_picks(size, num_train) for size in (entry.from_, entry.to))
    grows = entry.to > entry.from_
    if grows:
        kept, needed = start, count - start
        candidates = allowed - start if params.picks_once else allowed
    else:
        kept, needed, candidates = num_included, count, start
    free = max(0, allowed - kept)  # of the holdout
    held_out = min(int(params.race.holdout * num_train), free)
    if not grows:
        held_out = max(0, held_out - (free - (start - num_included))) if params.picks_once else 0
    if here == "select" or _has_groups(limits):  # groups fill the holdout as they fit
        held_out = 0
    skipped = min(_num_outliers(select, num_train), candidates - held_out)
    if not (grows and params.picks_once):  # included ones are candidates, and never skipped
        skipped -= num_included
    return _Taken(needed, candidates, held_out, max(0, skipped))


def _has_groups(limits: Limits) -> bool:
    return limits.prepared is not None and has_groups(limits.prepared, "train")


def _num_outliers(select: Select, num_train: int) -> int:
    fraction = select.outliers.fraction if isinstance(select.outliers, OutlierFraction) else 0.0
    return num_highest(fraction, num_train)


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
