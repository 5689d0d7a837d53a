"""The user's own files behind samples, where a sample is one: pages show and link them."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.report.run.results import Results
from stages.shared.artifacts import Array
from stages.shared.running.workspace import located
from stages.shared.samples.decoding import decode

PAGE = Path("plots")  # the folder of pages; links begin there
WIDE = 256  # pixels, of the longer edge of a large picture
FRAME = (255, 0, 160)  # the colour of what the models see of a picture


class Large(NamedTuple):
    """A picture to judge a label by."""

    picture_HW3: Array  # uint8
    is_cropped: bool  # the models see what is inside the frame alone


def linked_folder(results: Results) -> str | None:
    """Return where the samples' files lie, as a page in plots/ links it; None: they are none."""
    root = located(results.params.dataset.root)
    if not results.sample_ids or not _is_file(root / results.sample_ids[0]):
        return None
    # A relative link holds wherever the project's folder is moved to.
    inside = not root.is_absolute() and ".." not in root.parts
    return f"{Path(os.path.relpath(root, PAGE)).as_posix()}/" if inside else f"{root.as_uri()}/"


def large(results: Results, row: int) -> Large | None:
    """Return the whole picture of a train sample's file; None where there is none."""
    return picture(results, results.sample_ids[row])


def picture(results: Results, name: str) -> Large | None:
    """Return the whole picture of a sample's file, the middle square outlined if models see that.

    None where there is no such file, or it can no longer be read.
    """
    from PIL import Image, ImageDraw

    path = located(results.params.dataset.root) / name
    try:
        image = Image.fromarray(decode(path, None))
    except Exception:  # Pillow raises a dozen kinds; the page does without
        return None
    image.thumbnail((WIDE, WIDE))
    width, height = image.size
    is_cropped = isinstance(results.params.dataset.image_size, int) and width != height
    if is_cropped:
        edge = min(width, height)
        left, top = (width - edge) // 2, (height - edge) // 2
        frame = (left, top, left + edge - 1, top + edge - 1)
        ImageDraw.Draw(image).rectangle(frame, outline=FRAME, width=2)
    return Large(np.asarray(image), is_cropped)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
