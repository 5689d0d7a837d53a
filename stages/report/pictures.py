"""The tables as pictures: what is drawn is what the tables say."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stages.report import galleries, heat_map_pictures, score_pictures
from stages.report.figures import (
    COLOURS,
    KINDS,
    finished,
    lines,
    new_figure,
    number,
    save,
    style,
    whole_numbers,
)
from stages.report.results import Results, training_length
from stages.report.wording import draws_in_words
from stages.shared.artifacts import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES = 50  # that a bar each leaves readable


def save_pictures(folder: Path, tables: dict[str, Rows], results: Results) -> None:
    """Draw the tables that have a picture, under the same names, and what no table holds."""
    for name, rows in tables.items():
        draw = PICTURES.get(name.split("/")[0])
        if draw is not None:
            save(folder / f"{name}.png", draw(rows, name.rpartition("/")[2], results))
    for entry in results.rounds:
        galleries.save_galleries(folder, results, entry)
        if entry.tracked is not None:
            figure = heat_map_pictures.gradient_history(
                entry.tracked.gradient_norm_MES, entry.source
            )
            save(folder / f"gradient_history/{entry.source}.png", figure)


def accuracy(rows: Rows, model: str, results: Results) -> "Figure":
    """Draw accuracy against subset size with standard errors."""
    figure, axes = new_figure()
    for name in KINDS:
        found = [row for row in rows if row[name] is not None]
        axes.errorbar(
            [number(row["fraction"]) * 100 for row in found],
            [number(row[name]) for row in found],
            yerr=[number(row[f"{name}_standard_error"] or 0.0) for row in found],
            label=name if found else None,
            capsize=3,
            linestyle="--" if name == "full" else "-",
            **style(KINDS.index(name)),
        )
    metric = results.params.report.metric.replace("_", " ")
    axes.set_xlabel("subset size (% of the train split)")
    axes.set_ylabel(f"{metric} on test (points)")
    # A lone point needs room at its sides.
    axes.margins(x=0.1, y=0.15)
    title = f"{model}: {metric} by subset size, {training_length(results.params)}"
    draws = draws_in_words(int(number(rows[0]["draws"])))
    return finished(figure, f"{title}\nbars: one standard error, {draws}")


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
    figure, axes = new_figure(height=max(4.0, 1.5 + 0.3 * len(shown)))
    names = [name for name in KINDS if rows[0][name] is not None]
    for place, name in enumerate(names):
        axes.barh(
            [row + (place - (len(names) - 1) / 2) * 0.27 for row in range(len(shown))],
            [number(row[name]) for row in shown],
            height=0.25,
            label=name,
            color=COLOURS[KINDS.index(name)],
        )
    axes.set_yticks(range(len(shown)), [str(row["class"]) for row in shown])
    axes.margins(y=0.01)
    axes.invert_yaxis()
    of = "the picks" if results.boxes is None else "the objects in the picks"
    axes.set_xlabel(f"share of {of} (%)")
    axes.set_ylabel("class")
    return finished(figure, f"{title}: selected {results.params.sizes[-1]}")


def consensus(rows: Rows, size: str, _: Results) -> "Figure":
    """Draw on how many unselected samples voters agree."""
    figure, axes = new_figure()
    lines(axes, rows, "voters", [name for name in rows[0] if name not in ("ensemble", "voters")])
    whole_numbers(axes)
    axes.set_xlabel("number of voters")
    axes.set_ylabel("unselected samples on which they agree (%)")
    return finished(figure, f"Consensus of the ensemble trained on {size}")


PICTURES: dict[str, Callable[[Rows, str, Results], "Figure"]] = {
    "accuracy": accuracy,
    "validation_by_epoch": validation_by_epoch,
    "validation_by_images": validation_by_images,
    "class_shares": class_shares,
    "consensus": consensus,
    "correlations": heat_map_pictures.acquisitions,
    "voter_correlations": heat_map_pictures.voters,
    "round_correlations": heat_map_pictures.rounds,
    "reference_correlations": score_pictures.reference_correlations,
    "forgetting_correlations": score_pictures.forgetting_correlations,
    "label_entropy": score_pictures.label_entropy,
    "gradient_batches": score_pictures.gradient_batches,
}


def _validation(rows: Rows, x: str, label: str, model: str, results: Results) -> "Figure":
    figure, axes = new_figure()
    lines(axes, rows, x, [name for name in rows[0] if name not in ("model", x)])
    whole_numbers(axes)
    axes.set_xlabel(label)
    axes.set_ylabel("accuracy on validation (points)")
    length = training_length(results.params)
    return finished(figure, f"{model}: validation curves, mean over the members, {length}")


def _change(row: dict[str, object]) -> float:
    return abs(number(row["selected"]) - number(row["full"]))
