"""What params.yaml demands of later stages, against the data: nothing is trained that must fail.

Shapes: N train samples, C classes.
"""

from collections.abc import Iterator

from stages.shared.artifacts import has_groups
from stages.shared.choosing.limits import Limits
from stages.shared.choosing.outliers import num_highest
from stages.shared.errors import ParamsError
from stages.shared.settings.messages import AND
from stages.shared.settings.params import Params
from stages.shared.settings.sections import OutlierFraction, Select
from stages.shared.sizes import MATCHED, kind_and_size, num_picks, parse_size


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
    """Yield the rounds that pick more than they have candidates, by `select` or an entrant."""
    num_train, num_excluded = len(limits.targets_N), len(limits.excluded)
    for entry in params.rounds if params.picks_once else ():
        start, count = (num_picks(size, num_train) for size in (entry.from_, entry.to))
        candidates = num_train - num_excluded if count > start else start
        said = set()
        for here, select in params.selections.items():
            num_skipped = _num_skipped(select, limits)
            num_held = 0 if here == "select" else _num_held_out(params, limits, start, count)
            most = candidates - num_skipped - num_held
            if count > most and most not in said:
                said.add(most)
                held = f", race.holdout keeps {num_held} to judge by" if num_held else ""
                yield (
                    f"the round {entry.from_} to {entry.to} is one to {count} picks; it can have "
                    f"{most} ({select.exclude} excludes {num_excluded}, {here}.outliers skips "
                    f"{num_skipped}{held})"
                )


def _num_skipped(select: Select, limits: Limits) -> int:
    """Return how many outliers are skipped for certain; included samples never are."""
    fraction = select.outliers.fraction if isinstance(select.outliers, OutlierFraction) else 0.0
    return max(0, num_highest(fraction, len(limits.targets_N)) - len(limits.included))


def _num_held_out(params: Params, limits: Limits, start: int, count: int) -> int:
    """Return how many candidates of a round race.holdout takes, about: in a shrinking one its part.

    Not where samples are in groups, which fill the share as they fit.
    """
    if limits.prepared is not None and has_groups(limits.prepared, "train"):
        return 0
    num_train, grows = len(limits.targets_N), count > start
    bound = start if grows else len(limits.included)
    free = max(0, num_train - len(limits.excluded) - bound)
    held_out = min(int(params.race.holdout * num_train), free)
    return held_out if grows else held_out * (start - bound) // max(1, free)


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
    """Yield the sizes that are too small for min_per_class, of `select` or an entrant."""
    said = set()
    for here, select in params.selections.items():
        least = select.min_per_class * limits.num_classes
        # No entrant draws the seed subset.
        for size in params.sizes if here == "select" else params.sizes[1:]:
            count = num_picks(size, len(limits.targets_N))
            if count < least and (size, least) not in said:
                said.add((size, least))
                yield (
                    f"{here}.min_per_class is {select.min_per_class}, which takes {least} picks "
                    f"for {limits.num_classes} classes; size {size} has {count}"
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
