"""Images with objects in galleries, and where in them the ensemble is uncertain.

Shapes: N train samples, P samples of a row, A objects, K images with maps, C classes, H x W x K
pixels and channels, or positions of a map.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stages.report.pictures.figures import COLOURS
from stages.report.pictures.fonts import path_for
from stages.report.pictures.gallery_of_images import load as load
from stages.report.pictures.tiles import PER_ROW, Tile, scaled, short, tiled
from stages.report.run.labels import Labels
from stages.report.run.results import Results, Round
from stages.shared.artifacts import Array, Ints
from stages.shared.samples.loading import Images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS = 256  # the width of an image
HAS_PICTURES = True
MOST_MAPPED = 5  # images
LETTER = 10  # pixels, as those of Pillow's own font
BOX_COLOURS = [colour for colour in COLOURS if colour != COLOURS[2]]  # which is nearly black
HEAT = "inferno"  # from black to light yellow
HEAT_SHARE = 0.8  # of the colour where a map is highest; of its image where it is lowest


def on_page(inputs_N: Images, labels: Labels, index: int) -> Array:
    """Return what a page shows of a sample: a picture with its true boxes, uint8 [H, W, 3]."""
    assert labels.boxes is not None
    objects = labels.boxes.rows(index)
    return boxed(
        inputs_N[index : index + 1][0],
        labels.boxes.box_A4[objects],
        labels.boxes.class_A[objects],
        labels.class_names,
    )


def close_up(results: Results, index: int) -> Array:
    """Return the same: it is large enough to judge boxes by."""
    return on_page(results.inputs_N, results.labels, index)


def gallery(rows: Mapping[str, Ints], title: str, results: Results, entry: Round) -> "Figure":
    """Draw rows of images with their true boxes, by their names."""
    shown = {
        name: [_tile(results, entry, index) for index in index_P.tolist()]
        for name, index_P in rows.items()
    }
    return tiled(shown, f"{title}\ntrue boxes, score")


def heat_maps(title: str, results: Results, entry: Round) -> "Figure":
    """Draw the maps of the highest-scored of all train images, class by class over the image.

    Of many classes those whose map is highest there. Colours are relative to the image's highest
    value, which stands above the image with its true boxes; that of each class above its map.
    """
    assert entry.heat_maps is not None
    row_K, map_KCHW = entry.heat_maps.row_K[:MOST_MAPPED], entry.heat_maps.map_KCHW
    shown = {}
    for place, index in enumerate(row_K.tolist()):
        map_CHW = map_KCHW[place].astype(np.float64)
        highest_C = map_CHW.max(axis=(1, 2))
        classes = np.sort(np.argsort(-highest_C, kind="stable")[: PER_ROW - 1]).tolist()
        image_HWK = results.inputs_N[index : index + 1][0]
        shown[f"{place + 1}"] = [
            _tile(results, entry, index),
            *(
                Tile(
                    scaled(
                        overlaid(image_HWK, map_CHW[number] / (highest_C.max() or 1)),
                        PIXELS,
                        is_smooth=False,
                    ),
                    f"{short(results.meta.class_names[number])}\n{highest_C[number]:.3g}",
                )
                for number in classes
            ),
        ]
    heading = f"{title}\nof highest maps in the whole train split; true boxes, map by class"
    return tiled(shown, heading, max(map(len, shown.values())))


def overlaid(image_HWK: Array, share_HW: Array) -> Array:
    """Return an image in grey under a map of values in [0, 1], uint8 [H, W, 3]."""
    from matplotlib import colormaps

    height, width = image_HWK.shape[:2]
    share_HW1 = spread(share_HW, height, width)[..., np.newaxis]
    grey_HW1 = image_HWK.mean(axis=-1, keepdims=True)
    heat_HW3 = 255 * colormaps[HEAT](share_HW1[..., 0])[..., :3]
    opacity_HW1 = HEAT_SHARE * share_HW1
    return np.rint((1 - opacity_HW1) * grey_HW1 + opacity_HW1 * heat_HW3).astype(np.uint8)


def spread(values_HW: Array, height: int, width: int) -> Array:
    """Return a map's values at each pixel of its image.

    A position stands for a square whose edge is a power of two; the last squares may reach over
    the image's edge.
    """
    stride = 1
    while -(-height // stride) > values_HW.shape[0] or -(-width // stride) > values_HW.shape[1]:
        stride *= 2
    return values_HW.repeat(stride, axis=0).repeat(stride, axis=1)[:height, :width]


def _tile(results: Results, entry: Round, index: int) -> Tile:
    labels = results.labels
    picture_HW3 = on_page(results.inputs_N, labels, index)
    return Tile(picture_HW3, f"{labels.said_of(index)}\n{entry.score_N[index]:.3g}")


def boxed(image_HWK: Array, box_A4: Array, class_A: Ints, class_names: Sequence[str]) -> Array:
    """Return an image PIXELS wide with boxes in it and their classes, uint8 [H, W, 3]."""
    from PIL import Image, ImageDraw, ImageFont

    zoom = PIXELS / image_HWK.shape[1]
    image = Image.fromarray(np.ascontiguousarray(scaled(image_HWK, PIXELS)))
    draw = ImageDraw.Draw(image)
    for (left, top, right, bottom), number in zip(
        (box_A4 * zoom).tolist(), class_A.tolist(), strict=True
    ):
        colour, name = BOX_COLOURS[number % len(BOX_COLOURS)], class_names[number]
        # The last pixel that is drawn is the last inside, also of a box thinner than one.
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=colour)
        path = path_for(name)
        font = ImageFont.truetype(path, LETTER) if path else None
        draw.rectangle(draw.textbbox((left + 2, top), name, font), fill=colour)
        draw.text((left + 2, top), name, fill="black", font=font)
    return np.asarray(image)
