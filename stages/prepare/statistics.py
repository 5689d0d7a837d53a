"""What meta.json says of the pixels: mean, standard deviation and a fingerprint.

Shapes: N samples, H x W x K pixels and channels, V the 256 values of a pixel.
"""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts import Floats, Split, load_inputs, load_targets

CHUNK_VALUES = 1 << 23  # so many pixel values are counted at once


def channel_mean_and_std(inputs_NHWK: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return the mean and the standard deviation of each channel in [0, 1], float64 [K] both.

    They come from exact counts of the 256 values: no rounding depends on how many rows are read
    at once, and the images are never in memory together.
    """
    counts_KV = _count_values(inputs_NHWK)
    values_V = np.arange(256) / 255
    mean_K = counts_KV @ values_V / counts_KV.sum(axis=1)
    deviations_KV = (values_V - mean_K[:, np.newaxis]) ** 2
    std_K = np.sqrt((counts_KV * deviations_KV).sum(axis=1) / counts_KV.sum(axis=1))
    return mean_K, std_K


def _count_values(inputs_NHWK: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    num_samples, *_, num_channels = inputs_NHWK.shape
    step = max(1, CHUNK_VALUES // inputs_NHWK[0].size)
    counts_KV = np.zeros((num_channels, 256), dtype=np.int64)
    for start in range(0, num_samples, step):
        chunk_BHWK = inputs_NHWK[start : start + step]
        for channel in range(num_channels):
            counts_KV[channel] += np.bincount(chunk_BHWK[..., channel].ravel(), minlength=256)
    return counts_KV


def fingerprint(prepared: Path) -> str:
    """Return a hash of everything that is trained or validated on: BLAKE2b, 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    splits: tuple[Split, ...] = ("train", "validation")
    for split in splits:
        for array in (load_inputs(prepared, split), load_targets(prepared, split)):
            digest.update(repr((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
