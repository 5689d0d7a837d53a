"""One draw of the subsets, as far as conclusions rest on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from stages.report.numbers.raced import is_random
from stages.report.numbers.seconds import Seconds
from stages.report.numbers.summary import search_flops
from stages.report.run.results import Results, Target
from stages.shared.artifacts import Meta, Subset
from stages.shared.settings.params import Params


@dataclass(frozen=True)
class Draw:
    """What the conclusions from one draw rest on."""

    params: Params
    meta: Meta
    comparison: Mapping[str, Subset]  # by name
    targets: Mapping[tuple[str, str], Target]  # by model and name of the subset
    search_flops: float
    took_random: bool = False  # the selected subset is a random one: that won each round's race
    seconds: Seconds | None = None  # None: they are not to be told


def draw_of(results: Results, seconds: Seconds | None = None) -> Draw:
    """Return what the conclusions of this draw rest on."""
    return Draw(
        results.params,
        results.meta,
        results.comparison,
        results.targets,
        search_flops(results),
        all(is_random(results.races[entry.target]) for entry in results.rounds),
        seconds,
    )
