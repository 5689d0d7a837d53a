"""What may be said of the selected subset.

Rounds and sizes are chosen on validation, and test is read for the choice alone: what is chosen
among many by its accuracy on test looks better there than it is. Differences are paired. A run of
several random seeds is as many draws of the subsets; `python -m commands.verdict` takes the draws
of several runs together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stages.report.formulas.statistics import (
    CANNOT_TELL,
    ROWS,
    SAMPLES,
    Estimate,
    Measured,
    paired_difference,
    verdict,
)
from stages.report.numbers import learning_warnings, payback
from stages.report.numbers.draws import Draw, draw_of
from stages.report.numbers.learning_warnings import COMPARED, Guessing
from stages.report.numbers.seconds import Seconds
from stages.report.numbers.summary import mean
from stages.report.run.results import Results, measured, num_independent, validated_by
from stages.shared.settings.training_sections import EpochLength
from stages.shared.sizes import MATCHED

OTHERS = {
    "full": "everything",
    "random": "a random subset of its size",
    MATCHED: "everything trained as briefly as the subset",
}
ROUNDING = 1e-9  # points: 100 - 99.5 is within a margin of 0.5 whatever floating point makes of it


@dataclass(frozen=True)
class Against:
    """The selected subset against another, on test."""

    word: str  # better, as good as, worse or cannot tell
    value: float  # of the difference, in points
    reach: float  # half the width of its 95 % interval; infinite where there is none
    source: str = ""  # of the error the largest part: rows, samples or answers; empty: unknown
    share: float = 0.0  # what that is of the error's variance, in [0, 1]
    of_samples: float = 0.0  # what the samples are of it, which more draws do not shrink


@dataclass(frozen=True)
class Smallest:
    """The smallest compared subset that is shown on validation to be as good as everything."""

    picks: int
    fraction: float
    difference: float  # on validation, minus everything, in points
    lowest: float  # the lower end of its 95 % interval
    test: float


@dataclass(frozen=True)
class NotShown:
    """Why no compared subset is shown to be within the margin of everything."""

    num_validation: int  # samples
    # That would do, as far as this run tells; None: it looks worse by more, or draws differ so.
    enough: int | None


@dataclass(frozen=True)
class Conclusion:
    """What may be said of one target model; points are of `metric`."""

    model: str
    metric: str
    margin: float
    is_by_updates: bool  # every subset is trained with the same number of updates
    unit: str  # samples, or picks where a sample may be drawn more than once
    picks: int
    fraction: float
    num_draws: int
    against: Mapping[str, Against]  # of OTHERS those that were compared
    cost: payback.Cost | None  # None: everything was not compared
    # None: everything was not compared, or a model guesses.
    smallest: Smallest | NotShown | None
    # Of a random subset against everything, as in `against`; empty: one of them was not compared.
    random_word: str = ""
    is_fine_tuned: bool = False  # selected subsets start from an ensemble that had everything
    num_classes: int = 0
    untested: Sequence[str] = ()  # the classes of which test holds nothing
    # Test holds one class of several alone: who always names it is always right, so that all guess.
    is_of_one_class: bool = False
    # By compared subset on which nothing was learnt, as far as that is known.
    guessing: Mapping[str, Guessing] = field(default_factory=dict)
    # By compared subset whose training ended too early, as far as its curves show: by how many
    # points the accuracy on validation still rose.
    rising: Mapping[str, float] = field(default_factory=dict)
    rises_at_most: float | None = None  # points, the largest upper end; None: not known
    validated_by: str = "accuracy"
    # In points on test, by compared subset of COMPARED, and how many picks each has.
    reached: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    shares_first: bool = False  # all draws start from one first subset
    num_random: int = 0  # draws whose selected subset is a random one, which won every race
    num_test: int = 0  # samples
    num_test_groups: int | None = None  # of the user's, which the errors then are of
    num_members: int = 0  # of each draw; of an ensemble, which is one, 1
    cost_in_seconds: payback.Cost | None = None  # None: not known, or not to be told


def conclude(draws: Sequence[Draw], model: str) -> Conclusion | None:
    """Return what draws together say of a target model; they differ by their random seed alone.

    None where the selected subset was not compared.
    """
    params, meta = draws[0].params, draws[0].meta
    if "selected" not in draws[0].comparison:
        return None
    picks = len(draws[0].comparison["selected"])
    guessing = learning_warnings.guessing(draws, model)
    rises = learning_warnings.rises(draws, model)
    is_known = "full" in draws[0].comparison
    untested = [
        name
        for name, of_class in draws[0].targets[model, "selected"].evaluation.by_class.items()
        if of_class.get("num") == 0
    ]
    return Conclusion(
        model=model,
        metric=params.report.metric,
        margin=params.report.margin,
        is_by_updates=not isinstance(params.train_subset_model.length, EpochLength),
        unit="picks" if params.select.candidates == "all" else "samples",
        picks=picks,
        fraction=picks / meta.num_samples["train"],
        num_draws=len(draws),
        against={
            other: _against(draws, model, other, is_told=not {"selected", other} & {*guessing})
            for other in OTHERS
            if other in draws[0].comparison
        },
        cost=payback.cost(draws, model) if is_known else None,
        smallest=_smallest(draws, model)
        if is_known and not {"full", "selected"} & {*guessing}
        else None,
        random_word=verdict(_difference(draws, model, "random", "full"), params.report.margin)
        if {"random", "full"} <= draws[0].comparison.keys()
        else "",
        is_fine_tuned=params.train_subset_model.initialize_from != "scratch",
        num_classes=meta.num_classes,
        untested=untested,
        is_of_one_class=params.rules.has_labels and len(untested) == meta.num_classes - 1 > 0,
        guessing=guessing,
        rising={
            name: rise.value
            for name, rise in rises.items()
            if name not in guessing and rise.interval[0] > params.report.margin
        },
        rises_at_most=max((max(rise.interval[1], 0.0) for rise in rises.values()), default=None),
        validated_by=validated_by(params),
        reached=_reached(draws, model),
        shares_first=_shares_first(draws),
        num_random=sum(draw.took_random for draw in draws),
        num_test=meta.num_samples["test"],
        num_test_groups=_num_test_groups(draws, model),
        num_members=len(
            draws[0].targets[model, "selected"].measured(params.report.metric).values_R
        ),
        cost_in_seconds=payback.cost_in_seconds(draws, model) if is_known else None,
    )


def _against(draws: Sequence[Draw], model: str, other: str, *, is_told: bool) -> Against:
    """Compare the selected subset; what models that guess reach differs by nothing that tells."""
    difference = _difference(draws, model, "selected", other)
    low, high = difference.interval
    parts = difference.parts if is_told else {}
    source = max(parts, key=parts.__getitem__) if parts else ""
    return Against(
        word=verdict(difference, draws[0].params.report.margin) if is_told else CANNOT_TELL,
        value=difference.value,
        reach=(high - low) / 2,
        source=source,
        share=parts.get(source, 0.0),
        of_samples=parts.get(SAMPLES, 0.0),
    )


def _difference(draws: Sequence[Draw], model: str, one: str, other: str) -> Estimate:
    """Return what a model reaches on one compared subset minus another, in points on test."""
    first, second = (
        measured([draw.targets[model, name] for draw in draws], draws[0].params.report.metric)
        for name in (one, other)
    )
    return paired_difference(first, second)


def _reached(draws: Sequence[Draw], model: str) -> dict[str, tuple[float, int]]:
    comparison = draws[0].comparison
    return {
        name: (mean([_on_test(draw, model, name) for draw in draws]), len(comparison[name]))
        for name in (*COMPARED, MATCHED)
        if name in comparison
    }


def _num_test_groups(draws: Sequence[Draw], model: str) -> int | None:
    """Return in how many groups the test samples are; None: in none, or it cannot be seen."""
    target, meta = draws[0].targets[model, "selected"], draws[0].meta
    num = num_independent(draws[0].params, meta, target, "test")
    return num if num < meta.num_samples["test"] else None


def _shares_first(draws: Sequence[Draw]) -> bool:
    """Whether several draws start from one first subset, whose chance no difference shows."""
    first, *others = (
        np.sort(subset.index_P[subset.round_P == 0])
        for draw in draws
        for subset in [draw.comparison["selected"]]
    )
    return bool(len(first) and others) and all(np.array_equal(first, one) for one in others)


def _smallest(draws: Sequence[Draw], model: str) -> Smallest | NotShown:
    """Return the smallest selected subset that is surely within `report.margin` on validation.

    Where there is none: how many validation samples would do for the last one, if its difference
    stayed as it is, and the part of its error that is not of the draws fell by the root of their
    number; or by the number itself, where both are right on all of them.
    """
    params, comparison = draws[0].params, draws[0].comparison
    margin = params.report.margin + ROUNDING
    full = _on_validation(draws, model, "full")
    names = [name for name in comparison if name.partition("-")[0] == "selected"]
    for name in sorted(names, key=lambda name: len(comparison[name])):
        found = paired_difference(_on_validation(draws, model, name), full)
        lowest, _ = found.interval
        if lowest >= -margin:
            picks = len(comparison[name])
            test = mean([_on_test(draw, model, name) for draw in draws])
            fraction = picks / draws[0].meta.num_samples["train"]
            return Smallest(picks, fraction, found.value, lowest, test)
    num, room = draws[0].meta.num_samples["validation"], found.value + margin
    reach = found.value - lowest
    if room <= ROUNDING or not math.isfinite(reach):
        return NotShown(num, None)
    if not found.variance:
        return NotShown(num, math.ceil(num * reach / room))
    of_draws = found.parts[ROWS]
    left = (room / reach) ** 2 - of_draws  # of the variance, for what the samples share in
    return NotShown(num, math.ceil(num * (1 - of_draws) / left) if left > 0 else None)


def _on_validation(draws: Sequence[Draw], model: str, subset: str) -> Measured:
    metric = draws[0].params.rules.validation_metric
    return measured([draw.targets[model, subset] for draw in draws], metric)


def _on_test(draw: Draw, model: str, subset: str) -> float:
    return float(draw.targets[model, subset].measured(draw.params.report.metric).values_R.mean())


def conclusions(draws: Sequence[Results], seconds: Seconds | None = None) -> list[Conclusion]:
    """Return what a run says of each target model; without seconds it costs FLOPs alone."""
    models = draws[0].params.compare.models
    of_draws = [draw_of(results, seconds) for results in draws]
    found = [conclude(of_draws, model) for model in models]
    return [conclusion for conclusion in found if conclusion]
