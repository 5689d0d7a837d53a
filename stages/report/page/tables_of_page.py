"""Tables: that of compared subsets, those that sort by each of their columns, and matrices."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stages.report.markup import NOTHING, Markup, element, typeset
from stages.report.results import Results
from stages.report.rounding import known_points, points
from stages.report.statistics import Estimate
from stages.report.summary import accuracy, difference, member_flops, on_validation
from stages.shared.artifacts import Rows

Tables = Mapping[str, Rows]  # by their path under plots/tables


class Cell(NamedTuple):
    """What a field shows, and the number that it sorts by; None: it is empty."""

    shown: str
    value: float | None = None


EMPTY = Cell(NOTHING)


def compared_table(draws: Sequence[Results]) -> Markup:
    """Return every compared subset of every target model, one row each."""
    heads = [
        "Subset",
        "Test",
        "Minus random",
        "Minus full",
        "Validation",
        "Picks",
        "Unique",
        "Share, %",
        "Cost",
    ]
    params = draws[0].params
    many = len(params.compare.models) > 1
    rows = [
        [Cell(model), *cells] if many else cells
        for model in params.compare.models
        for cells in _rows(draws, model)
    ]
    return scrolled(sortable(["Model", *heads] if many else heads, rows), "Compared subsets")


def _rows(draws: Sequence[Results], model: str) -> Iterator[list[Cell]]:
    results = draws[0]
    full = member_flops(draws, model, "full") if "full" in results.comparison else None
    for name, subset in results.comparison.items():
        validated = on_validation(draws, model, name)
        share = 100 * len(subset) / len(results.targets_N)
        cost = member_flops(draws, model, name) / full if full else None
        yield [
            Cell(name),
            _with_error(accuracy(draws, model, name)),
            _minus(draws, model, name, _random_beside(results, name)),
            _minus(draws, model, name, "full" if full else None),
            Cell(f"{validated:.2f}", validated),
            Cell(f"{len(subset):,}", len(subset)),
            *(Cell(f"{num:,}", num) for num in [len(np.unique(subset.index_P))]),
            Cell(f"{share:.3g}", share),
            EMPTY if cost is None else Cell(f"{cost:.2f}", cost),
        ]


def _random_beside(results: Results, name: str) -> str | None:
    """Return the random subset of as many picks as a selected one has."""
    if name.partition("-")[0] != "selected":
        return None
    return results.compared_by_size()[len(results.comparison[name])].get("random")


def _minus(draws: Sequence[Results], model: str, name: str, other: str | None) -> Cell:
    if other is None or other == name:
        return EMPTY
    return _with_error(difference(draws, model, name, other), "+")


def _with_error(found: Estimate, sign: str = "") -> Cell:
    value, error = f"{points(found.value):{sign}.2f}", known_points(found.standard_error)
    return Cell(typeset(value if error is None else f"{value} ± {error:.2f}"), found.value)


def sortable(heads: list[str], rows: list[list[Cell]]) -> Markup:
    """Return a table whose heads are buttons that sort it; numbers stand to the right."""
    first = [any(row[place].value is not None for row in rows) for place in range(len(heads))]
    head = element(
        "tr",
        *(
            element(
                "th",
                element("button", name, type="button"),
                scope="col",
                aria_sort="none",
                class_="number" if is_number else None,
            )
            for name, is_number in zip(heads, first, strict=True)
        ),
    )
    body = [element("tr", *map(_cell, row, first)) for row in rows]
    return element(
        "table",
        element("thead", head),
        element("tbody", *body),
        class_="sortable",
    )


def _cell(cell: Cell, is_number: bool) -> Markup:
    value = None if cell.value is None else f"{cell.value:.6g}"
    return element("td", cell.shown, data_value=value, class_="number" if is_number else None)


def matrix(
    title: str, labels: Sequence[str], values: dict[tuple[str, str], float | None]
) -> Markup:
    """Return a table of correlations in [-1, 1], shaded by their size; the pairs are of labels."""
    head = element(
        "tr",
        element("td"),
        *(element("th", element("span", name), scope="col") for name in labels),
    )
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            *(_shaded(_correlation(values, name, other)) for other in labels),
        )
        for name in labels
    ]
    table = element(
        "table", element("thead", head), element("tbody", *rows), class_="matrix", aria_label=title
    )
    return scrolled(table, title)


def _correlation(
    values: dict[tuple[str, str], float | None], name: str, other: str
) -> float | None:
    return 1.0 if name == other else values.get((name, other), values.get((other, name)))


def _shaded(value: float | None) -> Markup:
    if value is None:
        return element("td", NOTHING, class_="none")
    kind = "positive" if value >= 0 else "negative"
    # In tenths, of which the style knows the shades: a page without inline style.
    return element(
        "td",
        typeset(f"{round(value, 2) + 0.0:.2f}"),
        class_=f"{kind} s{math.floor(abs(value) * 10 + 1e-9)}",
    )


def scrolled(table: Markup, name: str) -> Markup:
    """Return a table that scrolls by itself where it is wider than the page, by keyboard too."""
    return element("div", table, class_="scroll", role="region", aria_label=name, tabindex=0)
