"""Thumbnails of images that nobody embeds: they show edited copies without a network.

A thumbnail is a picture's 16 x 16 averages of each channel minus that channel's mean, so that the
cosine of two is the correlation of their pixels, which brightness and contrast leave as it is. It
finds what was saved anew, scaled or brightened, and shots from one place; not what was cropped by
more than a fiftieth, turned or mirrored. docs/data.md says what was measured.

Some pictures are alike without being the same: drawings below 32 pixels, as digits are, those in
grey, as X-rays are, and those with little contrast, as a sea is. They have a thumbnail of zeros,
which is like nothing.

Shapes: B images, H x W x K pixels and channels, D numbers of a thumbnail.
"""

import numpy as np

from stages.shared.artifacts import Array

THRESHOLD = 0.98  # least cosine of two that are nearly the same
EDGE = 16  # averages
BLOCK = 256  # images at a time
LEAST_EDGE, COLOURS = 32, 3  # of images that have a thumbnail
LEAST_SPREAD = 8.0  # levels of 255: the standard deviation of a thumbnail
LEAST_COLOUR = 2.0  # the same: by which the channels differ in the mean


def have_thumbnails(shape: tuple[int, ...]) -> bool:
    """Whether images [N, H, W, K] are large enough and coloured."""
    *_, height, width, num_channels = shape
    return min(height, width) >= LEAST_EDGE and num_channels == COLOURS


def thumbnails(images_NHWK: Array) -> Array:
    """Return the thumbnail of each image, float16 [N, D]; zeros where it says little."""
    parts = [
        _of_block(images_NHWK[start : start + BLOCK]) for start in range(0, len(images_NHWK), BLOCK)
    ]
    return np.concatenate([np.empty((0, EDGE * EDGE * COLOURS), np.float16), *parts])


def _of_block(images_BHWK: Array) -> Array:
    averages_BEEK = _averages(_averages(images_BHWK, 1), 2)
    colour_B = np.ptp(averages_BEEK, axis=-1).mean(axis=(1, 2))
    averages_BEEK -= averages_BEEK.mean(axis=(1, 2), keepdims=True)
    thumbnail_BD = averages_BEEK.reshape(len(images_BHWK), -1)
    says_little_B = (thumbnail_BD.std(axis=1) < LEAST_SPREAD) | (colour_B < LEAST_COLOUR)
    thumbnail_BD[says_little_B] = 0
    return thumbnail_BD.astype(np.float16)


def _averages(values: Array, axis: int) -> Array:
    """Return the averages of EDGE equal parts along an axis."""
    num = values.shape[axis]
    first_E = np.arange(EDGE) * num // EDGE
    count_E = np.diff([*first_E, num]).astype(np.float32)
    count = count_E.reshape([-1 if place == axis else 1 for place in range(values.ndim)])
    return np.add.reduceat(values, first_E, axis=axis, dtype=np.float32) / count
