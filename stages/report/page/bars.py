"""More charts: intervals of differences, a histogram, and shares by class."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from stages.report.markup import Markup, element, join, typeset
from stages.report.page.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    chart,
    drawing,
    feet,
    grid,
    label_at,
    legend,
    marker,
    path,
    rule,
    spread,
)

ROW = 30  # from one interval to the next
LINE = 17  # from one class to the next
NAMES = 104  # room for the names of rows
MOST_LETTERS = 15  # that it holds


class Difference(NamedTuple):
    """A difference with half the width of its interval."""

    name: str
    colour: int
    value: float
    reach: float  # infinite: no interval


def intervals(rows: Sequence[Difference], margin: float, unit: str) -> Markup:
    """Return differences with their intervals, beside nought and the margin below it."""
    ends = [
        end
        for row in rows
        for end in (row.value - _finite(row.reach), row.value + _finite(row.reach))
    ]
    axis = spread([*ends, -margin, 0.0], NAMES, WIDTH - RIGHT, margin=0.06)
    foot = 20 + ROW * len(rows)
    marks = [_interval(row, axis, 20 + ROW * (place + 0.5)) for place, row in enumerate(rows)]
    told = "; ".join(f"selected minus {row.name}: {_in_words(row)}" for row in rows)
    drawn = drawing(
        element(
            "rect",
            x=f"{axis.at(-margin):.1f}",
            y=18,
            width=f"{axis.at(0) - axis.at(-margin):.1f}",
            height=foot - 18,
            class_="band",
        ),
        rule(axis.at(0), 18, axis.at(0), foot, "zero"),
        label_at(axis.at(0), 12, "equal", "middle"),
        *marks,
        feet(axis, foot, unit),
        label=told,
        height=foot + 42,
    )
    return element("figure", drawn, class_="intervals")


def _in_words(row: Difference) -> str:
    error = "without an interval" if math.isinf(row.reach) else f"± {row.reach:.2f}"
    return f"{row.value:+.2f} {error}"


def _finite(reach: float) -> float:
    return 0.0 if math.isinf(reach) else reach


def _interval(row: Difference, axis: Axis, y: float) -> Markup:
    low, high = (axis.at(row.value + sign * _finite(row.reach)) for sign in (-1, 1))
    route = f"M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8"
    bar = None if math.isinf(row.reach) else path(route, row.colour)
    return join(
        label_at(NAMES - 10, y + 4, f"minus {row.name}", "end"),
        bar,
        marker(axis.at(row.value), y, row.colour),
    )


def histogram(
    title: str,
    note: str,
    edges: Sequence[float],
    stacks: Sequence[tuple[str, int, Sequence[int]]],
    cut: float | None,
) -> Markup:
    """Return counts between edges, stacked (name, colour, counts), and the cut as a line."""
    totals = [sum(counts) for counts in zip(*(counts for *_, counts in stacks), strict=True)]
    x_axis = Axis(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    y_axis = Axis(0, 1.06 * max(*totals, 1), HEIGHT - BOTTOM, TOP + 10)
    below = [0] * len(totals)
    bars = []
    for _, colour, counts in stacks:
        bars.append(_stack(edges, below, counts, colour, (x_axis, y_axis)))
        below = [low + count for low, count in zip(below, counts, strict=True)]
    told = "; ".join(f"{name}: {sum(counts):,}" for name, _, counts in stacks)
    where = "" if cut is None else f"; the lowest score taken is {cut:.4g}"
    drawn = drawing(
        grid(x_axis, y_axis, "score", "samples"),
        *bars,
        None if cut is None else _cut(x_axis, cut),
        label=f"{title}. {told}{where}",
    )
    keys = [(f"{name} ({sum(counts):,})", colour) for name, colour, counts in stacks]
    return chart(title, note, drawn, squares(keys))


def squares(entries: Sequence[tuple[str, int]]) -> Markup:
    """Return the legend of areas: name and colour."""
    return element(
        "ul",
        *(
            element("li", element("span", class_=f"square c{colour}", aria_hidden="true"), name)
            for name, colour in entries
        ),
        class_="legend",
    )


def _stack(
    edges: Sequence[float],
    below: Sequence[int],
    counts: Sequence[int],
    colour: int,
    axes: tuple[Axis, Axis],
) -> Markup:
    x_axis, y_axis = axes
    return join(
        *(
            element(
                "rect",
                x=f"{x_axis.at(edges[place]) + 0.5:.1f}",
                y=f"{y_axis.at(low + count):.1f}",
                width=f"{max(0.5, x_axis.at(edges[place + 1]) - x_axis.at(edges[place]) - 1):.1f}",
                height=f"{y_axis.at(low) - y_axis.at(low + count):.1f}",
                class_=f"area c{colour}",
            )
            for place, (low, count) in enumerate(zip(below, counts, strict=True))
            if count
        )
    )


def _cut(x_axis: Axis, cut: float) -> Markup:
    x = x_axis.at(cut)
    anchor = "start" if x < (x_axis.start + x_axis.end) / 2 else "end"
    beside = x + 5 if anchor == "start" else x - 5
    return join(
        rule(x, TOP, x, HEIGHT - BOTTOM, "cut"),
        label_at(beside, TOP + 8, typeset(f"cut {cut:.3g}"), anchor),
    )


def shares(
    title: str,
    note: str,
    names: Sequence[str],
    columns: Sequence[tuple[str, int, Sequence[float]]],
    unit: str,
) -> Markup:
    """Return a mark for each share of each class: columns are name, colour and shares."""
    highest = max(max(values) for *_, values in columns)
    axis = Axis(0, 1.06 * highest or 1.0, NAMES, WIDTH - RIGHT)
    foot = 6 + LINE * len(names)
    rows = [
        join(
            label_at(NAMES - 8, LINE * place + 18, short(name), "end"),
            rule(NAMES, LINE * place + 14, WIDTH - RIGHT, LINE * place + 14),
            *(
                marker(axis.at(values[place]), LINE * place + 14, colour)
                for _, colour, values in columns
            ),
        )
        for place, name in enumerate(names)
    ]
    told = "; ".join(
        f"{name}: " + ", ".join(f"{column} {values[place]:g}" for column, _, values in columns)
        for place, name in enumerate(names)
    )
    drawn = drawing(
        *rows,
        feet(axis, foot + 4, unit),
        label=f"{title}, {unit}. {told}",
        height=foot + 46,
    )
    return chart(title, note, drawn, legend([(name, colour, False) for name, colour, _ in columns]))


def short(name: str) -> str:
    """Return a name that fits beside a row."""
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
