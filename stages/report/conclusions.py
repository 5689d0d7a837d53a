"""What may be said of the selected subset.

Rounds and sizes are chosen on validation, and test is read for the choice alone: what is chosen
among many by its accuracy on test looks better there than it is. Differences are paired. One run
speaks of one draw of the subsets; runs that differ by their random seed alone are taken together by
`python -m commands.verdict`.

Shapes: R runs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from stages.report.results import Results, Target
from stages.report.statistics import (
    Draws,
    Estimate,
    paired_difference,
    verdict,
)
from stages.report.summary import search_flops
from stages.shared.artifacts import Meta, Subset
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import EpochLength

OTHERS = {"full": "everything", "random": "a random subset of its size"}
ROUNDING = 1e-9  # points: 100 - 99.5 is within a margin of 0.5 whatever floating point makes of it


@dataclass(frozen=True)
class Run:
    """What the conclusions from one run rest on."""

    params: Params
    meta: Meta
    comparison: Mapping[str, Subset]  # by name
    targets: Mapping[tuple[str, str], Target]  # by model and name of the subset
    search_flops: float


@dataclass(frozen=True)
class Against:
    """The selected subset against another, on test."""

    word: str  # better, as good as, worse or cannot tell
    value: float  # of the difference, in points
    reach: float  # half the width of its 95 % interval; infinite where there is none


@dataclass(frozen=True)
class Cost:
    """What the search cost, and when that comes back."""

    full_trainings: float  # of one member on everything, in FLOPs
    pays_back_after: int | None  # trainings on the subset; None: never


@dataclass(frozen=True)
class Smallest:
    """The smallest compared subset that is as good as everything, chosen on validation."""

    picks: int
    fraction: float
    validation: float  # points
    validation_of_full: float
    test: float


@dataclass(frozen=True)
class Guessing:
    """Trained on everything, the model is right not clearly more often than one who guesses."""

    reached: float  # % of the test samples that are right, mean over members and runs
    num_classes: int

    @property
    def chance(self) -> float:
        """What guessing reaches."""
        return 100 / self.num_classes


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
    num_runs: int
    against: Mapping[str, Against]  # of OTHERS those that were compared
    cost: Cost | None  # None: everything was not compared
    smallest: Smallest | None  # None: none is as good, or everything was not compared
    guessing: Guessing | None = None  # None: the model learnt something, or that is not known


def run_of(results: Results) -> Run:
    """Return what the conclusions of this run rest on."""
    return Run(
        results.params,
        results.meta,
        results.comparison,
        results.targets,
        search_flops(results),
    )


def conclude(runs: Sequence[Run], model: str) -> Conclusion | None:
    """Return what the runs together say of a target model; they differ by their random seed alone.

    None where the selected subset was not compared.
    """
    params, meta = runs[0].params, runs[0].meta
    if "selected" not in runs[0].comparison:
        return None
    picks = len(runs[0].comparison["selected"])
    return Conclusion(
        model=model,
        metric=params.report.metric,
        margin=params.report.margin,
        is_by_updates=not isinstance(params.train_subset_model.length, EpochLength),
        unit="picks" if params.select.candidates == "all" else "samples",
        picks=picks,
        fraction=picks / meta.num_samples["train"],
        num_runs=len(runs),
        against={
            other: _against(runs, model, other) for other in OTHERS if other in runs[0].comparison
        },
        cost=_cost(runs, model) if "full" in runs[0].comparison else None,
        smallest=_smallest(runs, model) if "full" in runs[0].comparison else None,
        guessing=_guessing(runs, model) if "full" in runs[0].comparison else None,
    )


def _against(runs: Sequence[Run], model: str, other: str) -> Against:
    metric = runs[0].params.report.metric
    found = [
        paired_difference(
            run.targets[model, "selected"].measured(metric),
            run.targets[model, other].measured(metric),
        )
        for run in runs
    ]
    difference: Estimate | Draws = found[0]
    if len(found) > 1:
        difference = Draws(np.array([entry.value for entry in found]))
    low, high = difference.interval
    return Against(
        word=verdict(difference, runs[0].params.report.margin),
        value=difference.value,
        reach=(high - low) / 2,
    )


def _cost(runs: Sequence[Run], model: str) -> Cost:
    """Return the cost; under equal updates a subset saves no training time, so nothing pays back.

    After z trainings search + z * subset <= z * full.
    """
    search = _mean([run.search_flops for run in runs])
    full, subset = (
        _mean([run.targets[model, name].member_flops for run in runs])
        for name in ("full", "selected")
    )
    saves = full > subset and isinstance(runs[0].params.train_subset_model.length, EpochLength)
    after = max(1, math.ceil(search / (full - subset))) if saves else None
    return Cost(search / full, after)


def _smallest(runs: Sequence[Run], model: str) -> Smallest | None:
    """Return the smallest selected subset within `report.margin` of everything on validation."""
    params, comparison = runs[0].params, runs[0].comparison
    of_full = _on_validation(runs, model, "full")
    names = [name for name in comparison if name.partition("-")[0] == "selected"]
    for name in sorted(names, key=lambda name: len(comparison[name])):
        validation = _on_validation(runs, model, name)
        if of_full - validation <= params.report.margin + ROUNDING:
            picks = len(comparison[name])
            test = _mean([_on_test(run, model, name) for run in runs])
            fraction = picks / runs[0].meta.num_samples["train"]
            return Smallest(picks, fraction, validation, of_full, test)
    return None


def _guessing(runs: Sequence[Run], model: str) -> Guessing | None:
    """Return how often the model is right, where one guesser in 40 is right as often or more.

    The number of test samples that a guesser is right on has a binomial distribution.
    """
    if not runs[0].params.rules.has_labels:
        return None
    found = [run.targets[model, "full"].measured("accuracy") for run in runs]
    reached = _mean([measured.values_M.mean() for measured in found])
    num_test, num_classes = found[0].samples_MT.shape[1], len(runs[0].meta.class_names)
    num_right = math.ceil(reached / 100 * num_test - ROUNDING)
    probability = bdtrc(num_right - 1, num_test, 1 / num_classes)  # of so many or more
    return Guessing(reached, num_classes) if probability >= 1 / 40 else None


def _on_validation(runs: Sequence[Run], model: str, subset: str) -> float:
    metric = runs[0].params.rules.validation_metric
    return _mean([100 * run.targets[model, subset].evaluation.mean[metric] for run in runs])


def _on_test(run: Run, model: str, subset: str) -> float:
    return float(run.targets[model, subset].measured(run.params.report.metric).values_M.mean())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def conclusions(results: Results) -> list[Conclusion]:
    """Return what this run alone says of each target model."""
    run = run_of(results)
    found = [conclude([run], model) for model in results.params.compare.models]
    return [conclusion for conclusion in found if conclusion]
