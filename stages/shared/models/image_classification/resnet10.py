"""ResNet-10: ResNet-18 without the second block of each stage (Chitta et al. 2020, section V)."""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier, basic, residual_network


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, in the form for their size."""
    return residual_network(basic, [1, 1, 1, 1], num_classes, image_shape)
