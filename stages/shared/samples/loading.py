"""The images of a split, wherever they lie: an array, or the user's files.

Shapes: N samples, B batch, H x W x K pixels and channels.
"""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from stages.shared import artifacts
from stages.shared.artifacts import Ints, Split
from stages.shared.errors import DataError
from stages.shared.running.workspace import located
from stages.shared.samples.decoding import FORMATS, Pixels
from stages.shared.samples.decoding_ahead import Files, decoded

ORIENTATION = 0x0112  # of EXIF
TURNED = range(5, 9)  # such an image is shown turned by a quarter
WIDTH, HEIGHT = 256, 257  # tags of a TIFF

Rows = slice | Ints


class Images(Protocol):
    """Images that are indexed as an array is, uint8 [N, H, W, K]."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, rows: Any, /) -> Any:  # Any: an array's own index is more than Rows
        """Return some of the images, uint8 [B, H, W, K]."""


def load_images(prepared: Path, split: Split) -> Images:
    """Return the images of a split, read as they are used.

    Raises:
        ArtifactError: there is neither an array nor a list of files, or it is damaged.
    """
    if not artifacts.has_file_list(prepared, split):
        return artifacts.load_inputs(prepared, split)
    return ImageFiles(artifacts.load_file_list(prepared, split))


def shown_size(path: Path) -> tuple[int, int]:
    """Return width and height of an image as it is shown; only the head of the file is read."""
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as file:
        width, height = file.size
        if isinstance(file, TiffImageFile):  # Pillow has turned the size of most already
            width, height = file.tag_v2[WIDTH], file.tag_v2[HEIGHT]
        is_turned = file.getexif().get(ORIENTATION, 1) in TURNED
    return (height, width) if is_turned else (width, height)


def in_batches(images: Images, batches: Iterable[Rows]) -> Iterator[Pixels]:
    """Yield the images of each batch of rows, in order; files are decoded ahead of need.

    Raises:
        DataError: a file is not what it was when prepare read it.
    """
    if isinstance(images, ImageFiles):
        yield from images.in_batches(batches)
    else:
        yield from (images[rows] for rows in batches)


class ImageFiles:
    """The files of a split, as prepare found them."""

    def __init__(self, listed: artifacts.FileList) -> None:
        self._names = np.array(listed.names, dtype=object)
        self._checksum_N = listed.checksum_N
        self._no_files = Files(
            located(listed.root), [], listed.image_size, tuple(listed.image_shape), checksums=[]
        )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._names)

    def __getitem__(self, rows: Rows) -> Pixels:
        """Decode some of the images, uint8 [B, H, W, 3].

        Raises:
            DataError: a file is not what it was when prepare read it.
        """
        (images_BHWK,) = self.in_batches([rows])
        return images_BHWK

    def in_batches(self, batches: Iterable[Rows]) -> Iterator[Pixels]:
        """Yield the images of each batch of rows, in order, decoded ahead of need.

        Raises:
            DataError: a file is not what it was when prepare read it.
        """
        for images_BHWK, problems in decoded(map(self._files, batches)):
            if problems:
                raise DataError(
                    f"{self._no_files.root}: {problems[0]}; run `dvc repro`, which prepares the "
                    "images as they are now"
                )
            yield images_BHWK

    def _files(self, rows: Rows) -> Files:
        names, checksums = self._names[rows].tolist(), self._checksum_N[rows].tolist()
        return replace(self._no_files, names=names, checksums=checksums)
