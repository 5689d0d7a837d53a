"""What meta.json says of the pixels: mean, standard deviation and a fingerprint.

Shapes: B samples, H x W x K pixels and channels, V the 256 values of a pixel.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts import Array, Floats
from stages.shared.samples.decoding import Pixels


class ValueCounts:
    """How often each of the 256 values occurs in each channel.

    Mean and deviation come from exact counts: no rounding depends on how many images are read at
    once, and the images are never in memory together.
    """

    def __init__(self, num_channels: int) -> None:
        self._counts_KV = np.zeros((num_channels, 256), dtype=np.int64)

    def add(self, images_BHWK: Pixels) -> None:
        """Count the values of some images."""
        for channel, counts_V in enumerate(self._counts_KV):
            counts_V += np.bincount(images_BHWK[..., channel].ravel(), minlength=256)

    def mean_and_std(self) -> tuple[Floats, Floats]:
        """Return the mean and the standard deviation of each channel in [0, 1], float64 [K]."""
        values_V = np.arange(256) / 255
        mean_K = self._counts_KV @ values_V / self._counts_KV.sum(axis=1)
        deviations_KV = (values_V - mean_K[:, np.newaxis]) ** 2
        std_K = np.sqrt((self._counts_KV * deviations_KV).sum(axis=1) / self._counts_KV.sum(axis=1))
        return mean_K, std_K


class Fingerprint:
    """A hash of everything that is trained or validated on: BLAKE2b, 32 hex digits.

    Of arrays one after the other: first what an array is, then what it holds, in parts of any
    size. So it is the same wherever the images lie.
    """

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def begin(self, dtype: npt.DTypeLike, shape: Sequence[int]) -> None:
        """Begin an array."""
        self._digest.update(repr((np.dtype(dtype).str, tuple(shape))).encode())

    def add(self, part: Array) -> None:
        """Take the next part of it."""
        self._digest.update(np.ascontiguousarray(part).data)

    def hex(self) -> str:
        """Return the hash of all that was taken."""
        return self._digest.hexdigest()


class Moments:
    """Mean and deviation of each of D numbers, of vectors that come some at a time [B, D].

    Parts are joined by the formulas of Chan, Golub and LeVeque 1983, so nothing is subtracted
    from something about as large.
    """

    def __init__(self, length: int) -> None:
        self._num = 0
        self._mean_D = np.zeros(length)
        self._squares_D = np.zeros(length)  # of the differences from the mean

    def add(self, part_BD: Array) -> None:
        """Take some vectors."""
        part_BD = part_BD.astype(np.float64)
        with np.errstate(invalid="ignore"):  # what is not finite is refused afterwards
            mean_D = part_BD.mean(axis=0)
            moved_D, num = mean_D - self._mean_D, len(part_BD)
            together = self._num + num
            self._squares_D += ((part_BD - mean_D) ** 2).sum(axis=0)
            self._squares_D += moved_D**2 * (self._num * num / together)
            self._mean_D += moved_D * (num / together)
        self._num = together

    def mean_and_std(self) -> tuple[Floats, Floats]:
        """Return the mean and the standard deviation of each number, float64 [D]."""
        return self._mean_D, np.sqrt(self._squares_D / self._num)
