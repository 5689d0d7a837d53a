"""What params.yaml demands of later stages, against the data: nothing is trained that must fail.

Shapes: N train samples, C classes.
"""

from collections.abc import Iterator

from stages.shared.choosing.limits import Limits
from stages.shared.choosing.outliers import num_highest
from stages.shared.errors import ParamsError
from stages.shared.settings.messages import AND
from stages.shared.settings.params import Params
from stages.shared.settings.sections import OutlierFraction
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
        *_wrong_voters(params, limits),
    ]
    if found:
        raise ParamsError(f"params.yaml: {AND.join(found)}")


def _wrong_rounds(params: Params, limits: Limits) -> Iterator[str]:
    """Yield the rounds that pick more than they have candidates."""
    num_train, num_excluded = len(limits.targets_N), len(limits.excluded)
    outliers = params.select.outliers
    fraction = outliers.fraction if isinstance(outliers, OutlierFraction) else 0.0
    # Included samples are never skipped.
    num_skipped = max(0, num_highest(fraction, num_train) - len(limits.included))
    for entry in params.rounds if params.picks_once else ():
        start, count = (num_picks(size, num_train) for size in (entry.from_, entry.to))
        most = (num_train - num_excluded if count > start else start) - num_skipped
        if count > most:
            yield (
                f"the round {entry.from_} to {entry.to} is one to {count} picks; it can have "
                f"{most} ({params.select.exclude} excludes {num_excluded}, select.outliers skips "
                f"{num_skipped})"
            )


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
    """Yield the sizes that are too small for select.min_per_class."""
    least = limits.min_per_class * limits.num_classes
    for size in params.sizes:
        count = num_picks(size, len(limits.targets_N))
        if count < least:
            yield (
                f"select.min_per_class is {limits.min_per_class}, which takes {least} picks for "
                f"{limits.num_classes} classes; size {size} has {count}"
            )


def _wrong_voters(params: Params, limits: Limits) -> Iterator[str]:
    """Yield whether `all_voters_disagree` could never hold."""
    if params.select.outliers != "all_voters_disagree":
        return
    voters = params.predict_pool.voters
    members = 1 if voters.members == "best" else params.train_ensemble.members
    num_voters, num_classes = members * voters.count, limits.num_classes
    if not 2 <= num_voters <= num_classes:  # noqa: PLR2004 - disagreement takes two
        yield (
            f"select.outliers is all_voters_disagree with {num_voters} voters and {num_classes} "
            f"classes; allowed are 2 to {num_classes} voters"
        )
