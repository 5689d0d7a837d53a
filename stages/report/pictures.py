"""The tables that are curves or shares as pictures: what is drawn is what the tables say."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.report.results import Results, Rows, training_length
from stages.shared.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by the colour-blind; the first three are always the same.
COLOURS = ("#0072B2", "#E69F00", "#000000", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
KINDS = ("selected", "random", "full")
MOST_CLASSES = 50  # that a bar each leaves readable
DPI = 120


def save_pictures(folder: Path, tables: dict[str, Rows], results: Results) -> None:
    """Draw the tables that have a picture, under the same names; equal tables give equal bytes."""
    for name, rows in tables.items():
        draw = PICTURES.get(name.split("/")[0])
        if draw is not None:
            figure = draw(rows, name.rpartition("/")[2], results)
            content = io.BytesIO()
            # The version of the library is no result.
            figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
            write_atomically(folder / f"{name}.png", content.getvalue())


def accuracy(rows: Rows, model: str, results: Results) -> "Figure":
    """Draw accuracy against subset size with standard errors."""
    figure, axes = _figure()
    for name in KINDS:
        found = [row for row in rows if row[name] is not None]
        axes.errorbar(
            [_number(row["fraction"]) * 100 for row in found],
            [_number(row[name]) for row in found],
            yerr=[_number(row[f"{name}_standard_error"]) for row in found],
            label=name if found else None,
            capsize=3,
            linestyle="--" if name == "full" else "-",
            **_style(KINDS.index(name)),
        )
    metric = results.params.report.metric.replace("_", " ")
    axes.set_xlabel("subset size (% of the train split)")
    axes.set_ylabel(f"{metric} on test (points)")
    # A lone point needs room at its sides.
    axes.margins(x=0.1, y=0.15)
    title = f"{model}: {metric} by subset size, {training_length(results.params)}"
    return _finished(figure, f"{title}\nbars: one standard error, one draw of the subsets")


def validation_by_epoch(rows: Rows, model: str, results: Results) -> "Figure":
    """Draw validation accuracy by epoch."""
    return _validation(rows, "epoch", "epoch (passes over the subset)", model, results)


def validation_by_images(rows: Rows, model: str, results: Results) -> "Figure":
    """Draw validation accuracy by images seen."""
    return _validation(rows, "images_seen", "images seen", model, results)


def class_shares(rows: Rows, _: str, results: Results) -> "Figure":
    """Draw each class's share; of very many classes those whose share changed most."""
    shown, title = rows, "Share of each class"
    if len(rows) > MOST_CLASSES:
        by_change = sorted(rows, key=_change, reverse=True)[:MOST_CLASSES]
        shown = [row for row in rows if row in by_change]
        title = f"Share of the {MOST_CLASSES} classes that changed most, of {len(rows)}"
    figure, axes = _figure(height=max(4.0, 1.5 + 0.3 * len(shown)))
    names = [name for name in KINDS if rows[0][name] is not None]
    for number, name in enumerate(names):
        axes.barh(
            [place + (number - (len(names) - 1) / 2) * 0.27 for place in range(len(shown))],
            [_number(row[name]) for row in shown],
            height=0.25,
            label=name,
            color=COLOURS[KINDS.index(name)],
        )
    axes.set_yticks(range(len(shown)), [str(row["class"]) for row in shown])
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.set_xlabel("share of the picks (%)")
    axes.set_ylabel("class")
    return _finished(figure, f"{title}: selected {results.params.sizes[-1]}")


def consensus(rows: Rows, size: str, _: Results) -> "Figure":
    """Draw on how many unselected samples voters agree."""
    figure, axes = _figure()
    _lines(axes, rows, "voters", [name for name in rows[0] if name not in ("ensemble", "voters")])
    axes.set_xlabel("number of voters")
    axes.set_ylabel("unselected samples on which they agree (%)")
    return _finished(figure, f"Consensus of the ensemble trained on {size}")


PICTURES: dict[str, Callable[[Rows, str, Results], "Figure"]] = {
    "accuracy": accuracy,
    "validation_by_epoch": validation_by_epoch,
    "validation_by_images": validation_by_images,
    "class_shares": class_shares,
    "consensus": consensus,
}


def _validation(rows: Rows, x: str, label: str, model: str, results: Results) -> "Figure":
    figure, axes = _figure()
    _lines(axes, rows, x, [name for name in rows[0] if name not in ("model", x)])
    axes.set_xlabel(label)
    axes.set_ylabel("accuracy on validation (points)")
    length = training_length(results.params)
    return _finished(figure, f"{model}: validation curves, mean over the members, {length}")


def _lines(axes: "Axes", rows: Rows, x: str, columns: Sequence[str]) -> None:
    """Draw a line for each column that has values, in the order of x, which counts something."""
    from matplotlib.ticker import MaxNLocator

    others = [name for name in columns if name not in KINDS]
    for name in columns:
        found = sorted(
            (_number(row[x]), _number(row[name])) for row in rows if row[name] is not None
        )
        kind = KINDS.index(name) if name in KINDS else len(KINDS) + others.index(name)
        if found:
            label = name.replace("_", ", ")
            axes.plot(*zip(*found, strict=True), label=label, **_style(kind))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _style(number: int) -> dict[str, Any]:
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 4,
        "linewidth": 1.5,
    }


def _figure(height: float = 4.0) -> tuple["Figure", "Axes"]:
    # A figure of its own, without pyplot: no display is asked for and nothing stays open.
    # Imported here: it takes most of a second, and the other tables do without.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, height), layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def _finished(figure: "Figure", title: str) -> "Figure":
    """Set the title, and the legend beside the data."""
    figure.suptitle(title, fontsize=11)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right center")
    return figure


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _change(row: dict[str, object]) -> float:
    return abs(_number(row["selected"]) - _number(row["full"]))
