"""Prepared samples where they are trained on: on the device as uint8, if they fit.

Others are read as they are needed, from an array on disk or from the user's files.

Shapes: N samples, B batch, H x W x K pixels and channels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stages.shared import artifacts, loading
from stages.shared.artifacts import Ints, Meta, Split
from stages.shared.images import MOST_RESIDENT, Pixels
from stages.shared.loading import ImageFiles, Images

LEAST_STD = 0.1  # grey levels; less is a channel without content, which must not be divided by 0
# So many bytes of pixels are decoded once and kept where the images are files: several members
# may do so side by side, each for itself.
MOST_DECODED = 2 * 2**30


@dataclass(frozen=True)
class Samples:
    """Images and classes of some rows of a split. Where the images lie changes no bytes."""

    inputs_NHWK: Tensor | Images  # uint8: on the device, or the whole split where it lies
    rows_N: Ints  # of the whole split
    targets_N: Tensor  # int64, on the device

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.targets_N)

    def images(self, index_B: Tensor) -> Tensor:
        """Return some of the images on the device, uint8 [B, H, W, K]."""
        return next(self.in_batches([index_B]))

    def in_batches(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the images of each batch on the device, uint8 [B, H, W, K].

        Raises:
            DataError: a file is not what it was when prepare read it.
        """
        if isinstance(self.inputs_NHWK, Tensor):
            yield from (self.inputs_NHWK[index_B] for index_B in batches)
            return
        # All at once: a GPU is waited for here.
        rows = [self.rows_N[index_B.cpu().numpy()] for index_B in batches]
        for images_BHWK in loading.in_batches(self.inputs_NHWK, rows):
            yield on_device(images_BHWK, self.targets_N.device)


def load_samples(
    prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None
) -> Samples:
    """Return all samples of a split, or those of the given rows."""
    inputs_NHWK = loading.load_images(prepared, split)
    targets_N = artifacts.load_targets(prepared, split)
    rows_N = np.arange(len(targets_N)) if rows_N is None else rows_N
    targets_on_device_N = torch.from_numpy(targets_N[rows_N]).to(device)
    most = MOST_DECODED if isinstance(inputs_NHWK, ImageFiles) else MOST_RESIDENT
    if inputs_NHWK[:1].nbytes * len(rows_N) > most:
        return Samples(inputs_NHWK, rows_N, targets_on_device_N)
    return Samples(torch.from_numpy(inputs_NHWK[rows_N]).to(device), rows_N, targets_on_device_N)


def on_device(images_BHWK: Pixels, device: torch.device) -> Tensor:
    """Return images on the device; a GPU is not waited for."""
    # torch warns of what is read-only, such as part of a memory map.
    images = torch.from_numpy(np.require(images_BHWK, requirements="W"))
    if device.type == "cuda":
        return images.pin_memory().to(device, non_blocking=True)
    return images


def normalise(images_BHWK: Tensor, meta: Meta) -> Tensor:
    """Return images of 0 to 255 as float32 [B, K, H, W] in channels-last memory.

    The train split then has mean 0 and standard deviation 1 in each channel, or 0 in one that
    never changes.
    """
    mean_K, std_K = _mean_and_std(tuple(meta.mean), tuple(meta.std), images_BHWK.device)
    return ((images_BHWK.float() - mean_K) / std_K).permute(0, 3, 1, 2)


@lru_cache  # made for each batch anew, a GPU would wait for each
@torch.inference_mode(mode=False)
def _mean_and_std(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return both in grey levels, float32 [K]."""
    mean_K, std_K = (torch.tensor(values, device=device) * 255 for values in (mean, std))
    return mean_K, std_K.clamp(min=LEAST_STD)


def batches(num_samples: int, batch_size: int) -> Iterator[slice]:
    """Yield consecutive batches, as few as possible and of sizes that differ by one at most.

    A small last batch would be normalised by the statistics of a few samples, and would disturb
    the more trainings the smaller their subset is: subsets could not be compared.
    """
    num = num_batches(num_samples, batch_size)
    for number in range(num):
        yield slice(number * num_samples // num, (number + 1) * num_samples // num)


def num_batches(num_samples: int, batch_size: int) -> int:
    """Return how many batches of at most `batch_size` hold the samples."""
    return -(-num_samples // batch_size)
