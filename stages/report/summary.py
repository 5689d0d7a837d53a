"""metrics/summary.json: the few numbers that a reviewer reads, and accuracies in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from stages.report.results import KINDS, Results, training_flops, training_length
from stages.report.rounding import points, significant
from stages.report.statistics import Estimate, Measured, estimate, paired_difference
from stages.shared.artifacts import Epoch, ValidationResult


def summarise(results: Results) -> dict[str, Any]:
    """Return the summary: accuracies in points from 0 to 100, costs in FLOPs.

    What was not compared has no key.
    """
    models = {model: _of_model(results, model) for model in results.params.compare.models}
    subset = results.last_subset
    size = {
        "size": len(subset),
        "unique": len(np.unique(subset.index_P)),
        "fraction": round(len(subset) / len(results.targets_N), 4),
    }
    return {**models, "subset": size, "cost": _costs(results)}


def search_flops(results: Results) -> float:
    """Return what all rounds cost."""
    return sum(round_flops(entry.history, entry.validation) for entry in results.rounds)


def round_flops(history: Sequence[Epoch], validation: ValidationResult) -> float:
    """Return what a round cost: training every member, and letting the voters predict."""
    return sum(training_flops(history).values()) + validation.flops


def member_flops(results: Results, model: str, subset: str) -> float:
    """Return what training one member cost, mean over the members."""
    return results.targets[model, subset].member_flops


def accuracy(results: Results, model: str, subset: str) -> Estimate:
    """Return `report.metric` on test in points, mean over the members."""
    return estimate(_measured(results, model, subset))


def difference(results: Results, model: str, first: str, second: str) -> Estimate:
    """Return how many points a subset is better than another, paired by member and sample."""
    return paired_difference(_measured(results, model, first), _measured(results, model, second))


def sentences(results: Results) -> Iterator[str]:
    """Yield a line for each target model: its metric on test in points, with standard errors."""
    subset, params = results.last_subset, results.params
    share = 100 * len(subset) / len(results.targets_N)
    labels = {"selected": f"selected {share:.4g} % ({len(subset)} samples)"}
    for model in params.compare.models:
        found = [
            f"{labels.get(name, name)}: {_text(accuracy(results, model, name))}"
            for name in KINDS
            if name in results.comparison
        ]
        yield f"{model}, {params.report.metric}, {training_length(params)}: {'; '.join(found)}"


def _of_model(results: Results, model: str) -> Mapping[str, Any]:
    content: dict[str, Any] = {
        "accuracy": {
            name: points(accuracy(results, model, name).value)
            for name in KINDS
            if name in results.comparison
        }
    }
    if "selected" in results.comparison:
        mean = results.targets[model, "selected"].evaluation.mean
        content["validation_accuracy"] = {
            "selected": points(100 * mean[results.params.rules.validation_metric])
        }
    for other, found in _differences(results, model).items():
        content[f"selected_minus_{other}"] = {
            "value": points(found.value),
            "standard_error": points(found.standard_error),
        }
    return content


def _differences(results: Results, model: str) -> dict[str, Estimate]:
    return {
        other: difference(results, model, "selected", other)
        for other in ("random", "full")
        if "selected" in results.comparison and other in results.comparison
    }


def _costs(results: Results) -> dict[str, float]:
    model = results.params.compare.models[0]
    costs = {"search": significant(search_flops(results))}
    for key, subset in (("subset_training", "selected"), ("full_training", "full")):
        if subset in results.comparison:
            costs[key] = significant(member_flops(results, model, subset))
    return costs


def _measured(results: Results, model: str, subset: str) -> Measured:
    return results.targets[model, subset].measured(results.params.report.metric)


def _text(found: Estimate) -> str:
    return f"{found.value:.2f} ± {found.standard_error:.2f}"
