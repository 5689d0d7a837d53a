"""AlexNet (Krizhevsky et al. 2012), of the widths of arXiv 1404.5997, and its form for CIFAR."""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier, initialize, is_small, last_layer_apart


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, in the form for their size.

    The 224-pixel form is torchvision's, initial weights and dropout included: in training mode it
    draws from torch's global generator. The 32-pixel form has no hidden fully connected layers
    and no dropout.
    """
    if is_small(image_shape):
        return Classifier(_small_features(image_shape[-1]), 256, num_classes)
    from torchvision.models import alexnet  # here, because the import takes a second

    network = alexnet(num_classes=num_classes)
    network.features[0] = nn.Conv2d(image_shape[-1], 64, 11, stride=4, padding=2)
    return last_layer_apart(network)


def _small_features(num_channels: int) -> nn.Sequential:
    """Return the five convolutions with a 3x3 stem of stride 2, pools of 2x2, and a last mean.

    Pools round the resolution up, so that something is left of the smallest images.
    """
    features = nn.Sequential(
        nn.Conv2d(num_channels, 64, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    initialize(features)
    return features
