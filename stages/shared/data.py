"""Prepared samples where they are trained on or predicted: on the device, as uint8.

Shapes: N samples, B batch, H x W x K pixels and channels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import Ints, Meta, Split

LEAST_STD = 0.1  # grey levels; less is a channel without content, which must not be divided by 0


@dataclass(frozen=True)
class Samples:
    """Images and classes of some rows of a split."""

    inputs_NHWK: Tensor  # uint8
    targets_N: Tensor  # int64

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.targets_N)


def load_samples(
    prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None
) -> Samples:
    """Return all samples of a split, or those of the given rows, on a device."""
    inputs_NHWK = artifacts.load_inputs(prepared, split)
    targets_N = artifacts.load_targets(prepared, split)
    rows_N = np.arange(len(targets_N)) if rows_N is None else rows_N
    return Samples(
        torch.from_numpy(inputs_NHWK[rows_N]).to(device),
        torch.from_numpy(targets_N[rows_N]).to(device),
    )


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
