"""metrics/summary.json: the few numbers that decide.

DVC shows it beside the settings of each experiment, one column for each number, so there are few
and their names are short: intervals stand in metrics/verdict.txt, all else in plots/tables.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.report.formulas.rounding import known_points, points, significant
from stages.report.formulas.statistics import Estimate, Measured, estimate, paired_difference
from stages.report.run.results import KINDS, Results, measured, training_flops
from stages.shared.artifacts import Epoch, Rows, ValidationResult
from stages.shared.sizes import MATCHED


def summarise(draws: Sequence[Results]) -> dict[str, Any]:
    """Return the summary: accuracies in points from 0 to 100, and how large and dear the subset is.

    `search` is what choosing cost, in trainings of the first target model on everything, by FLOPs.
    What was not compared has no key.
    """
    models = {model: _of_model(draws, model) for model in draws[0].params.compare.models}
    return {**models, "size": len(draws[0].last_subset), **_search(draws)}


def differences(draws: Sequence[Results]) -> Rows:
    """Return how many points the selected subset is better than each other, for each target."""
    return [
        {
            "model": model,
            "selected_minus": other,
            "value": points(found.value),
            "plus_minus": known_points(found.plus_minus),
            "draws": len(draws),
        }
        for model in draws[0].params.compare.models
        for other, found in _differences(draws, model).items()
    ]


def search_flops(results: Results) -> float:
    """Return what all rounds of a draw cost, with their races, and the embedding of all images."""
    of_rounds = sum(round_flops(entry.history, entry.validation) for entry in results.rounds)
    of_races = sum(found.flops for found in results.races.values())
    return results.embedding_flops + of_rounds + of_races


def round_flops(history: Sequence[Epoch], validation: ValidationResult) -> float:
    """Return what a round cost: training every member, and letting the voters predict."""
    return sum(training_flops(history).values()) + validation.flops


def member_flops(draws: Sequence[Results], model: str, subset: str) -> float:
    """Return what training one member cost, mean over the members of all draws."""
    return mean([results.targets[model, subset].member_flops for results in draws])


def accuracy(draws: Sequence[Results], model: str, subset: str) -> Estimate:
    """Return `report.metric` on test in points, mean over the members of all draws."""
    return estimate(_measured(draws, model, subset))


def difference(draws: Sequence[Results], model: str, first: str, second: str) -> Estimate:
    """Return how many points a subset is better than another, paired by seed and sample."""
    return paired_difference(_measured(draws, model, first), _measured(draws, model, second))


def _of_model(draws: Sequence[Results], model: str) -> dict[str, float]:
    compared = draws[0].comparison
    names = [name for name in (*KINDS, MATCHED) if name in compared]
    found = {name: points(accuracy(draws, model, name).value) for name in names}
    if "selected" in compared:
        found["validation"] = points(on_validation(draws, model, "selected"))
    return found


def on_validation(draws: Sequence[Results], model: str, subset: str) -> float:
    """Return what a subset reaches on validation, in points, mean over the members of all draws."""
    metric = draws[0].params.rules.validation_metric
    return mean([100 * draw.targets[model, subset].evaluation.mean[metric] for draw in draws])


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return float(np.mean(values))


def _differences(draws: Sequence[Results], model: str) -> dict[str, Estimate]:
    compared = draws[0].comparison
    return {
        other: difference(draws, model, "selected", other)
        for other in ("random", "full", MATCHED)
        if "selected" in compared and other in compared
    }


def _search(draws: Sequence[Results]) -> dict[str, float]:
    if "full" not in draws[0].comparison:
        return {}
    unit = member_flops(draws, draws[0].params.compare.models[0], "full")
    return {"search": significant(mean([search_flops(results) for results in draws]) / unit)}


def _measured(draws: Sequence[Results], model: str, subset: str) -> Measured:
    targets = [results.targets[model, subset] for results in draws]
    return measured(targets, draws[0].params.report.metric)
