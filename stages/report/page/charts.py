"""Charts as SVG: axes, lines with error bars, and the legend beside them.

Colours come from the page's style by class, so that charts are readable on dark and light; a
marker's form tells the same as its colour. Units of the drawing are about a pixel of a phone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from stages.report.markup import Markup, element, join, typeset

WIDTH, HEIGHT = 380, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 44  # margins
MARK = 3.5  # half of a marker
NUM_COLOURS = 7  # of the style
MOST_MARKERS = 25  # of a line on which single points can be told apart


@dataclass(frozen=True)
class Series:
    """One line: its name, its place among the colours, and its points in the order of x."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]
    errors: Sequence[float] = field(default=())  # half the length of each bar; none: no bars
    is_level: bool = False  # one value for all x


@dataclass(frozen=True)
class Axis:
    """Values from low to high, at the places from start to end of the drawing."""

    low: float
    high: float
    start: float
    end: float
    least_step: float = 0.0  # between ticks; 1: of whole things

    def at(self, value: float) -> float:
        """Return where a value stands."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def spread(values: Sequence[float], start: float, end: float, *, margin: float = 0.05) -> Axis:
    """Return an axis with room for all values, and some around them."""
    low, high = min(values), max(values)
    around = margin * (high - low) or 0.02 * abs(high) or 1.0
    least_step = float(all(float(value).is_integer() for value in values))
    return Axis(low - around, high + around, start, end, least_step)


def ticks(axis: Axis, most: int = 6) -> list[float]:
    """Return round values within an axis, at most so many: steps of 1, 2 or 5 times a power."""
    rough = max((axis.high - axis.low) / most, axis.least_step)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first, last = math.ceil(axis.low / step), math.floor(axis.high / step)
    return [number * step for number in range(first, last + 1)]


def ticked(axis: Axis) -> list[tuple[float, str]]:
    """Return where the ticks of an axis stand, and their values as people write them."""
    unit, name = next(
        ((unit, name) for unit, name in ((1e6, " M"), (1e3, " k")) if axis.high >= 10 * unit),
        (1.0, ""),
    )
    return [
        (axis.at(value), typeset(f"{value / unit:.6g}{name}") if value else "0")
        for value in ticks(axis)
    ]


def drawing(
    *children: Markup | None, label: str, height: float = HEIGHT, width: float = WIDTH
) -> Markup:
    """Return a drawing with a name for those who do not see it."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
    )


def chart(title: str, note: str, drawn: Markup, legend: Markup | None = None) -> Markup:
    """Return a drawing below its title, a note and its legend."""
    caption = element(
        "figcaption",
        element("strong", title),
        element("span", note, class_="note") if note else None,
    )
    return element("figure", caption, legend, drawn, class_="chart")


def legend(entries: Sequence[tuple[str, int, bool]]) -> Markup:
    """Return the names of what is drawn beside its marks: name, colour, whether it is dashed."""
    return element(
        "ul",
        *(
            element("li", _key(colour, is_dashed=is_dashed), name)
            for name, colour, is_dashed in entries
        ),
        class_="legend",
    )


def _key(colour: int, *, is_dashed: bool) -> Markup:
    line = path("M0 6H24", colour, is_dashed=is_dashed)
    mark = None if is_dashed else marker(12, 6, colour)
    return element("svg", line, mark, viewBox="0 0 24 12", aria_hidden="true", class_="key")


def line_chart(
    title: str, note: str, series: Sequence[Series], x_name: str, y_name: str
) -> Markup | None:
    """Return lines over two linear axes; None where there is no point."""
    shown = [entry for entry in series if entry.points]
    if not shown:
        return None
    x_axis, y_axis = _axes(shown)
    levels = [_level(entry, x_axis, y_axis) for entry in shown if entry.is_level]
    others = [entry for entry in shown if not entry.is_level]
    lines = [
        _line(entry, x_axis, y_axis, _shift(place, others)) for place, entry in enumerate(others)
    ]
    label = f"{title}. " + "; ".join(_told(entry) for entry in shown)
    drawn = drawing(grid(x_axis, y_axis, x_name, y_name), *levels, *lines, label=label)
    entries = [(entry.name, entry.colour, entry.is_level) for entry in shown]
    return chart(title, note, drawn, legend(entries))


def _shift(place: int, series: Sequence[Series]) -> float:
    """Return by how much bars stand beside each other; without bars nothing is moved."""
    has_bars = any(entry.errors for entry in series)
    return 6.0 * (place - (len(series) - 1) / 2) if has_bars else 0.0


def _axes(series: Sequence[Series]) -> tuple[Axis, Axis]:
    xs = [x for entry in series if not entry.is_level for x, _ in entry.points]
    # Beside a level for all x nought is where a line of sizes begins.
    xs += [0.0] if any(entry.is_level for entry in series) else []
    ys = [
        y + sign * error
        for entry in series
        for (_, y), error in zip(entry.points, _errors(entry), strict=True)
        for sign in (-1, 1)
    ]
    return (
        spread(xs or [0.0], LEFT, WIDTH - RIGHT, margin=0.04),
        spread(ys, HEIGHT - BOTTOM, TOP, margin=0.08),
    )


def _errors(entry: Series) -> Sequence[float]:
    return entry.errors or [0.0] * len(entry.points)


def _line(entry: Series, x_axis: Axis, y_axis: Axis, shift: float = 0.0) -> Markup:
    """Return a line with its bars and marks, moved so far to the side that all can be seen."""
    places = [(x_axis.at(x) + shift, y_axis.at(y)) for x, y in entry.points]
    bars = [
        whisker(x, y_axis.at(y - error), y_axis.at(y + error), entry.colour)
        for (x, _), (_, y), error in zip(places, entry.points, entry.errors, strict=False)
    ]
    marks = [marker(x, y, entry.colour) for x, y in places] if len(places) <= MOST_MARKERS else []
    return join(path(_route(places), entry.colour), *bars, *marks)


def _level(entry: Series, x_axis: Axis, y_axis: Axis) -> Markup:
    """Return what has one value for all x: a dashed line right across, and its error as a band."""
    value, error = entry.points[0][1], _errors(entry)[0]
    y, top, foot = (y_axis.at(value + sign * error) for sign in (0, 1, -1))
    band = element(
        "rect",
        x=f"{x_axis.start:.1f}",
        y=f"{top:.1f}",
        width=f"{x_axis.end - x_axis.start:.1f}",
        height=f"{foot - top:.1f}",
        class_=f"level c{entry.colour}",
    )
    line = path(_route([(x_axis.start, y), (x_axis.end, y)]), entry.colour, is_dashed=True)
    return join(band, line)


def _route(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _told(entry: Series) -> str:
    (first_x, first), (last_x, last) = entry.points[0], entry.points[-1]
    if len(entry.points) == 1:
        return f"{entry.name}: {first:.5g} at {first_x:g}"
    return f"{entry.name}: {first:.5g} at {first_x:g} to {last:.5g} at {last_x:g}"


def grid(x_axis: Axis, y_axis: Axis, x_name: str, y_name: str) -> Markup:
    """Return lines, numbers and names of two axes."""
    left, right, foot, top = x_axis.start, x_axis.end, y_axis.start, y_axis.end
    rows = [
        join(
            rule(left, y, right, y),
            label_at(left - 6, y + 4, value, "end"),
        )
        for y, value in ticked(y_axis)
    ]
    middle = (foot + top) / 2
    turned = f"rotate(-90 12 {middle:.1f})"
    return join(
        *rows,
        feet(x_axis, foot, x_name),
        element("text", y_name, x=12, y=f"{middle:.1f}", text_anchor="middle", transform=turned),
    )


def feet(axis: Axis, foot: float, name: str) -> Markup:
    """Return the line, the numbers and the name of an axis that lies below a drawing."""
    return join(
        rule(axis.start, foot, axis.end, foot),
        *(
            join(rule(x, foot, x, foot + 4), label_at(x, foot + 17, value, "middle"))
            for x, value in ticked(axis)
        ),
        label_at((axis.start + axis.end) / 2, foot + 35, name, "middle"),
    )


def rule(x: float, y: float, to_x: float, to_y: float, kind: str = "rule") -> Markup:
    """Return a straight line of a kind that the style knows."""
    return element("path", d=f"M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}", class_=kind)


def label_at(x: float, y: float, content: str, anchor: str) -> Markup:
    """Return words at a place: their start, middle or end."""
    return element("text", content, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def path(route: str, colour: int, *, is_dashed: bool = False) -> Markup:
    """Return a line in one of the colours."""
    dash = " dashed" if is_dashed else ""
    return element("path", d=route, class_=f"line c{colour % NUM_COLOURS}{dash}")


def whisker(x: float, y: float, to_y: float, colour: int) -> Markup:
    """Return an error bar upright."""
    route = f"M{x:.1f} {y:.1f}V{to_y:.1f}M{x - 4:.1f} {y:.1f}h8M{x - 4:.1f} {to_y:.1f}h8"
    return element("path", d=route, class_=f"whisker c{colour % NUM_COLOURS}")


def marker(x: float, y: float, colour: int) -> Markup:
    """Return the mark of a colour: each has a form of its own."""
    forms = (
        f"M{x - MARK:.1f} {y:.1f}a{MARK} {MARK} 0 1 0 {2 * MARK} 0"
        f"a{MARK} {MARK} 0 1 0 {-2 * MARK} 0",
        f"M{x - MARK:.1f} {y - MARK:.1f}h{2 * MARK}v{2 * MARK}h{-2 * MARK}z",
        f"M{x:.1f} {y - MARK - 1:.1f}l{MARK + 1} {2 * MARK + 1}h{-2 * MARK - 2}z",
        f"M{x:.1f} {y - MARK - 1:.1f}l{MARK + 1} {MARK + 1}l{-MARK - 1} {MARK + 1}"
        f"l{-MARK - 1} {-MARK - 1}z",
        f"M{x:.1f} {y + MARK + 1:.1f}l{MARK + 1} {-2 * MARK - 1}h{-2 * MARK - 2}z",
    )
    return element("path", d=forms[colour % len(forms)], class_=f"mark c{colour % NUM_COLOURS}")
