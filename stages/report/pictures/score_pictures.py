"""Curves and points of scores and gradients."""

from typing import TYPE_CHECKING

import numpy as np

from stages.report.numbers.round_correlations import rounded
from stages.report.pictures.figures import (
    COLOURS,
    finished,
    line_of,
    new_figure,
    style,
    whole_numbers,
)
from stages.report.run.results import Results
from stages.shared.choosing.correlation import pearson

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame


def label_entropy(table: "DataFrame", size: str, _: Results) -> "Figure":
    """Draw the entropy of the labels of the highest-scored candidates by their number."""
    figure, axes = new_figure()
    axes.plot(table["k"], table["label_entropy"], label="top k", **style(0))
    axes.plot(table["k"], table["uniform"], "--", color="black", label="log C")
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("k highest-scored candidates")
    axes.set_ylabel("entropy of their labels (nats)")
    return finished(figure, f"Classes of the highest-scored: ensemble trained on {size}")


def reference_correlations(table: "DataFrame", size: str, _: Results) -> "Figure":
    """Draw each member's correlation with the reference by epoch (SVP, Fig. 12).

    That of the round's own scores, which no epoch has, is a dashed line.
    """
    figure, axes = new_figure()
    _lines_of_members(axes, table)
    for level in table.loc[table["member"].isna(), "spearman"].dropna():
        axes.axhline(level, linestyle="--", color="grey", label="the scores")
    return finished(figure, f"Entropies and reference scores: ensemble trained on {size}")


def forgetting_correlations(table: "DataFrame", size: str, _: Results) -> "Figure":
    """Draw by epoch how the forgetting events so far agree with the reference (SVP, Fig. 11)."""
    figure, axes = new_figure()
    _lines_of_members(axes, table)
    return finished(figure, f"Forgetting events and reference scores: ensemble trained on {size}")


def _lines_of_members(axes: "Axes", table: "DataFrame") -> None:
    """Draw a line for each member, by epoch, where there is a correlation."""
    known = table.dropna(subset=["member", "spearman"]).sort_values("epoch")
    for place, (member, found) in enumerate(known.groupby("member")):
        line_of(axes, found["epoch"], found["spearman"], f"member {member:g}", place)
    whole_numbers(axes)
    axes.set_xlabel("epoch (passes over the subset)")
    axes.set_ylabel("Spearman's correlation")


def gradient_batches(table: "DataFrame", size: str, _: Results) -> "Figure":
    """Draw each batch's gradient against its upper bound (Vodrahalli et al. 2018, Fig. 1)."""
    bounds, norms = (table[name].to_numpy(dtype=float) for name in ("sum_of_norms", "norm_of_sum"))
    correlation = rounded(pearson(np.stack([bounds, norms]))[0, 1])
    figure, axes = new_figure()
    axes.scatter(bounds, norms, s=12, color=COLOURS[0], alpha=0.7)
    axes.set_xlabel("sum of the norms of the samples' gradients")
    axes.set_ylabel("norm of the sum of the gradients")
    told = "none" if correlation is None else f"{correlation:.3f}"
    title = f"Batches of the ensemble trained on {size}"
    return finished(figure, title, f"Pearson's correlation: {told}")
