"""Images in galleries: above each its label, what the ensemble predicts, and its score.

Shapes: N train samples, P samples of a row, H x W x K pixels and channels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stages.report.pictures.tiles import Tile, scaled, short, tiled
from stages.report.run.files_of_samples import large
from stages.report.run.labels import Labels
from stages.report.run.results import Results, Round
from stages.shared.artifacts import Array, Ints
from stages.shared.samples.loading import Images, load_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS, LARGE = 96, 256  # the width of an image
HAS_PICTURES = True


def load(prepared: Path) -> Images:
    """Return the images of the train split, uint8 [N, H, W, K], read as they are used."""
    return load_images(prepared, "train")


def on_page(inputs_N: Images, _: Labels, index: int) -> Array:
    """Return what a page shows of a sample: a picture, uint8 [H, W, 3]."""
    return scaled(inputs_N[index : index + 1][0], PIXELS)


def close_up(results: Results, index: int) -> Array:
    """Return a picture to judge a label by: of the sample's file where there is one."""
    found = large(results, index)
    if found is None:
        return scaled(results.inputs_N[index : index + 1][0], LARGE)
    return found.picture_HW3


def gallery(rows: Mapping[str, Ints], title: str, results: Results, entry: Round) -> "Figure":
    """Draw rows of images, by their names."""
    shown = {
        name: [
            Tile(scaled(image_HWK, PIXELS), _caption(results, entry, index))
            for index, image_HWK in zip(index_P.tolist(), results.inputs_N[index_P], strict=True)
        ]
        for name, index_P in rows.items()
    }
    return tiled(shown, f"{title}\nlabel, prediction, score")


def _caption(results: Results, entry: Round, index: int) -> str:
    names = results.meta.class_names
    assert entry.votes is not None
    label, predicted = results.targets_N[index], entry.votes.predicted_class_N[index]
    return f"{short(names[label])}\n{short(names[predicted])}\n{entry.score_N[index]:.3g}"
