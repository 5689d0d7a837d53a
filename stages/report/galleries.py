"""Images with what is known of them: by their scores, and by what the round did with them.

Shapes: N train samples, K candidates, P picks, H x W x K pixels and channels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.report.figures import DPI, save
from stages.report.ranking import ranked_candidates
from stages.report.results import Results, Round
from stages.shared.artifacts import Array, Ints

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PER_ROW = 8
MOST_LETTERS = 13  # of a class name above an image

# In pixels:
PIXELS = 96  # about the width of an image
GAP = 8  # to the right of it
TEXT = 56  # the three lines above it
SIDE = 88  # the name of a row
HEAD = 44  # the title
TITLE: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 9}
NAME: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 9}
CAPTION: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 6, "linespacing": 1.1}


def save_galleries(folder: Path, results: Results, entry: Round) -> None:
    """Draw a round's galleries, under names of their own."""
    shown = {
        "images_by_score": by_score(results, entry),
        "images_by_choice": by_choice(results, entry),
    }
    for name, rows in shown.items():
        if rows:
            save(folder / f"{name}/{entry.source}.png", gallery(rows, results, entry))


def by_score(results: Results, entry: Round) -> dict[str, Ints]:
    """Return the first, middle and last of the ranked candidates, each from the higher score on."""
    ranked_K = ranked_candidates(results, entry)
    middle = max(0, (len(ranked_K) - PER_ROW) // 2)
    return _with_images(
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
    return _with_images(
        {
            "selected": picked_P[-PER_ROW:],
            "skipped": left_K[entry.score_N[left_K] > least][:PER_ROW],
            "dropped": left_K[-PER_ROW:],
        }
    )


def gallery(rows: Mapping[str, Ints], results: Results, entry: Round) -> "Figure":
    """Draw rows of images, above each its label, what the ensemble predicts, and its score."""
    from matplotlib.figure import Figure

    tile_height, tile_width = _tile(results.inputs_NHWK[:1][0]).shape[:2]
    step = tile_height + TEXT
    width, height = SIDE + PER_ROW * (tile_width + GAP), HEAD + step * len(rows) + GAP
    # Placed by the pixel: nothing is scaled again, and no layout has to be found.
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    acquisition = entry.acquisition.replace("_", " ")
    title = f"{acquisition} by the ensemble trained on {entry.source}, round to {entry.target}"
    figure.text(0.5, 1 - 8 / height, f"{title}\nlabel, prediction, score", **TITLE)
    for place, (name, index_P) in enumerate(rows.items()):
        bottom = height - HEAD - (place + 1) * step
        figure.text((SIDE - 8) / width, (bottom + tile_height / 2) / height, name, **NAME)
        shown = zip(index_P.tolist(), results.inputs_NHWK[index_P], strict=True)
        for column, (index, image_HWK) in enumerate(shown):
            left = SIDE + column * (tile_width + GAP)
            figure.figimage(_tile(image_HWK), left, bottom)
            above = ((left + tile_width / 2) / width, (bottom + tile_height + 4) / height)
            figure.text(*above, _caption(results, entry, index), **CAPTION)
    return figure


def _tile(image_HWK: Array) -> Array:
    """Return an image about PIXELS wide, red, green and blue; small ones keep their squares."""
    height, width, channels = image_HWK.shape
    coloured = image_HWK if channels == 3 else np.repeat(image_HWK[..., :1], 3, axis=-1)  # noqa: PLR2004
    if width < PIXELS:
        times = round(PIXELS / width)
        return coloured.repeat(times, axis=0).repeat(times, axis=1)
    square = round(width / PIXELS)
    rows, columns = height // square, width // square
    squares = coloured[: rows * square, : columns * square].reshape(
        rows, square, columns, square, 3
    )
    return squares.mean(axis=(1, 3)).astype(np.uint8)


def _caption(results: Results, entry: Round, index: int) -> str:
    names = results.meta.class_names
    label, predicted = results.targets_N[index], entry.predicted_class_N[index]
    return f"{_short(names[label])}\n{_short(names[predicted])}\n{entry.score_N[index]:.3g}"


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def _with_images(rows: dict[str, Ints]) -> dict[str, Ints]:
    return {name: index_P for name, index_P in rows.items() if len(index_P)}
