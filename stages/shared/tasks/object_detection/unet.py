"""A single-stage detector on a U-Net (Ronneberger et al. 2015, arXiv 1505.04597).

It goes down in steps of two and comes back up to the map's resolution alone: what a position says
needs no finer one, and the fine levels are most of a U-Net's cost.

Shapes: B images, K channels, H x W pixels or positions, D features, C classes.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stages.shared.networks.layers import convolution, initialize
from stages.shared.tasks.object_detection.maps import NUM_BOX_VALUES, STRIDE, map_size

FIRST_STRIDE = 2  # of the first level, in pixels; each further one doubles it
# What an untrained model says of every class and position. With one half, the first steps would do
# nothing but say no everywhere (Lin et al. 2017, arXiv 1708.02002, section 3.3).
FIRST_PROBABILITY = 0.01


class UNet(nn.Module):
    """Features at the map's positions from images of any size.

    A level for each width, each at half the resolution of the one before, the first at a half of
    the image's. Images are padded with zeros on the right and below to what all levels divide.
    """

    def __init__(self, widths: Sequence[int], num_channels: int) -> None:
        super().__init__()
        self.stride = FIRST_STRIDE * 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(
            _level(before, width, stride=2) for before, width in pairwise([num_channels, *widths])
        )
        # From the last level up to the one of the map's stride.
        self.first_up = int(math.log2(STRIDE // FIRST_STRIDE))
        self.up = nn.ModuleList(
            _activated(finer + coarser, finer, stride=1)
            for finer, coarser in reversed(list(pairwise(widths[self.first_up :])))
        )

    def forward(self, x_BKHW: Tensor) -> Tensor:
        """Return the features [B, D, H, W], H and W the map's."""
        height, width = x_BKHW.shape[2:]
        h_BDHW = F.pad(x_BKHW, (0, -width % self.stride, 0, -height % self.stride))
        levels = []
        for level in self.down:
            h_BDHW = level(h_BDHW)
            levels.append(h_BDHW)
        for level, finer_BDHW in zip(self.up, reversed(levels[self.first_up : -1]), strict=True):
            h_BDHW = level(torch.cat([finer_BDHW, _doubled(h_BDHW)], dim=1))
        map_height, map_width = map_size((height, width))
        return h_BDHW[:, :, :map_height, :map_width]


class Detector(nn.Module):
    """Features and a last layer, apart from each other as those of a classifier are.

    Attributes:
        features: images [B, K, H, W] to features at the map's positions.
        head: the last layer, to logits of the classes and the values of the box at each position,
            [B, C + 4, H, W].
    """

    def __init__(self, widths: Sequence[int], num_classes: int, num_channels: int) -> None:
        super().__init__()
        self.features = UNet(widths, num_channels)
        self.head = nn.Conv2d(widths[self.features.first_up], num_classes + NUM_BOX_VALUES, 1)
        initialize(self.features)
        nn.init.normal_(self.head.weight, std=0.01)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(
            self.head.bias[:num_classes], math.log(FIRST_PROBABILITY / (1 - FIRST_PROBABILITY))
        )

    def forward(self, x_BKHW: Tensor) -> Tensor:
        """Return the logits and box values [B, C + 4, H, W]."""
        return self.head(self.features(x_BKHW))


def _level(in_channels: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(_activated(in_channels, width, stride), _activated(width, width, 1))


def _activated(in_channels: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(in_channels, width, 3, stride), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )


def _doubled(h_BDHW: Tensor) -> Tensor:
    return F.interpolate(h_BDHW, scale_factor=2.0, mode="nearest")
