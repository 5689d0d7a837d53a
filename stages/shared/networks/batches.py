"""Prepared images where they are trained on: on the device as uint8, if they fit.

Others are read as they are needed, from an array on disk or from the user's files. And what every
kind of samples is to the training loop.

Shapes: N samples, B batch, H x W x K pixels and channels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import Ints, Meta, Split
from stages.shared.samples import loading
from stages.shared.samples.decoding import MOST_RESIDENT, Pixels
from stages.shared.samples.loading import ImageFiles, Images, Rows

LEAST_STD = 0.1  # grey levels; less is a channel without content, which must not be divided by 0
# So many bytes of pixels are decoded once and kept where the images are files: several members
# may do so side by side, each for itself.
MOST_DECODED = 2 * 2**30


class Samples(Protocol):
    """Some rows of a split, as the task that reads them has them."""

    @property
    def targets_N(self) -> Any:  # noqa: N802 - a shape suffix
        """What is to be learnt of each, on the device; indexed by rows."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def in_batches(self, batches: Iterable[Tensor]) -> Iterator[Any]:
        """Yield the inputs of each batch of places in [0, N), on the device."""


@dataclass(frozen=True)
class ImageSamples:
    """Images and targets of some rows of a split. Where the images lie changes no bytes."""

    inputs_NHWK: Tensor | Images  # uint8: on the device, or the whole split where it lies
    rows_N: Ints  # of the whole split
    targets_N: Any  # on the device: classes, int64, or what else the task learns of an image

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.rows_N)

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
) -> ImageSamples:
    """Return all images and classes of a split, or those of the given rows."""
    targets_N = artifacts.load_targets(prepared, split)
    rows_N = np.arange(len(targets_N)) if rows_N is None else rows_N
    return load_image_samples(
        prepared, split, rows_N, torch.from_numpy(targets_N[rows_N]).to(device)
    )


def load_image_samples(prepared: Path, split: Split, rows_N: Ints, targets_N: Any) -> ImageSamples:
    """Return some images of a split with their targets, on the device of the targets."""
    inputs_NHWK = loading.load_images(prepared, split)
    most = MOST_DECODED if isinstance(inputs_NHWK, ImageFiles) else MOST_RESIDENT
    if inputs_NHWK[:1].nbytes * len(rows_N) > most:
        return ImageSamples(inputs_NHWK, rows_N, targets_N)
    resident_NHWK = torch.from_numpy(inputs_NHWK[rows_N]).to(targets_N.device)
    return ImageSamples(resident_NHWK, rows_N, targets_N)


def load_targets(prepared: Path, split: Split, device: torch.device) -> Tensor:
    """Return the class of each sample of a split on the device, int64 [N]."""
    return torch.tensor(artifacts.load_targets(prepared, split), device=device)


def read_batches(
    prepared: Path, split: Split, batches: Iterable[Rows], meta: Meta, device: torch.device
) -> Iterator[Tensor]:
    """Yield the images of each batch of rows as a model reads them, float32 [B, K, H, W].

    Raises:
        DataError: a file is not what it was when prepare read it.
    """
    for images_BHWK in loading.in_batches(loading.load_images(prepared, split), batches):
        yield normalise(on_device(images_BHWK, device), meta)


def example(meta: Meta) -> Tensor:
    """Return one image without content, float32 [1, K, H, W]."""
    height, width, channels = meta.input_shape
    return torch.zeros(1, channels, height, width)


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
