"""The chart that answers how much data is needed."""

from typing import TYPE_CHECKING

from stages.report.formulas.learning_curve import LEVEL
from stages.report.pictures.figures import COLOURS, finished, new_figure, style
from stages.report.run.results import KINDS, Results, training_length

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

MOST_POINTS = 100.0  # of an accuracy: bands may reach beyond
ASIDE = 1.01  # times: so far do points of two kinds at one size stand from it
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)  # percent, those that fit


def how_much_data(table: "DataFrame", _: str, results: Results) -> "Figure":
    """Draw what a model reaches by size up to everything: points as measured, and their bands."""
    figure, axes = new_figure()
    margin = results.params.report.margin
    whole = round(results.num_everything / results.meta.num_samples["train"], 4)  # as in the table
    table = table[table["fraction"] <= whole]
    for place, kind in enumerate(KINDS[:2]):
        rows = table[table["subset"] == kind]
        if not len(rows):
            continue
        share, drawn = 100 * rows["fraction"], style(place)
        if rows["low"].notna().any():
            axes.fill_between(
                share, rows["low"], rows["high"], color=COLOURS[place], alpha=0.13, linewidth=0
            )
            axes.plot(share, rows["middle"], color=COLOURS[place], linewidth=1.2)
        known = rows[rows["measured"].notna() & (rows["fraction"] < whole)]  # everything is a line
        beside = 100 * known["fraction"] * ASIDE ** (2 * place - 1)
        axes.plot(
            beside, known["measured"], label=kind, **drawn | {"linestyle": "none", "clip_on": False}
        )
    everything = table[(table["fraction"] == whole) & table["measured"].notna()]
    if len(everything):
        value = everything["measured"].iloc[0]
        axes.axhline(value, label="everything", color=COLOURS[2], linestyle="--")
        axes.axhspan(value - margin, value, color=COLOURS[2], alpha=0.09, linewidth=0)
        enough = smallest_enough(table, value - margin, whole)
        if enough is not None:
            axes.axvline(
                100 * enough,
                label=f"likely enough: {100 * enough:.2g} %",
                color="grey",
                linestyle=":",
            )
    lowest, highest = axes.get_ylim()
    axes.set_ylim(max(lowest, 0), min(highest, MOST_POINTS))
    axes.set_xscale("log")
    low, high = 100 * table["fraction"].min() / 1.15, 100 * whole
    axes.set_xlim(low, high)
    shown = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("different samples (% of the train split)")
    axes.set_ylabel("validation (points)")
    title = f"{table['model'].iloc[0]} by size, {training_length(results.params)}"
    note = "Points were measured"
    if len(everything):
        note += f"; grey: at most {margin:g} below everything"
    if table["low"].notna().any():
        note += f"; a new measurement lies in the band in {100 * LEVEL:g} % of cases"
    return finished(figure, title, f"{note}.")


def smallest_enough(table: "DataFrame", least: float, whole: float) -> float | None:
    """Return the smallest share whose band is expected above so many points, selected first.

    None: there is none below that of everything.
    """
    for kind in KINDS[:2]:
        rows = table[(table["subset"] == kind) & (table["middle"] >= least)]
        if len(rows):
            share = float(rows["fraction"].min())
            return share if share < whole else None
    return None
