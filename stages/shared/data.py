"""Prepared samples where they are trained on: on the device as uint8, if they fit.

Shapes: N samples, B batch, H x W x K pixels and channels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import Ints, Meta, Split

Pixels = npt.NDArray[np.uint8]

LEAST_STD = 0.1  # grey levels; less is a channel without content, which must not be divided by 0
# More image bytes than this stay on disk, and each batch is read as it is needed.
MOST_RESIDENT = 16 * 2**30


@dataclass(frozen=True)
class Samples:
    """Images and classes of some rows of a split. Where the images lie changes no bytes."""

    inputs_NHWK: Tensor | Pixels  # uint8: on the device, or a memory map of the whole split
    rows_N: Ints  # of the split, for the memory map
    targets_N: Tensor  # int64, on the device

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.targets_N)

    def images(self, index_B: Tensor) -> Tensor:
        """Return some of the images on the device, uint8 [B, H, W, K]."""
        if isinstance(self.inputs_NHWK, Tensor):
            return self.inputs_NHWK[index_B]
        images_BHWK = self.inputs_NHWK[self.rows_N[index_B.cpu().numpy()]]
        return torch.from_numpy(images_BHWK).to(self.targets_N.device)


def load_samples(
    prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None
) -> Samples:
    """Return all samples of a split, or those of the given rows."""
    inputs_NHWK = artifacts.load_inputs(prepared, split)
    targets_N = artifacts.load_targets(prepared, split)
    rows_N = np.arange(len(targets_N)) if rows_N is None else rows_N
    targets_on_device_N = torch.from_numpy(targets_N[rows_N]).to(device)
    if inputs_NHWK[:1].nbytes * len(rows_N) > MOST_RESIDENT:
        return Samples(inputs_NHWK, rows_N, targets_on_device_N)
    return Samples(torch.from_numpy(inputs_NHWK[rows_N]).to(device), rows_N, targets_on_device_N)


def normalise(images_BHWK: Tensor, meta: Meta) -> Tensor:
    """Return images of 0 to 255 as float32 [B, K, H, W] in channels-last memory.

    The train split then has mean 0 and standard deviation 1 in each channel, or 0 in one that
    never changes.
    """
    mean_K = torch.tensor(meta.mean, device=images_BHWK.device) * 255
    std_K = (torch.tensor(meta.std, device=images_BHWK.device) * 255).clamp(min=LEAST_STD)
    return ((images_BHWK.float() - mean_K) / std_K).permute(0, 3, 1, 2)


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
