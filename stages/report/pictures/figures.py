"""What every chart is drawn with: colours, figures with room for a legend, bytes."""

import io
import logging
import re
import textwrap
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from stages.report.pictures.fonts import families
from stages.report.run.results import KINDS
from stages.shared.artifacts.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

# Of fonts that are missing, and of a home without a place for its cache: the pictures are drawn.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

# Of the page in its light scheme: Okabe and Ito's colours, told apart by the colour-blind, and
# darker, so that lines stand out from white by 3 to 1. The first three are always the same.
COLOURS = ("#0069b4", "#c26a00", "#1c2127", "#00805c", "#b2518c", "#3c8fc4", "#c04a00")
REST = "#b4bcc5"  # beside them: what was not chosen
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MOST_MARKERS = 25  # of a line on which single points can be told apart
LETTERS = 11  # points
LETTERS_IN_AN_INCH = 14  # of a title
DPI = 120  # of pictures that are placed by the pixel
DPI_OF_CHARTS = 160
# What no document may hold, as itself or by number; file names and texts may.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def new_figure(width: float = 4.4, height: float = 3.4) -> tuple["Figure", "Axes"]:
    """Return a figure of so many inches with one pair of axes and a grid.

    Its words are of eleven pixels or more where it is as wide as a phone.
    """
    # A figure of its own, without pyplot: no display is asked for and nothing stays open.
    # Imported here: it takes most of a second, and the tables do without.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI_OF_CHARTS, layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("grey")
    axes.tick_params(color="grey", labelsize=LETTERS)
    axes.xaxis.label.set_fontsize(LETTERS)
    axes.yaxis.label.set_fontsize(LETTERS)
    return figure, axes


def finished(figure: "Figure", title: str, note: str = "") -> "Figure":
    """Set the title, the lines below it, and the legend below the data."""
    told = textwrap.fill(note, int(LETTERS_IN_AN_INCH * figure.get_figwidth()))
    figure.suptitle(f"{title}\n{told}" if note else title, fontsize=9)
    found = dict(zip(*reversed(figure.axes[0].get_legend_handles_labels()), strict=True))
    labels = in_order(found)
    if labels:
        # About as many as fit beside each other.
        letters = 11 * figure.get_figwidth() / (max(map(len, labels)) + 6)
        columns = max(1, min(len(labels), int(letters)))
        handles = [found[name] for name in labels]
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            fontsize=LETTERS,
        )
    return figure


def in_order(names: Iterable[str]) -> list[str]:
    """Return names with those first whose colours are always the same."""
    known = [in_words(name) for name in KINDS]
    return sorted(names, key=lambda name: [*known, in_words(name)].index(in_words(name)))


def in_words(name: str) -> str:
    """Return what people call a compared subset, or a column of a table."""
    return (
        re.sub("^full(?![^-])", "everything", name)
        .replace("-matched", ", as briefly")
        .replace("_", ", ")
    )


def save(path: Path, figure: "Figure") -> None:
    """Write a figure as PNG; equal figures give equal bytes."""
    # The version of the library is no result.
    write_atomically(path, written(figure, "png", metadata={"Software": None}))


def written(figure: "Figure", form: str, **options: Any) -> bytes:
    """Return a figure in a form; equal figures give equal bytes.

    Names are the user's: dollars in them begin no formula, and not every font has their letters.
    """
    from matplotlib import rc_context, rcParams
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter

    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if axis.get_scale() == "log":  # whose own labels are formulas
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(LogFormatter())
    texts = cast("list[Text]", figure.findobj(Text))
    family = [*rcParams["font.family"], *families("".join(text.get_text() for text in texts))]
    for text in texts:
        text.set_parse_math(False)
        text.set_fontfamily(family)
    content = io.BytesIO()
    with (
        # The first two for texts that are made as it is drawn, such as those of ticks.
        rc_context(
            {
                "text.parse_math": False,
                "font.family": family,
                "svg.fonttype": "none",
                "svg.hashsalt": "chart",
            }
        ),
        warnings.catch_warnings(),
    ):
        for told in ("Glyph .* missing from font", "constrained_layout not applied"):
            warnings.filterwarnings("ignore", told)
        figure.savefig(content, format=form, **options)
    return content.getvalue()


def style(place: int) -> dict[str, Any]:
    """Return colour and marker of a line by its place among the lines."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "markersize": 4,
        "linewidth": 1.5,
    }


def lines(axes: "Axes", table: "DataFrame", x: str, others: tuple[str, ...] = ()) -> None:
    """Draw a line for each column that has values, but x and others, in the order of x."""
    columns = [name for name in table if name not in {x, *others}]
    rest = [name for name in columns if name not in KINDS]
    for name in in_order(columns):
        known = table.dropna(subset=[name]).sort_values(x)
        if len(known):
            place = KINDS.index(name) if name in KINDS else len(KINDS) + rest.index(name)
            line_of(axes, known[x], known[name], in_words(name), place)


def line_of(axes: "Axes", x: Any, y: Any, label: str, place: int) -> None:
    """Draw a line in the colour of its place; of very many points without their marks."""
    (line,) = axes.plot(x, y, label=label, **style(place))
    if len(x) > MOST_MARKERS:
        line.set_marker("")


def whole_numbers(axes: "Axes") -> None:
    """Tick the horizontal axis, which counts something, at whole numbers alone: 5, or 5 k."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(EngFormatter())


def printable(text: str) -> str:
    """Return words without what no document may hold."""
    return FORBIDDEN.sub("\ufffd", text)
