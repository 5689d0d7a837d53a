"""VGG-16 (Simonyan and Zisserman 2015, arXiv 1409.1556, Table 1, D), and its form for CIFAR."""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import (
    Classifier,
    convolution,
    initialize,
    is_small,
    last_layer_apart,
)

# Convolutions of each stack and their width.
STACKS = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, in the form for their size.

    The 224-pixel form is torchvision's, initial weights and dropout included: in training mode it
    draws from torch's global generator. The 32-pixel form has batch normalisation, no hidden
    fully connected layers and no dropout.
    """
    if is_small(image_shape):
        return Classifier(_small_features(image_shape[-1]), STACKS[-1][1], num_classes)
    from torchvision.models import vgg  # here, because the import takes a second

    convolutions = vgg.make_layers(vgg.cfgs["D"])
    convolutions[0] = nn.Conv2d(image_shape[-1], 64, 3, padding=1)
    return last_layer_apart(vgg.VGG(convolutions, num_classes))


def _small_features(num_channels: int) -> nn.Sequential:
    """Return the thirteen convolutions, each stack at half the resolution, and a last mean.

    Pools round the resolution up, so that something is left of images below 32 pixels.
    """
    parts: list[nn.Module] = []
    in_channels = num_channels
    for count, width in STACKS:
        for _ in range(count):
            parts += [
                convolution(in_channels, width, 3),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            in_channels = width
        parts.append(nn.MaxPool2d(2, ceil_mode=True))
    features = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    initialize(features)
    return features
