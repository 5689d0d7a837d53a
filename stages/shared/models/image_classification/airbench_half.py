"""`airbench` with half of the channels, for 0.28 of the operations."""

from collections.abc import Sequence

from stages.shared.networks.convolution_groups import convolution_groups
from stages.shared.networks.layers import Classifier


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K."""
    return convolution_groups([32, 128, 128], num_classes, image_shape)
