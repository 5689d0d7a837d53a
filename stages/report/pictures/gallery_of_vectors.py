"""Vectors in galleries: nobody can look at one, so its sample id stands for it, as a text does.

Shapes: N train samples.
"""

from pathlib import Path

import numpy as np

from stages.report.pictures.gallery_of_texts import HAS_PICTURES as HAS_PICTURES
from stages.report.pictures.gallery_of_texts import close_up as close_up
from stages.report.pictures.gallery_of_texts import gallery as gallery
from stages.report.pictures.gallery_of_texts import on_page as on_page
from stages.shared import artifacts
from stages.shared.artifacts import Sequences


def load(prepared: Path) -> Sequences:
    """Return the sample ids of the train split as UTF-8."""
    names = [
        name.encode("utf-8", "backslashreplace")
        for name in artifacts.load_sample_ids(prepared, "train")
    ]
    offset_N1 = np.cumsum([0, *map(len, names)])
    return Sequences(np.frombuffer(b"".join(names), dtype=np.uint8), offset_N1)
