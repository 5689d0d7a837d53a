"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360), its last layer behind the mean.

The published one has it before the mean and a ReLU, so its own last layer fits nowhere here.
"""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.library_networks import LibraryNetwork, of_torchvision

NAME = "squeezenet1_1"


def build(num_classes: int, input_shape: Sequence[int]) -> LibraryNetwork:
    """Return the network for images of shape H, W, K."""
    from torchvision.models import squeezenet1_1  # here, because the import takes a second

    network = squeezenet1_1()
    network.classifier = nn.Sequential(nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1))
    return of_torchvision(network, NAME, "classifier.1", 512, num_classes)
