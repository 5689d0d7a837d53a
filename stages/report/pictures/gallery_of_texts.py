"""Texts in galleries: beside each its score, its label and what the ensemble predicts.

Shapes: N train samples.
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from stages.report.pictures import tiles
from stages.report.pictures.figures import DPI
from stages.report.pictures.fonts import has_picture
from stages.report.run.labels import Labels
from stages.report.run.results import Results, Round
from stages.shared import artifacts
from stages.shared.artifacts import Array, Ints, Sequences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LETTERS, LINES = 110, 2  # that are shown of a text: so many lines of so many letters
LETTERS_ON_PAGE, MOST_LETTERS = 280, 2000
HAS_PICTURES = False
MISSING = "□"  # in the place of what the font has no picture of

# In pixels:
WIDTH = 1000
LINE = 13  # from one line to the next
GAP = 5  # between two texts
ABOVE = 16  # a row of texts
COLUMNS = (tiles.SIDE, tiles.SIDE + 56, tiles.SIDE + 146, tiles.SIDE + 236)

CELL: dict[str, Any] = {"va": "top", "fontsize": 6, "linespacing": 1.2}


def load(prepared: Path) -> Sequences:
    """Return the texts of the train split as UTF-8, read as they are used."""
    return artifacts.load_sequences(prepared, "train", "text_bytes")


def on_page(inputs_N: Sequences, _: Labels, index: int) -> str:
    """Return what a page shows of a sample: the beginning of its text."""
    return _beginning(inputs_N[index], LETTERS_ON_PAGE)


def close_up(results: Results, index: int) -> str:
    """Return more of it, to judge a label by."""
    return _beginning(results.inputs_N[index], MOST_LETTERS)


def _beginning(text_bytes: Array, most: int) -> str:
    text = " ".join(text_bytes.tobytes().decode().split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def gallery(rows: Mapping[str, Ints], title: str, results: Results, entry: Round) -> "Figure":
    """Draw texts below each other, those of a row together."""
    from matplotlib.figure import Figure

    step = LINES * LINE + GAP
    heights = [ABOVE + step * len(index_P) for index_P in rows.values()]
    height = tiles.HEAD + sum(heights) + tiles.GAP
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
    figure.text(0.5, 1 - 8 / height, f"{title}\nscore, label, prediction, text", **tiles.TITLE)
    top = float(height - tiles.HEAD)
    for name, index_P in rows.items():
        top -= ABOVE
        middle = (top - step * len(index_P) / 2) / height
        figure.text((tiles.SIDE - 8) / WIDTH, middle, name, **tiles.NAME)
        for index in index_P.tolist():
            for left, cell in zip(COLUMNS, cells(results, entry, index), strict=True):
                figure.text(left / WIDTH, top / height, cell, **CELL)
            top -= step
    return figure


def cells(results: Results, entry: Round, index: int) -> list[str]:
    """Return what is shown of a text: its score, its label, the prediction, and itself."""
    assert entry.votes is not None
    classes = results.targets_N[index], entry.votes.predicted_class_N[index]
    names = [drawable(tiles.short(results.meta.class_names[number])) for number in classes]
    return [f"{entry.score_N[index]:.3g}", *names, shown(results.inputs_N[index].tobytes())]


def shown(text: bytes) -> str:
    """Return a text in a few lines, its end left out where they do not hold it."""
    lines = wrap(drawable(text.decode()), LETTERS, max_lines=LINES, placeholder=" …")
    return "\n".join(lines)


def drawable(text: str) -> str:
    """Return a text whose letters some font has, and whose white space is spaces."""
    return "".join(letter if has_picture(letter) else MISSING for letter in " ".join(text.split()))
