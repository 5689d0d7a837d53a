"""An image file as pixels, decoded by Pillow: for prepare, and for whoever reads files later.

Every image becomes 8-bit RGB as a viewer shows it: turned as its EXIF data says, 16-bit grey
scaled to 8, transparent parts on white, the first frame of several.

Shapes: B images, H x W x K pixels and channels (K is 3).
"""

import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from stages.shared.errors import reason

# Pillow looks at the content, and other formats (EPS) would run programs on it.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# What people's image files are when they are none, by bytes near their beginning.
SIGNS = {
    b"ftyphe": "HEIC, which must be converted",
    b"ftypmif1": "HEIC, which must be converted",
    b"ftypavif": "AVIF, which must be converted",
    b"git-lfs": "a pointer of Git LFS, which `git lfs pull` replaces",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<html": "a web page",
    b"<!DOCTYPE html": "a web page",
    b"\x93NUMPY": "an array",
}
# So many bytes of pixels are held in memory; more are read as they are needed. A constant, not
# this machine's memory: what prepare writes is the same everywhere.
MOST_RESIDENT = 16 * 2**30

Pixels = npt.NDArray[np.uint8]
# What images are scaled to: the edge of their middle square, or width and height of all that they
# show; None: nothing.
ImageSize = int | Sequence[int] | None


def decode(path: Path | str | IO[bytes], image_size: ImageSize) -> Pixels:
    """Return an image as uint8 [H, W, 3], scaled (bicubic, antialiased) where a size is given.

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
                width, height = pixels_of(image_size)
                file.draft(None, (2 * width, 2 * height))
            # In place: a copy of what most files have already takes half as long as decoding it.
            ImageOps.exif_transpose(file, in_place=True)
            image = _as_rgb(file)
    if image_size is not None and image.size != pixels_of(image_size):
        if isinstance(image_size, int):
            image = ImageOps.fit(image, pixels_of(image_size))
        else:
            image = image.resize(pixels_of(image_size))
    return np.asarray(image)


def pixels_of(image_size: int | Sequence[int]) -> tuple[int, int]:
    """Return width and height of the scaled images."""
    if isinstance(image_size, int):
        return image_size, image_size
    width, height = image_size
    return width, height


def decode_or_describe(root: Path, name: str, image_size: ImageSize) -> Pixels | str:
    """Return the image, or what is wrong with its file."""
    try:
        # No Path for each: of a small image that is a tenth of the work.
        return decode(f"{root}/{name}", image_size)
    except UnidentifiedImageError:
        return f"{name!r} is no image{_what_it_is(Path(root, name))}"
    except Exception as error:  # damaged files make Pillow raise errors of a dozen kinds
        return f"{name!r} cannot be read ({reason(error)})"


def _what_it_is(path: Path) -> str:
    """Return what a file is that no reader of images knows, where its first bytes say so."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return " (it is empty)"
    return next((f" (it is {kind})" for sign, kind in SIGNS.items() if sign in start), "")


def checksum(image_HWK: Pixels) -> int:
    """Return the CRC-32 of an image's pixels: whether they are still what they were."""
    return zlib.crc32(np.ascontiguousarray(image_HWK).data)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = _scale_to_8_bits(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    """Return grey of 0 to 65535 as grey of 0 to 255; Pillow's own conversion cuts it off at 255."""
    values_HW = np.asarray(image).astype(np.int64)
    if values_HW.min() < 0 or values_HW.max() > 65535:  # noqa: PLR2004 - 16 bits
        raise ValueError("pixels of more than 16 bits have no known range")
    return Image.fromarray(((values_HW + 128) // 257).astype(np.uint8))
