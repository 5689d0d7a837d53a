"""Why a comparison may mean little: a model that guesses, or one whose training ended too early."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from stages.report.formulas.statistics import CONFIDENCE, Estimate
from stages.report.numbers.convergence import rise
from stages.report.numbers.draws import Draw
from stages.report.run.results import measured, num_independent
from stages.shared.sizes import MATCHED

COMPARED = ("full", "selected", "random")  # the last round's subset, and beside what


@dataclass(frozen=True)
class Guessing:
    """A model that is not shown to do better than by chance, by more than the margin."""

    above: float  # chance, in points of accuracy or mean average precision
    lowest: float  # the lower end of its 95 % interval over the test samples


def guessing(draws: Sequence[Draw], model: str) -> dict[str, Guessing]:
    """Return on which compared subsets the model is not shown to do more than guess.

    What it does above chance (stages/evaluate/above_chance.py) has a 95 % interval over the test
    samples, or groups of them, by Student's t; members and draws are averaged, since it is these
    models that are asked about. A lower end within the margin is none that counts.
    """
    margin, found = draws[0].params.report.margin, {}
    for name in (*COMPARED, MATCHED):
        if name in draws[0].comparison:
            rows = measured([draw.targets[model, name] for draw in draws], "above_chance")
            values_T = rows.samples_RT.mean(axis=0)
            num = len(values_T)
            if num > 1:
                error = float(values_T.std(ddof=1)) / math.sqrt(num)
                reach = float(stdtrit(num - 1, 0.5 + CONFIDENCE / 2)) * error
                above = float(values_T.mean())
                if above - reach <= margin:
                    found[name] = Guessing(above, above - reach)
    return found


def rises(draws: Sequence[Draw], model: str) -> dict[str, Estimate]:
    """Return by how much a model's accuracy rose at the end on each compared subset, if known."""
    params, target = draws[0].params, draws[0].targets[model, "selected"]
    num = num_independent(params, draws[0].meta, target, "validation")
    found = {
        name: rise([draw.targets[model, name].history for draw in draws], num)
        for name in COMPARED
        if name in draws[0].comparison
    }
    return {name: estimate for name, estimate in found.items() if estimate is not None}
