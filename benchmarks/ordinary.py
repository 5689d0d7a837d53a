"""What the ordinary PyTorch loops of the benchmarks share: images one by one.

Shapes: K x H x W channels and pixels.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import transforms

from stages.shared import artifacts
from stages.shared.artifacts import Meta

Transform = Callable[[Any], Tensor]


class Images(Dataset[tuple[Tensor, int]]):
    """The train split in memory, as torchvision's CIFAR10: an image at a time, transformed."""

    def __init__(self, prepared: Path, transform: Transform) -> None:
        self.inputs_NHWK = np.array(artifacts.load_inputs(prepared, "train"))
        self.targets = artifacts.load_targets(prepared, "train").tolist()
        self.transform = transform

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.targets)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        """Return an image, float32 [K, H, W], and its class."""
        return self.transform(Image.fromarray(self.inputs_NHWK[row])), self.targets[row]


def random_transform(meta: Meta) -> Transform:
    """Return what images are trained on: cropped and flipped at random, normalised."""
    return transforms.Compose(
        [
            transforms.RandomCrop(meta.input_shape[0], padding=4),
            transforms.RandomHorizontalFlip(),
            *_normalised(meta),
        ]
    )


def plain_transform(meta: Meta) -> Transform:
    """Return what images are predicted from: normalised."""
    return transforms.Compose(_normalised(meta))


def _normalised(meta: Meta) -> list[Transform]:
    return [transforms.ToTensor(), transforms.Normalize(meta.mean, meta.std)]
