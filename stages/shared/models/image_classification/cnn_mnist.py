"""Two convolutions and two fully connected layers (Vodrahalli et al. 2018, section 4.1).

The paper names no sizes. These are those of McMahan et al. 2017 (arXiv 1602.05629, section 3) for
MNIST: 5x5 convolutions of 32 and 64 channels, each with 2x2 max pooling, and 512 hidden units.
"""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier, initialize

NUM_HIDDEN = 512


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, of 4 pixels or more each way."""
    height, width, num_channels = image_shape
    features = nn.Sequential(
        nn.Conv2d(num_channels, 32, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear((height // 4) * (width // 4) * 64, NUM_HIDDEN),
        nn.ReLU(inplace=True),
    )
    initialize(features)
    return Classifier(features, NUM_HIDDEN, num_classes)
