"""Samples with what is known of them: by their scores, and by what the round did with them.

Which they are stands here. The file beside this one that the task's rules name draws them: `load`
reads the samples of the train split, `gallery` draws rows of some, and `heat_maps` those that
predict_pool wrote maps of.

Shapes: N train samples, K candidates, P picks.
"""

from pathlib import Path

import numpy as np

from stages.report.pictures.figures import save
from stages.report.pictures.tiles import PER_ROW
from stages.report.run.reading import drawing_of
from stages.report.run.results import Results, Round
from stages.report.samples.ranking import ranked_candidates
from stages.shared.artifacts import Ints


def save_galleries(folder: Path, results: Results, entry: Round) -> None:
    """Draw a round's galleries and heat maps, under names of their own."""
    kind = results.params.rules.gallery
    drawing = drawing_of(kind)
    acquisition = entry.acquisition.replace("_", " ")
    title = f"{acquisition} by the ensemble trained on {entry.source}, round to {entry.target}"
    shown = {"score": by_score(results, entry), "choice": by_choice(results, entry)}
    for name, rows in shown.items():
        if rows:
            figure = drawing.gallery(rows, title, results, entry)
            save(folder / f"{kind}_by_{name}/{entry.source}.png", figure)
    if entry.heat_maps is not None:
        save(folder / f"heat_maps/{entry.source}.png", drawing.heat_maps(title, results, entry))


def by_score(results: Results, entry: Round) -> dict[str, Ints]:
    """Return the first, middle and last of the ranked candidates, each from the higher score on."""
    ranked_K = ranked_candidates(results, entry)
    middle = max(0, (len(ranked_K) - PER_ROW) // 2)
    return _with_samples(
        {
            "highest": ranked_K[:PER_ROW],
            "middle": ranked_K[middle : middle + PER_ROW],
            "lowest": ranked_K[-PER_ROW:],
        }
    )


def by_choice(results: Results, entry: Round) -> dict[str, Ints]:
    """Return some of those that the round picked and of those that it did not.

    selected: its last picks. skipped: the highest-scored that it left although it picked some with
    lower scores. dropped: the lowest-scored that it left.
    """
    ranked_K = ranked_candidates(results, entry)
    subset = results.subsets[entry.target]
    picked_P = subset.index_P[subset.round_P == entry.number]
    left_K = ranked_K[~np.isin(ranked_K, picked_P)]
    least = entry.score_N[picked_P].min(initial=np.inf)
    return _with_samples(
        {
            "selected": picked_P[-PER_ROW:],
            "skipped": left_K[entry.score_N[left_K] > least][:PER_ROW],
            "dropped": left_K[-PER_ROW:],
        }
    )


def _with_samples(rows: dict[str, Ints]) -> dict[str, Ints]:
    return {name: index_P for name, index_P in rows.items() if len(index_P)}
