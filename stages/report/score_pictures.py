"""Curves and points of scores and gradients."""

from typing import TYPE_CHECKING

import numpy as np

from stages.report.correlations import rounded
from stages.report.figures import finished, new_figure, number, style, whole_numbers
from stages.report.results import Results
from stages.shared.artifacts import Rows
from stages.shared.choosing.correlation import pearson

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def label_entropy(rows: Rows, size: str, _: Results) -> "Figure":
    """Draw the entropy of the labels of the highest-scored candidates by their number."""
    figure, axes = new_figure(height=3.0)
    k = [number(row["k"]) for row in rows]
    axes.plot(k, [number(row["label_entropy"]) for row in rows], label="top k", **style(0))
    axes.plot(k, [number(row["uniform"]) for row in rows], "--", color="black", label="log C")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("k highest-scored candidates")
    axes.set_ylabel("entropy of their labels (nats)")
    return finished(figure, f"Classes of the highest-scored: ensemble trained on {size}")


def reference_correlations(rows: Rows, size: str, _: Results) -> "Figure":
    """Draw each member's correlation with the reference by epoch (SVP, Fig. 12).

    That of the round's own scores, which no epoch has, is a dashed line.
    """
    figure, axes = new_figure()
    _lines_of_members(axes, [row for row in rows if row["member"] is not None])
    for row in rows:
        if row["member"] is None and row["spearman"] is not None:
            level = number(row["spearman"])
            axes.axhline(level, linestyle="--", color="grey", label="the scores")
    return finished(figure, f"Entropies and reference scores: ensemble trained on {size}")


def forgetting_correlations(rows: Rows, size: str, _: Results) -> "Figure":
    """Draw by epoch how the forgetting events so far agree with the reference (SVP, Fig. 11)."""
    figure, axes = new_figure()
    _lines_of_members(axes, rows)
    return finished(figure, f"Forgetting events and reference scores: ensemble trained on {size}")


def _lines_of_members(axes: "Axes", rows: Rows) -> None:
    """Draw a line for each member, by epoch, where there is a correlation."""
    known = [row for row in rows if row["spearman"] is not None]
    for place, member in enumerate(dict.fromkeys(row["member"] for row in known)):
        found = sorted(
            (number(row["epoch"]), number(row["spearman"]))
            for row in known
            if row["member"] == member
        )
        axes.plot(*zip(*found, strict=True), label=f"member {member}", **style(place))
    whole_numbers(axes)
    axes.set_xlabel("epoch (passes over the subset)")
    axes.set_ylabel("Spearman's correlation")


def gradient_batches(rows: Rows, size: str, _: Results) -> "Figure":
    """Draw each batch's gradient against its upper bound (Vodrahalli et al. 2018, Fig. 1)."""
    bounds = np.array([row["sum_of_norms"] for row in rows], dtype=np.float64)
    norms = np.array([row["norm_of_sum"] for row in rows], dtype=np.float64)
    correlation = rounded(pearson(np.stack([bounds, norms]))[0, 1])
    figure, axes = new_figure(width=5.0)
    axes.scatter(bounds, norms, s=12, color=style(0)["color"], alpha=0.7)
    axes.set_xlabel("sum of the norms of the samples' gradients")
    axes.set_ylabel("norm of the sum of the gradients")
    told = "none" if correlation is None else f"{correlation:.3f}"
    title = f"Batches of the ensemble trained on {size}"
    return finished(figure, f"{title}\nPearson's correlation: {told}")
