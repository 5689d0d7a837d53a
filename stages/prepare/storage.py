"""Where the images of a split lie once they are prepared: in an array, or still in the files.

Shapes: N samples, B some of them, H x W x K pixels and channels.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from stages.shared import artifacts
from stages.shared.artifacts import FileList, Ints, Split
from stages.shared.datasets.reading.source_images import FoundFiles, SourceImages
from stages.shared.samples.decoding import MOST_RESIDENT, Pixels, checksum
from stages.shared.settings.sections import Dataset


class Store(Protocol):
    """Takes the images of a split, in order."""

    def add(self, images_BHWK: Pixels) -> None:
        """Take some images."""

    def finish(self) -> None:
        """Write what is not written yet."""


def choose(params: Dataset, images: SourceImages) -> str:
    """Return `memory` or `files`; auto means files where the decoded images exceed 16 GiB.

    A constant and not this machine's memory: dvc.lock would differ from machine to machine.
    """
    if not isinstance(images, FoundFiles):
        return "memory"
    if params.storage != "auto":
        return params.storage
    num_bytes = len(images.names) * math.prod(images.shape)
    return "files" if num_bytes > MOST_RESIDENT else "memory"


def open_store(
    storage: str, prepared: Path, split: Split, images: SourceImages, rows_N: Ints, root: str
) -> Store:
    """Return what takes the images of these rows; `root` is as params.yaml has it."""
    if storage == "files":
        assert isinstance(images, FoundFiles)
        return _ListStore(prepared, split, images, rows_N, root)
    return _ArrayStore(prepared / split / "inputs.npy", (len(rows_N), *images.shape))


class _ArrayStore:
    """Writes inputs.npy."""

    def __init__(self, path: Path, shape: Sequence[int]) -> None:
        self._start = 0
        # A memory map of nothing is an error; what is wrong then is that the split is empty.
        self._array = artifacts.create_array(path, np.uint8, shape) if shape[0] else None

    def add(self, images_BHWK: Pixels) -> None:
        """Write some images."""
        assert self._array is not None
        self._array[self._start : self._start + len(images_BHWK)] = images_BHWK
        self._start += len(images_BHWK)

    def finish(self) -> None:
        """Everything is written already."""


class _ListStore:
    """Writes files.csv and files.json: which files there are, and what their pixels were."""

    def __init__(
        self, prepared: Path, split: Split, images: FoundFiles, rows_N: Ints, root: str
    ) -> None:
        self._prepared = prepared
        self._split = split
        self._images = images
        self._rows_N = rows_N
        self._root = root
        self._checksums: list[int] = []

    def add(self, images_BHWK: Pixels) -> None:
        """Note what some images look like."""
        self._checksums += map(checksum, images_BHWK)

    def finish(self) -> None:
        """Write the list."""
        images = self._images
        files = FileList(
            root=self._root,
            image_size=images.image_size
            if images.image_size is None or isinstance(images.image_size, int)
            else list(images.image_size),
            image_shape=list(images.shape),
            names=[images.names[row] for row in self._rows_N.tolist()],
            checksum_N=np.array(self._checksums, dtype=np.int64),
        )
        artifacts.save_file_list(self._prepared, self._split, files)
