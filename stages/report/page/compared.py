"""The table of compared subsets."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from stages.report.formulas.rounding import known_points, points
from stages.report.formulas.statistics import Estimate
from stages.report.numbers.summary import accuracy, difference, member_flops, on_validation
from stages.report.pictures.figures import in_words
from stages.report.run.results import Results, has_matched
from stages.shared.sizes import MATCHED


class Cell(NamedTuple):
    """What a field shows, and the number that it sorts by; None: it is empty."""

    shown: str
    value: float | None = None


EMPTY = Cell("\u2013")


def compared(draws: Sequence[Results]) -> list[dict[str, Cell]]:
    """Return every compared subset of every target model, one row each, by the heads."""
    models = draws[0].params.compare.models
    return [
        ({"Model": Cell(model)} if len(models) > 1 else {}) | row
        for model in models
        for row in _rows(draws, model)
    ]


def _rows(draws: Sequence[Results], model: str) -> Iterator[dict[str, Cell]]:
    results = draws[0]
    full = member_flops(draws, model, "full") if "full" in results.comparison else None
    for name, subset in results.comparison.items():
        validated = on_validation(draws, model, name)
        unique, share = len(np.unique(subset.index_P)), 100 * len(subset) / len(results.targets_N)
        cost = member_flops(draws, model, name) / full if full else None
        yield {
            "Subset": Cell(in_words(name)),
            "Test": _with_error(accuracy(draws, model, name)),
            "vs random": _minus(draws, model, name, _beside(results, name, "random")),
            "vs everything": _minus(draws, model, name, "full" if full else None),
            **(
                {"vs as briefly": _minus(draws, model, name, _beside(results, name, MATCHED))}
                if has_matched(results)
                else {}
            ),
            "Validation": Cell(f"{validated:.2f}", validated),
            "Picks": Cell(f"{len(subset):,}", len(subset)),
            "Unique": Cell(f"{unique:,}", unique),
            "Share, %": Cell(f"{share:.3g}", share),
            "Cost": EMPTY if cost is None else Cell(f"{cost:.2f}", cost),
        }


def _beside(results: Results, name: str, kind: str) -> str | None:
    """Return the subset of this kind of as many picks, or updates, as a selected one has."""
    if name.partition("-")[0] != "selected":
        return None
    return results.compared_by_size()[len(results.comparison[name])].get(kind)


def _minus(draws: Sequence[Results], model: str, name: str, other: str | None) -> Cell:
    if other is None or other == name:
        return EMPTY
    return _with_error(difference(draws, model, name, other), "+")


def _with_error(found: Estimate, sign: str = "") -> Cell:
    value, error = f"{points(found.value):{sign}.2f}", known_points(found.plus_minus)
    return Cell(value if error is None else f"{value} ± {error:.2f}", found.value)
