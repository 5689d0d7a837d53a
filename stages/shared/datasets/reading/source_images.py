"""The images of a data set: in memory, or in files.

Shapes: N samples, H x W x K pixels and channels (K is 3).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from stages.shared.artifacts import Ints
from stages.shared.datasets.reading.sample_files import EXTENSIONS as EXTENSIONS
from stages.shared.samples.decoding import ImageSize, Pixels, decode_or_describe, pixels_of
from stages.shared.samples.decoding_ahead import Decoded, Files, decoded

CHUNK_BYTES = 2**23  # of pixels that are read at once


class SourceImages(Protocol):
    """The images of a data set, in memory or in files that are decoded when they are read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """H, W, K of each."""

    def read(self, rows_N: Ints) -> Iterator[Decoded]:
        """Yield the images of these rows in their order, some at a time."""


@dataclass(frozen=True)
class ArrayImages:
    """Images in memory."""

    images_NHWK: Pixels

    @property
    def shape(self) -> tuple[int, ...]:
        """H, W, K of each."""
        return self.images_NHWK.shape[1:]

    def read(self, rows_N: Ints) -> Iterator[Decoded]:
        """Yield the images of these rows; nothing can be wrong with them."""
        for some_B in in_chunks(rows_N, self.shape):
            yield Decoded(self.images_NHWK[some_B], [])


def in_chunks(rows_N: Ints, shape: tuple[int, ...]) -> Iterator[Ints]:
    """Yield the rows in parts whose images fill `CHUNK_BYTES`, one row each at least."""
    step = max(1, CHUNK_BYTES // math.prod(shape))
    for start in range(0, len(rows_N), step):
        yield rows_N[start : start + step]


@dataclass(frozen=True)
class FoundFiles:
    """Images in files that were found, decoded when they are read."""

    root: Path
    names: Sequence[str]  # paths below root
    image_size: ImageSize  # None: all files must have one size

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """H, W, 3 of each: those of the first that can be read."""
        if self.image_size is not None:
            width, height = pixels_of(self.image_size)
            return (height, width, 3)
        tries = (decode_or_describe(self.root, name, None) for name in self.names)
        # Where no file is readable each is a problem, and no shape can be right.
        return next((image.shape for image in tries if not isinstance(image, str)), (1, 1, 3))

    def read(self, rows_N: Ints) -> Iterator[Decoded]:
        """Yield the images of these rows in their order, some at a time, decoded side by side.

        Raises:
            DataError: a process was killed.
        """
        return decoded(self._files(some_B) for some_B in in_chunks(rows_N, self.shape))

    def _files(self, rows_B: Ints) -> Files:
        names = [self.names[row] for row in rows_B.tolist()]
        return Files(self.root, names, self.image_size, self.shape)
