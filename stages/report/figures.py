"""What every picture is drawn with: colours, figures with room for a legend, bytes."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.shared.artifacts import Rows
from stages.shared.artifacts.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by the colour-blind; the first three are always the same.
COLOURS = ("#0072B2", "#E69F00", "#000000", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
KINDS = ("selected", "random", "full")
DPI = 120


def new_figure(width: float = 7.0, height: float = 4.0) -> tuple["Figure", "Axes"]:
    """Return a figure of so many inches with one pair of axes and a grid."""
    # A figure of its own, without pyplot: no display is asked for and nothing stays open.
    # Imported here: it takes most of a second, and the tables do without.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def finished(figure: "Figure", title: str) -> "Figure":
    """Set the title, and the legend beside the data."""
    figure.suptitle(title, fontsize=11)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right center")
    return figure


def save(path: Path, figure: "Figure") -> None:
    """Write a figure as PNG; equal figures give equal bytes."""
    content = io.BytesIO()
    # The version of the library is no result.
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    write_atomically(path, content.getvalue())


def style(place: int) -> dict[str, Any]:
    """Return colour and marker of a line by its place among the lines."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "markersize": 4,
        "linewidth": 1.5,
    }


def lines(axes: "Axes", rows: Rows, x: str, columns: Sequence[str]) -> None:
    """Draw a line for each column that has values, in the order of x."""
    others = [name for name in columns if name not in KINDS]
    for name in columns:
        found = sorted((number(row[x]), number(row[name])) for row in rows if row[name] is not None)
        kind = KINDS.index(name) if name in KINDS else len(KINDS) + others.index(name)
        if found:
            label = name.replace("_", ", ")
            axes.plot(*zip(*found, strict=True), label=label, **style(kind))


def whole_numbers(axes: "Axes") -> None:
    """Tick the horizontal axis, which counts something, at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def number(value: object) -> float:
    """Return a field of a table that must be a number."""
    assert isinstance(value, int | float)
    return float(value)
