"""Matrices of correlations, and gradient norms over the training, as shades.

Shapes: F things that are compared, M members, E epochs and the moment before, S tracked samples.
"""

from typing import TYPE_CHECKING

import numpy as np

from stages.report.pictures.figures import DPI, finished, new_figure, whole_numbers
from stages.report.run.results import Results
from stages.shared.artifacts import Array, Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

MOST_NUMBERS = 12  # things compared whose correlations are readable as numbers
MOST_LABELS = 30
DARK = 0.65  # from here on a number in white is read better


def acquisitions(table: "DataFrame", size: str, _: Results) -> "Figure":
    """Draw how alike acquisition functions order the samples (SVP, Fig. 3, of functions)."""
    return _heat_map(table, "acquisition function", f"ensemble trained on {size}")


def voters(table: "DataFrame", size: str, _: Results) -> "Figure":
    """Draw how alike single voters order the samples (SVP, Fig. 3, on the diagonal)."""
    named = table.astype(str)
    pairs = {
        place: named[f"{place}_member"] + "/" + named[f"{place}_epoch"]
        for place in ("first", "second")
    }
    return _heat_map(table.assign(**pairs), "voter (member/epoch)", f"entropies, trained on {size}")


def rounds(table: "DataFrame", _: str, __: Results) -> "Figure":
    """Draw how alike the rounds' scores order the samples."""
    return _heat_map(table, "trained on", "scores of the rounds")


def gradient_history(norm_MES: Array, size: str) -> "Figure":
    """Draw each sample's gradient norm before the training, at 0, and after each epoch.

    As in Vodrahalli et al. 2018, Fig. 2. Mean over the members still training; dark is large, on a
    log scale; the largest at the end of the training stand at the top.
    """
    from matplotlib.colors import LogNorm

    norm_ES = np.nanmean(norm_MES.astype(np.float64), axis=0)
    order_S = np.argsort(-norm_ES[-1], kind="stable")
    num_epochs, num_samples = norm_ES.shape  # the first is the moment before the training
    # A logarithm has no place for 0, which is white as the smallest norm is.
    least = float(norm_ES[norm_ES > 0].min()) if norm_ES.any() else 1.0
    largest = max(float(norm_ES.max()), least * 10)
    figure, axes = new_figure()
    axes.grid(visible=False)
    image = axes.imshow(
        np.maximum(norm_ES, least)[:, order_S].T,
        cmap="Greys",
        norm=LogNorm(least, largest),
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, num_epochs - 0.5, num_samples + 0.5, 0.5),
    )
    figure.colorbar(image, ax=axes, label="gradient norm")
    whole_numbers(axes)
    axes.set_xlabel("epoch (passes over the subset)")
    axes.set_ylabel("samples by their last norm")
    return finished(figure, f"Gradient norms of {num_samples} samples, trained on {size}")


def square(table: "DataFrame") -> "DataFrame":
    """Return Spearman's correlation of each two that are compared, 1 of each with itself."""
    labels = list(dict.fromkeys([*table["first"], *table["second"]]))
    half = table.pivot(index="first", columns="second", values="spearman").astype(float)
    full = half.reindex(index=labels, columns=labels)
    full = full.fillna(full.T)
    return full.mask(np.eye(len(labels), dtype=bool), 1.0)


def _heat_map(table: "DataFrame", axis: str, what: str) -> "Figure":
    """Draw Spearman's correlation of each pair, 1 on the diagonal; grey where there is none."""
    matrix = square(table)
    labels = [str(label) for label in matrix]
    figure, axes = _square(len(labels), max(map(len, labels)))
    image = axes.imshow(matrix, cmap="RdBu", vmin=-1, vmax=1, interpolation="nearest")
    if len(labels) <= MOST_NUMBERS:
        _write_numbers(axes, matrix.to_numpy())
    else:
        figure.colorbar(image, ax=axes, shrink=0.8)
    step = -(-len(labels) // MOST_LABELS)
    axes.set_xticks(range(0, len(labels), step), labels[::step], rotation=90, fontsize=8)
    axes.set_yticks(range(0, len(labels), step), labels[::step], fontsize=8)
    axes.set_xlabel(axis)
    axes.set_ylabel(axis)
    axes.set_title(f"Spearman's correlation\n{what}", fontsize=10)
    return figure


def _square(num_cells: int, num_letters: int) -> tuple["Figure", "Axes"]:
    """Return square axes for so many cells, with room for labels of so many letters."""
    from matplotlib.figure import Figure

    edge = min(6.0, max(1.8, 0.45 * num_cells))
    side = 0.6 + 0.075 * num_letters
    width, height = side + edge + 0.4, side + edge + 0.6
    # Placed by hand: to find a layout takes as long as to draw it.
    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = figure.add_axes((side / width, side / height, edge / width, edge / height))
    axes.set_facecolor("lightgrey")
    return figure, axes


def _write_numbers(axes: "Axes", matrix_FF: Floats) -> None:
    for (row, column), value in np.ndenumerate(matrix_FF):
        if not np.isnan(value):
            colour = "white" if abs(value) >= DARK else "black"
            text = f"{round(value, 2) + 0.0:.2f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
