"""ResNet-101 (He et al. 2016, arXiv 1512.03385, Table 1)."""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier, bottleneck, residual_network


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, in the form for their size."""
    return residual_network(bottleneck, [3, 4, 23, 3], num_classes, image_shape)
