"""How much data is needed, in words, and the size to try next as a command."""

import math
from collections.abc import Sequence
from itertools import pairwise

from stages.report.formulas.learning_curve import FEWEST, LEVEL, Band
from stages.report.numbers.how_much_data import (
    TARGET,
    WIDEST,
    LearningCurve,
    curve_to_tell,
    learning_curves,
)
from stages.report.run.results import Results
from stages.shared.settings.params import Params
from stages.shared.sizes import Size, kind_and_size, num_picks, parse_size

NEAR = 1.15  # times: sizes that are nearer are one
DIGITS = 2  # of the size to try next


def size_sentences(draws: Sequence[Results]) -> list[str]:
    """Return a sentence for each target model, and the command that tells more."""
    command = next_command(draws, learning_curves(draws))
    return [*size_answers(draws), *([f"To know more: {command}"] if command else [])]


def size_answers(draws: Sequence[Results]) -> list[str]:
    """Return a sentence for each target model."""
    return [f"How much data: {words}." for words in sizes_in_words(draws, learning_curves(draws))]


def sizes_in_words(draws: Sequence[Results], curves: Sequence[LearningCurve]) -> list[str]:
    """Return what is known of each target model, without full stops."""
    found = []
    for model in draws[0].params.compare.models:
        curve = curve_to_tell(curves, model)
        found.append(told(curve) if curve else untold(model, curves))
    return found


def told(curve: LearningCurve) -> str:
    """Say what a curve answers."""
    return "; ".join(
        [f"{curve_in_words(curve)}: {enough_in_words(curve)}", *doublings_in_words(curve)]
    )


def curve_in_words(curve: LearningCurve) -> str:
    """Say what a curve is of."""
    role = "" if curve.trained_as == TARGET else f" as {curve.trained_as}"
    return (
        f"the curve of {curve.model}{role} on {curve.kind} subsets of {len(curve.points)} sizes "
        f"({curve.num_samples:,} validation samples, {100 * LEVEL:g} % bands of a new measurement)"
    )


def enough_in_words(curve: LearningCurve) -> str:
    """Say which size will do."""
    within = f"within {curve.margin:g} points of everything"
    likely, surely = curve.likely_enough, curve.surely_enough
    if curve.everything is None:
        return "everything was not measured"
    if likely is None:
        return f"no subset is expected {within}"
    expected = f"{_share(curve, likely)} are expected {within}"
    if surely is None:
        return f"{expected}, and no subset is so at the low end of its band"
    return f"{expected}, and {_share(curve, surely)} are so at the low end of the band too"


def doublings_in_words(curve: LearningCurve) -> list[str]:
    """Say what twice as many samples bring: of the largest subset, and of everything."""
    largest, everything = curve.largest, curve.everything
    found = [f"twice the {_share(curve, largest.size)} bring {_gain(curve.doubling(largest))}"]
    if everything is not None:
        found.append(f"twice everything would bring {_gain(curve.doubling(everything))}")
    return found


def untold(model: str, curves: Sequence[LearningCurve]) -> str:
    """Say why nothing is known of a target model."""
    own = [curve for curve in curves if curve.trained_as == TARGET and curve.model == model]
    fitted = [curve for curve in own if curve.curve is not None]
    if not fitted:
        most = max((len(curve.points) for curve in own), default=1)
        return (
            f"cannot tell how much {model} needs: it was measured at {most} "
            f"size{'s' if most > 1 else ''}, and a curve takes {FEWEST}"
        )
    return (
        f"cannot tell how much {model} needs: at twice the largest subset its band is wider than "
        f"{WIDEST:g} points"
    )


def _share(curve: LearningCurve, size: int) -> str:
    return f"{size:,} samples ({100 * size / curve.num_train:.3g} %)"


def _gain(band: Band) -> str:
    return f"{band.middle:+.1f} points ({band.low:+.1f} to {band.high:+.1f})"


# --- what to run next -----------------------------------------------------------------------------


def next_command(draws: Sequence[Results], curves: Sequence[LearningCurve]) -> str | None:
    """Return the experiment that tells most; None where there is none to propose.

    It compares every round's size, and those to try next: one that is larger than the last round's
    by another round (of shrinking rounds the last leads there instead).
    """
    params, num_train = draws[0].params, draws[0].meta.num_samples["train"]
    most = draws[0].num_everything
    own = [curve for curve in curves if curve.trained_as == TARGET]
    sizes = _sizes_to_try(params, curve_to_tell(own, params.compare.models[0]), num_train, most)
    rounds, last = None, params.sizes[-1]
    if sizes and num_picks(sizes[0], num_train) > num_picks(last, num_train):
        last = sizes[0]
        rounds = _rounds_to(params, last, num_train)
        if rounds is None:
            return None
    subsets = _subsets(params, [*params.sizes, *sizes], last)
    changes = [f"-S 'rounds=[{', '.join(rounds)}]'"] if rounds else []
    changes += _holdout_for(params, (num_picks(last, num_train) + num_train - most) / num_train)
    if subsets != params.compare.subsets:
        changes.append(f"-S 'compare.subsets=[{', '.join(subsets)}]'")
    return " ".join(["dvc exp run", *changes]) if changes else None


def _sizes_to_try(
    params: Params, curve: LearningCurve | None, num_train: int, most: int
) -> list[Size]:
    """Return the size that is expected to do, else twice the last; none where there is no other.

    Where the rounds' sizes are not compared yet, they come first, and what a curve takes between.
    """
    known = [num_picks(size, num_train) for size in params.sizes]
    wanted: list[int | None] = [2 * known[-1]]
    if curve is not None:
        known = [point.size for point in curve.points]
        wanted = [curve.likely_enough, curve.surely_enough, *wanted]
    elif _is_shrinking(params, num_train):
        return _halves(params, num_train, most)
    elif {*_subsets(params, params.sizes, params.sizes[-1])} - {*params.compare.subsets}:
        return _between(params, num_train, most)
    for size in filter(None, wanted):
        written = _written(params, size, num_train)
        picks = num_picks(written, num_train)
        if picks < most and all(max(picks / one, one / picks) > NEAR for one in known):
            return [written]
    return []


def _between(params: Params, num_train: int, most: int) -> list[Size]:
    """Return sizes between those of growing rounds that a curve takes beside everything.

    Fewer where there is no room for them.
    """
    picks = _compared(params, num_train, most)
    found: list[Size] = []
    while 1 < len(picks) < FEWEST - 1:
        one, other = max(pairwise(sorted(picks)), key=lambda pair: pair[1] / pair[0])
        size = _written(params, round((one * other) ** 0.5), num_train)
        num = num_picks(size, num_train)
        if not one * NEAR < num < other / NEAR:
            break
        found.append(size)
        picks.add(num)
    return found


def _halves(params: Params, num_train: int, most: int) -> list[Size]:
    """Return sizes below the last one of shrinking rounds, each half of the next, for a curve."""
    picks = _compared(params, num_train, most)
    found: list[Size] = []
    while len(picks) < FEWEST - 1 and min(picks) > 1:
        size = _written(params, min(picks) // 2, num_train)
        found.append(size)
        picks.add(num_picks(size, num_train))
    return found


def _compared(params: Params, num_train: int, most: int) -> set[int]:
    """Return how large the subsets are that a curve has beside everything, the rounds' too."""
    parts = [kind_and_size(name) for name in params.compare.subsets]
    named = [parse_size(size) for kind, size in parts if kind == "selected" and size]
    return {num_picks(size, num_train) for size in (*params.sizes, *named)} - {most}


def _is_shrinking(params: Params, num_train: int) -> bool:
    first, last = (num_picks(params.sizes[place], num_train) for place in (0, -1))
    return first > last


def _written(params: Params, size: int, num_train: int) -> Size:
    """Return a number of samples as params.yaml has sizes, with few digits."""
    if isinstance(params.seed_size, float):
        return float(f"{size / num_train:.{DIGITS}g}")
    return int(float(f"{size:.{DIGITS}g}"))


def _rounds_to(params: Params, size: Size, num_train: int) -> list[str] | None:
    """Return the rounds that lead to a size; None where acquisition would need it too."""
    if not isinstance(params.acquisition, str):
        return None
    steps = list(params.sizes)
    steps = [*steps[:-1], size] if _is_shrinking(params, num_train) else [*steps, size]
    if len({*steps}) < len(steps):
        return None
    return [f"{{from: {one}, to: {other}}}" for one, other in pairwise(steps)]


def _holdout_for(params: Params, share: float) -> list[str]:
    """Return a setting where race.holdout leaves a last round too few candidates.

    share: what it has of the train split, or must not have.
    """
    if not params.race.entrants or share <= 1 - params.race.holdout:
        return []
    half_of_rest = math.floor(100 * (1 - share) / 2) / 100  # so that entrants can differ
    return [f"-S race.holdout={half_of_rest:g}"]


def _subsets(params: Params, sizes: Sequence[Size], last: Size) -> list[str]:
    """Return compare.subsets with these sizes, selected and random, below that of the last round.

    The last round's are named without a size, and none is larger.
    """
    named = [size for size in sizes if size < last]
    wanted = [f"{kind}-{size}" for size in named for kind in ("selected", "random")]
    first = ["selected", "random", "full"]
    return list(dict.fromkeys([*params.compare.subsets, *first, *wanted]))
