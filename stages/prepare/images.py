"""Image files as arrays: decoded by Pillow in several processes, straight into a .npy file.

Every image becomes 8-bit RGB as a viewer shows it: turned as its EXIF data says, 16-bit grey
scaled to 8, transparent parts on white, the first frame of several. The number of processes
(`SUBSET_WORKERS`, or all cores) decides no bytes.

Shapes: N samples, H x W x K pixels and channels (K is 3).
"""

import multiprocessing
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from stages.shared.artifacts import Ints
from stages.shared.engine import end_with_parent, num_cores, num_workers
from stages.shared.errors import DataError

EXTENSIONS = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
# Pillow looks at the content, and other formats (EPS) would run programs on it.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
FILES_PER_JOB = 500

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ImageFiles:
    """Images in files, decoded when they are written."""

    root: Path
    names: Sequence[str]  # paths below root
    image_size: int | None  # edge in pixels; None: all files must have one size

    def write(self, path: Path, rows_N: Ints) -> list[str]:
        """Decode the files of these rows into a .npy file, uint8 [N, H, W, 3].

        Returns:
            What is wrong with the files, a text for each problem, in the order of the rows.

        Raises:
            DataError: a process was killed.
        """
        if not len(rows_N):  # a memory map of nothing is an error
            return []
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (len(rows_N), *self._image_shape)
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        names = [self.names[row] for row in rows_N]
        jobs = [
            _Job(path, start, self.root, names[start : start + FILES_PER_JOB], self.image_size)
            for start in range(0, len(names), FILES_PER_JOB)
        ]
        return list(chain.from_iterable(_map_jobs(jobs)))

    @cached_property
    def _image_shape(self) -> tuple[int, ...]:
        if self.image_size is not None:
            return (self.image_size, self.image_size, 3)
        tries = (_decode_or_describe(self.root, name, None) for name in self.names)
        # Where no file is readable each is a problem, and no shape can be right.
        return next((image.shape for image in tries if not isinstance(image, str)), (1, 1, 3))


def decode(path: Path, image_size: int | None) -> Pixels:
    """Return an image as uint8 [H, W, 3].

    With an image size its middle square is scaled to that edge (bicubic, antialiased).

    Raises:
        Exception: whatever Pillow raises for files that it cannot read.
        ValueError: the values have no known range, as in floating-point images.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as file:
            if image_size is not None:
                # Large JPEGs are decoded at a half, a quarter ... of their size: much faster.
                file.draft(None, (2 * image_size, 2 * image_size))
            image = _as_rgb(ImageOps.exif_transpose(file))
    if image_size is not None:
        image = ImageOps.fit(image, (image_size, image_size))
    return np.asarray(image)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = _scale_to_8_bits(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    """Return grey of 0 to 65535 as grey of 0 to 255; Pillow's own conversion cuts it off at 255."""
    values_HW = np.asarray(image).astype(np.int64)
    if values_HW.min() < 0 or values_HW.max() > 65535:  # noqa: PLR2004 - 16 bits
        raise ValueError("pixels of more than 16 bits have no known range")
    return Image.fromarray(((values_HW + 128) // 257).astype(np.uint8))


class _Job(NamedTuple):
    path: Path  # the .npy file
    first_row: int
    root: Path
    names: list[str]
    image_size: int | None


def _map_jobs(jobs: list[_Job]) -> Iterator[list[str]]:
    all_workers = num_workers(1) if "SUBSET_WORKERS" in os.environ else num_cores()
    workers = min(all_workers, len(jobs))
    if workers == 1:
        yield from map(_run, jobs)
        return
    try:
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(workers, context, end_with_parent) as pool:
            yield from pool.map(_run, jobs)
    except BrokenProcessPool:
        raise DataError(
            f"{jobs[0].root}: a process that decoded images was killed; memory or the disk may be "
            "full"
        ) from None


def _run(job: _Job) -> list[str]:
    inputs_NHWK = np.lib.format.open_memmap(job.path, mode="r+")
    height, width, _ = inputs_NHWK.shape[1:]
    problems = []
    for row, name in enumerate(job.names, start=job.first_row):
        image_HWK = _decode_or_describe(job.root, name, job.image_size)
        if isinstance(image_HWK, str):
            problems.append(image_HWK)
        elif image_HWK.shape != inputs_NHWK.shape[1:]:
            found = f"{image_HWK.shape[1]}x{image_HWK.shape[0]}"
            problems.append(f"{name!r} is {found}, not {width}x{height} as the first image")
        else:
            inputs_NHWK[row] = image_HWK
    return problems


def _decode_or_describe(root: Path, name: str, image_size: int | None) -> Pixels | str:
    """Return the image, or what is wrong with it."""
    try:
        return decode(root / name, image_size)
    except UnidentifiedImageError:
        return f"{name!r} is no image"
    except Exception as error:  # damaged files make Pillow raise errors of a dozen kinds
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return f"{name!r} cannot be read ({' '.join(reason.split()) or type(error).__name__})"
