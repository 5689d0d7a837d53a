"""The chart of a race."""

from typing import TYPE_CHECKING

import numpy as np

from stages.report.pictures.figures import COLOURS, REST, finished, new_figure
from stages.report.pictures.tiles import short
from stages.report.run.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

FARTHEST = 6.0  # points behind that are drawn as they are
ASIDE = 0.5  # of the height of a row that its draws share


def race(table: "DataFrame", _: str, results: Results) -> "Figure":
    """Draw each entrant's judged gain in each draw of the last race, with its lower bound.

    Nothing of random subsets that won: the best of some is chosen by the gain that would be shown.
    """
    size = table["subset"].iloc[-1]
    shown = table[(table["subset"] == size) & (table["entrant"] != "random")]
    names, draws = list(dict.fromkeys(shown["entrant"])), list(dict.fromkeys(shown["draw"]))
    margin = results.params.race.margin
    figure, axes = new_figure(height=1.5 + 0.35 * len(names))
    axes.axvspan(-margin, 0, color=COLOURS[0], alpha=0.09, linewidth=0)
    axes.axvline(0, color="grey", linewidth=1)
    states = {
        "won": (shown["won"] == 1, COLOURS[0], "o"),
        "came to the end": ((shown["won"] == 0) & shown["lowest"].notna(), COLOURS[2], "s"),
        "dropped out": (shown["dropped_after"].notna(), REST, "x"),
    }
    for label, (which, colour, marker) in states.items():
        rows = shown[which]
        if not len(rows):
            continue
        aside = np.linspace(-ASIDE, ASIDE, len(draws) + 2)[1:-1] if len(draws) > 1 else [0.0]
        places = [
            names.index(name) + aside[draws.index(draw)]
            for name, draw in zip(rows["entrant"], rows["draw"], strict=True)
        ]
        gains = np.maximum(rows["gain"].to_numpy(float), -FARTHEST)
        lowest = np.maximum(rows["lowest"].to_numpy(float), -FARTHEST)
        lowest = np.where(np.isnan(lowest), gains, lowest)
        axes.hlines(places, lowest, gains, color=colour, linewidth=1.2)
        axes.plot(gains, places, marker, color=colour, markersize=4, label=label)
    axes.set_yticks(range(len(names)), [short(name, 24) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_ylabel("entrant")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(
        f"judged {results.params.report.metric.replace('_', ' ')} minus random (points)"
    )
    note = (
        "Marks are draws, lines show how low a gain may be; the left edge is "
        f"{FARTHEST:g} points or more behind. Where none won, a random subset did."
    )
    return finished(figure, f"The race to {size}", note)
