"""Image files as the images of a data set.

Shapes: N samples, H x W x K pixels and channels (K is 3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stages.prepare.sources import in_chunks
from stages.shared import loading
from stages.shared.artifacts import Ints
from stages.shared.images import decode_or_describe
from stages.shared.loading import Decoded, Files

EXTENSIONS = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


@dataclass(frozen=True)
class FoundFiles:
    """Images in files that were found, decoded when they are read."""

    root: Path
    names: Sequence[str]  # paths below root
    image_size: int | None  # edge in pixels; None: all files must have one size

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """H, W, 3 of each: those of the first that can be read."""
        if self.image_size is not None:
            return (self.image_size, self.image_size, 3)
        tries = (decode_or_describe(self.root, name, None) for name in self.names)
        # Where no file is readable each is a problem, and no shape can be right.
        return next((image.shape for image in tries if not isinstance(image, str)), (1, 1, 3))

    def read(self, rows_N: Ints) -> Iterator[Decoded]:
        """Yield the images of these rows in their order, some at a time, decoded side by side.

        Raises:
            DataError: a process was killed.
        """
        return loading.decoded(self._files(some_B) for some_B in in_chunks(rows_N, self.shape))

    def _files(self, rows_B: Ints) -> Files:
        names = [self.names[row] for row in rows_B.tolist()]
        return Files(self.root, names, self.image_size, self.shape)
