"""The five-layer CNN for CIFAR-10 (Vodrahalli et al. 2018, section 4.2).

The paper says no more of it than its number of layers. Here it is plain: three 3x3 convolutions of
32, 64 and 128 channels, each with 2x2 max pooling, and two fully connected layers, 256 units
between them.
"""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier, initialize

NUM_HIDDEN = 256


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, of 8 pixels or more each way."""
    height, width, num_channels = image_shape
    parts: list[nn.Module] = []
    for in_channels, out_channels in [(num_channels, 32), (32, 64), (64, 128)]:
        parts += [
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        ]
    num_positions = (height // 8) * (width // 8)
    hidden = nn.Linear(num_positions * 128, NUM_HIDDEN)
    features = nn.Sequential(*parts, nn.Flatten(), hidden, nn.ReLU(inplace=True))
    initialize(features)
    return Classifier(features, NUM_HIDDEN, num_classes)
