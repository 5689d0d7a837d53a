"""What the search cost, in trainings of one member on everything, and when that comes back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stages.report.numbers.draws import Draw
from stages.report.numbers.seconds import of_target
from stages.report.numbers.summary import mean
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import EpochLength


@dataclass(frozen=True)
class Cost:
    """What the search cost, and when that comes back, in FLOPs or in seconds."""

    full_trainings: float  # of one member on everything
    pays_back_after: int | None  # trainings on the subset; None: never
    search_seconds: float | None = None  # where it is in seconds


def cost(draws: Sequence[Draw], model: str) -> Cost:
    """Return the cost in FLOPs."""
    search = mean([draw.search_flops for draw in draws])
    full, subset = (
        mean([draw.targets[model, name].member_flops for draw in draws])
        for name in ("full", "selected")
    )
    return _cost_of(draws[0].params, search, full, subset)


def cost_in_seconds(draws: Sequence[Draw], model: str) -> Cost | None:
    """Return the cost in seconds; None where they are not known, or not of one machine."""
    found = [draw.seconds for draw in draws if draw.seconds]
    if len(found) < len(draws) or len({seconds.machine for seconds in found}) > 1:
        return None
    search = mean([seconds.selection(len(draws[0].params.rounds)) for seconds in found])
    full, subset = (
        mean([seconds.training(of_target(model, name)) for seconds in found])
        for name in ("full", "selected")
    )
    if math.isnan(search + full + subset):
        return None
    return replace(_cost_of(draws[0].params, search, full, subset), search_seconds=search)


def _cost_of(params: Params, search: float, full: float, subset: float) -> Cost:
    """Return the cost; under equal updates a subset saves no training time, so nothing pays back.

    After z trainings search + z * subset <= z * full. What is fine-tuned never pays back: each
    target needs an ensemble of its own kind first, which was trained on as much.
    """
    settings = params.train_subset_model
    saves = full > subset and isinstance(settings.length, EpochLength)
    saves &= settings.initialize_from == "scratch"
    after = max(1, math.ceil(search / (full - subset))) if saves else None
    return Cost(search / full, after)
