"""The charts: what is drawn is what the tables say, as PNG and within the page."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stages.report.numbers.conclusions import Conclusion
from stages.report.numbers.raced import is_random
from stages.report.pictures import (
    galleries,
    heat_map_pictures,
    race_pictures,
    score_pictures,
    size_pictures,
)
from stages.report.pictures.figures import (
    COLOURS,
    REST,
    finished,
    in_words,
    lines,
    new_figure,
    printable,
    save,
    style,
    whole_numbers,
)
from stages.report.pictures.tiles import short
from stages.report.run.results import KINDS, Results, Round, training_length, validated_by
from stages.report.samples.ranking import ranked_candidates
from stages.report.words.wording import draws_in_words
from stages.shared.artifacts import Rows
from stages.shared.sizes import MATCHED

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

COMPARED = (*KINDS, MATCHED)  # by the places of their colours
MOST_CLASSES = 20  # whose shares are drawn
LOWEST, HIGHEST = 0.0, 100.0  # points, of an accuracy: what reaches beyond is cut
NUM_BINS = 36  # of scores
ASIDE = 6  # points from one of two bars with one x to the other


def save_pictures(folder: Path, tables: dict[str, Rows], results: Results) -> None:
    """Draw the tables that have a picture, under the same names, and what no table holds."""
    for name, rows in tables.items():
        if name.split("/")[0] in PICTURES:
            save(folder / f"{name}.png", drawn(name, rows, results))
    for entry in results.rounds:
        galleries.save_galleries(folder, results, entry)
        if entry.tracked is not None:
            figure = heat_map_pictures.gradient_history(
                entry.tracked.gradient_norm_MES, entry.source
            )
            save(folder / f"gradient_history/{entry.source}.png", figure)


def drawn(name: str, rows: Rows, results: Results) -> "Figure":
    """Draw a table by its path under plots/tables."""
    kind, _, of = name.partition("/")
    return PICTURES[kind](frame(rows), of, results)


def frame(rows: Rows) -> "DataFrame":
    """Return a table as pandas has it: what is empty is NaN, and all words can be written."""
    # Imported here: the tables do without.
    from pandas import DataFrame

    return DataFrame(
        [
            {name: printable(x) if isinstance(x, str) else x for name, x in row.items()}
            for row in rows
        ]
    )


def accuracy(table: "DataFrame", model: str, results: Results) -> "Figure":
    """Draw accuracy against subset size with 95 % intervals; everything is a level right across."""
    from matplotlib.transforms import ScaledTranslation

    figure, axes = new_figure()
    for place, name in enumerate(COMPARED):
        known = table.dropna(subset=[name]) if name in table else table[:0]
        if not len(known):
            continue
        value, error = known[name], known[f"{name}_plus_minus"].fillna(0.0)
        low, high = (value - error).clip(lower=LOWEST), (value + error).clip(upper=HIGHEST)
        if name == "full":
            colour = COLOURS[place]
            axes.axhline(value.iloc[0], label=in_words(name), color=colour, linestyle="--")
            axes.axhspan(low.iloc[0], high.iloc[0], color=colour, alpha=0.09, linewidth=0)
            axes.update_datalim([(0, value.iloc[0])])  # where a line of sizes begins
            continue
        # Beside each other: both have one size.
        beside = ASIDE / 72 * (place - 0.5 if place < KINDS.index("full") else 0)
        aside = ScaledTranslation(beside, 0, figure.dpi_scale_trans)
        size, moved = 100 * known["fraction"], axes.transData + aside
        reach = [value - low, high - value]
        drawn = style(place) | {"clip_on": False}  # a mark at 100 is whole
        axes.errorbar(size, value, reach, label=in_words(name), transform=moved, **drawn)
        for end in (low, high):  # what is moved says nothing of the limits
            axes.update_datalim(list(zip(size, end, strict=True)))
    metric = results.params.report.metric.replace("_", " ")
    axes.set_xlabel("subset size (% of the train split)")
    axes.set_ylabel(f"{metric} (points)")
    # A lone point needs room at its sides.
    axes.margins(x=0.1, y=0.15)
    axes.autoscale_view()
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, LOWEST), min(high, HIGHEST))
    draws = draws_in_words(int(table["draws"].iloc[0]))
    return finished(
        figure,
        f"{model}: {metric} by subset size, {training_length(results.params)}",
        f"On test, {draws}; bars and band: 95 % intervals, cut at 0 and 100.",
    )


def validation_by_epoch(table: "DataFrame", model: str, results: Results) -> "Figure":
    """Draw validation accuracy by epoch."""
    return _validation(table, "epoch", "epoch (passes over the subset)", model, results)


def validation_by_images(table: "DataFrame", model: str, results: Results) -> "Figure":
    """Draw validation accuracy by images seen."""
    return _validation(table, "images_seen", "images seen", model, results)


def _validation(table: "DataFrame", x: str, label: str, model: str, results: Results) -> "Figure":
    figure, axes = new_figure()
    lines(axes, table, x, ("model",))
    whole_numbers(axes)
    axes.set_xlabel(label)
    axes.set_ylabel(f"{validated_by(results.params)} on validation (points)")
    by = x.replace("_", " ")
    title = f"{model}: validation by {by}, {training_length(results.params)}"
    return finished(figure, title, "Mean over the members.")


def class_shares(table: "DataFrame", _: str, results: Results) -> "Figure":
    """Draw each class's share; of very many classes those whose share changed most."""
    of = "the picks" if results.boxes is None else "the objects in the picks"
    shown, note = table, f"Of {of}."
    if len(table) > MOST_CLASSES:
        change = (table["selected"] - table["full"]).abs()
        order = change.sort_values(ascending=False, kind="stable").index[:MOST_CLASSES]
        shown = table.loc[order.sort_values()]
        note = f"The {MOST_CLASSES} classes that changed most, of {len(table)}."
    figure, axes = new_figure(height=1.3 + 0.24 * len(shown))
    places = range(len(shown))
    for place, name in enumerate(KINDS):
        if shown[name].notna().any():
            axes.plot(
                shown[name], places, label=in_words(name), **style(place) | {"linestyle": "none"}
            )
    names = [short(name, 24) for name in shown["class"]]
    axes.set_yticks(places, names)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 1.05 * shown[list(KINDS)].max(axis=None))
    axes.set_xlabel(f"share of {of} (%)")
    axes.set_ylabel("class")
    return finished(figure, f"Share of each class: selected {results.params.sizes[-1]}", note)


def consensus(table: "DataFrame", size: str, _: Results) -> "Figure":
    """Draw on how many unselected samples voters agree."""
    figure, axes = new_figure()
    lines(axes, table, "voters", ("ensemble",))
    whole_numbers(axes)
    axes.set_xlabel("number of voters")
    axes.set_ylabel("unselected samples (%)")
    return finished(
        figure,
        f"Consensus of the ensemble trained on {size}",
        "Unselected samples on which so many voters, or the last two of them, agree.",
    )


def scores(results: Results, entry: Round) -> "Figure | None":
    """Draw the candidates' scores, those that were taken at the foot; None without candidates."""
    ranked_K = ranked_candidates(results, entry)
    if not len(ranked_K):
        return None
    subset = results.subsets[entry.target]
    is_taken_K = np.isin(ranked_K, subset.index_P[subset.round_P == entry.number])
    taken, left = entry.score_N[ranked_K[is_taken_K]], entry.score_N[ranked_K[~is_taken_K]]
    figure, axes = new_figure()
    axes.hist(
        [taken, left],
        bins=np.histogram_bin_edges(entry.score_N[ranked_K], NUM_BINS).tolist(),
        stacked=True,
        rwidth=0.9,
        color=[COLOURS[0], REST],
        label=[f"taken ({len(taken):,})", f"left ({len(left):,})"],
    )
    note = "Scores of the candidates; the cut is the lowest score that was taken."
    if is_random(results.races[entry.target]):
        note = "Scores of the candidates; the race took a random subset, whatever they are."
    elif len(taken):
        cut = float(taken.min())
        axes.axvline(cut, linestyle=":", color="grey", label=f"cut {cut:.3g}")
    axes.set_xlabel("score")
    axes.set_ylabel("samples")
    return finished(figure, "Scores and the cut", note)


def intervals(found: Conclusion) -> "Figure":
    """Draw how much better the selected subset is than others, beside zero and the margin."""
    figure, axes = new_figure(height=0.8 + 0.4 * len(found.against))
    axes.axvspan(-found.margin, 0, color=COLOURS[0], alpha=0.09, linewidth=0)
    axes.axvline(0, color="grey", linewidth=1)
    for row, (other, entry) in enumerate(found.against.items()):
        error = None if math.isinf(entry.reach) else [entry.reach]
        axes.errorbar([entry.value], [row], xerr=error, capsize=4, **style(COMPARED.index(other)))
    axes.set_yticks(range(len(found.against)), [f"vs {in_words(other)}" for other in found.against])
    axes.set_ylim(len(found.against) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("points that selected is better")
    told = "; ".join(
        f"selected vs {in_words(other)}: {entry.value:+.2f} "
        + ("without an interval" if math.isinf(entry.reach) else f"± {entry.reach:.2f}")
        for other, entry in found.against.items()
    )
    return finished(figure, told)


PICTURES: dict[str, Callable[["DataFrame", str, Results], "Figure"]] = {
    "accuracy": accuracy,
    "validation_by_epoch": validation_by_epoch,
    "validation_by_images": validation_by_images,
    "class_shares": class_shares,
    "consensus": consensus,
    "race": race_pictures.race,
    "how_much_data": size_pictures.how_much_data,
    "correlations": heat_map_pictures.acquisitions,
    "voter_correlations": heat_map_pictures.voters,
    "round_correlations": heat_map_pictures.rounds,
    "reference_correlations": score_pictures.reference_correlations,
    "forgetting_correlations": score_pictures.forgetting_correlations,
    "label_entropy": score_pictures.label_entropy,
    "gradient_batches": score_pictures.gradient_batches,
}
