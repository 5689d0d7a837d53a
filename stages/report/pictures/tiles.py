"""Rows of small pictures, each with a caption above.

Shapes: H x W x K pixels and channels.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stages.report.pictures.figures import DPI
from stages.shared.artifacts import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PER_ROW = 8
MOST_LETTERS = 13  # of a name in a caption

# In pixels:
GAP = 8  # to the right of a picture
TEXT = 56  # the three lines above it
SIDE = 88  # the name of a row
HEAD = 44  # the title
TITLE: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 9}
NAME: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 9}
CAPTION: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 6, "linespacing": 1.1}


class Tile(NamedTuple):
    """A picture and what stands above it."""

    picture_HW3: Array  # uint8; all of a figure have one size
    caption: str  # three lines at most


def tiled(rows: Mapping[str, Sequence[Tile]], title: str, per_row: int = PER_ROW) -> "Figure":
    """Draw rows of tiles by their names, with room for so many in each."""
    from matplotlib.figure import Figure

    first = next(tiles[0] for tiles in rows.values())
    tile_height, tile_width = first.picture_HW3.shape[:2]
    step = tile_height + TEXT
    width, height = SIDE + per_row * (tile_width + GAP), HEAD + step * len(rows) + GAP
    # Placed by the pixel: nothing is scaled again, and no layout has to be found.
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.text(0.5, 1 - 8 / height, title, **TITLE)
    for place, (name, tiles) in enumerate(rows.items()):
        bottom = height - HEAD - (place + 1) * step
        figure.text((SIDE - 8) / width, (bottom + tile_height / 2) / height, name, **NAME)
        for column, tile in enumerate(tiles):
            left = SIDE + column * (tile_width + GAP)
            figure.figimage(tile.picture_HW3, left, bottom)
            above = ((left + tile_width / 2) / width, (bottom + tile_height + 4) / height)
            figure.text(*above, tile.caption, **CAPTION)
    return figure


def scaled(image_HWK: Array, pixels: int, *, is_smooth: bool = True) -> Array:
    """Return an image so many pixels wide, red, green and blue, uint8 [H, W, 3].

    Smoothly (bicubic, antialiased) a digit of eight pixels is legible; otherwise pixels stay
    squares.
    """
    from PIL import Image

    height, width = image_HWK.shape[:2]
    coloured = image_HWK if image_HWK.shape[-1] == 3 else np.repeat(image_HWK[..., :1], 3, axis=-1)  # noqa: PLR2004
    image = Image.fromarray(np.ascontiguousarray(coloured))
    size = (pixels, max(1, round(height * pixels / width)))
    how = Image.Resampling.BICUBIC if is_smooth else Image.Resampling.NEAREST
    return np.asarray(image.resize(size, how))


def short(name: str, most_letters: int = MOST_LETTERS) -> str:
    """Return a name that fits into a caption."""
    return name if len(name) <= most_letters else f"{name[: most_letters - 1]}…"
