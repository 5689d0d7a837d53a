"""The networks of the speed records on CIFAR-10: groups of two convolutions, no shortcuts.

A 2x2 convolution that may be whitened and frozen (`first_layer: whitened`), then three groups, then
the maximum over all positions. Jordan 2024 (94% on CIFAR-10 in 3.29 seconds on a single GPU,
arXiv 2404.00498, section 3), after Page 2019 (How to train your ResNet).

Shapes: B batch, D channels, H and W pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stages.shared.networks.layers import Classifier

PATCH = 2  # pixels: edge of what the first layer looks at
STATISTICS = 0.4  # weight of a batch in the running statistics: trainings are short
# Gradient and effect of each normalisation's bias: it learns at 64 times the rate.
BIAS_SCALE = 8.0
LOGIT_SCALE = 1 / 9  # of what the last layer reads, so that logits begin small
SMALLEST = 9  # pixels: three poolings leave one of them


def convolution_groups(
    widths: Sequence[int], num_classes: int, image_shape: Sequence[int]
) -> Classifier:
    """Return the network with groups of these widths for images of shape H, W, K."""
    num_channels = image_shape[-1]
    # Every patch's directions, each with its opposite.
    first_width = 2 * PATCH**2 * num_channels
    inputs = [first_width, *widths]
    is_tiny = min(image_shape[:2]) < SMALLEST
    features = nn.Sequential(
        nn.Conv2d(num_channels, first_width, PATCH, bias=False),
        nn.GELU(),
        *(_group(*pair, is_tiny) for pair in zip(inputs, widths, strict=False)),
        Maximum(LOGIT_SCALE),
    )
    return Classifier(features, widths[-1], num_classes)


def _group(in_channels: int, width: int, is_tiny: bool) -> nn.Sequential:
    """Return two convolutions, the first of which halves the resolution."""
    return nn.Sequential(
        _convolution(in_channels, width),
        nn.MaxPool2d(2, ceil_mode=is_tiny),
        *_normalised(width),
        _convolution(width, width),
        *_normalised(width),
    )


def _convolution(in_channels: int, width: int) -> nn.Conv2d:
    """Return a 3x3 convolution whose first filters pass the channels on as they are.

    Where a residual network adds its input, this one may begin with it.
    """
    layer = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:in_channels])
    return layer


def _normalised(width: int) -> list[nn.Module]:
    return [
        nn.BatchNorm2d(width, eps=1e-12, momentum=STATISTICS, affine=False),
        Bias(width, BIAS_SCALE),
        nn.GELU(),
    ]


class Bias(nn.Module):
    """Adds `scale` times a learnt number to each channel: it learns at the square of the scale."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))
        self.scale = scale

    def forward(self, x_BDHW: Tensor) -> Tensor:
        """Return the sum [B, D, H, W]."""
        bias_D = (self.scale * self.bias).to(x_BDHW.dtype)
        return x_BDHW + bias_D[:, None, None]


class Maximum(nn.Module):
    """The maximum over all positions, times `scale`."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x_BDHW: Tensor) -> Tensor:
        """Return the features [B, D]."""
        return self.scale * x_BDHW.amax(dim=(2, 3))
