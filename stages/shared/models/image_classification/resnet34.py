"""ResNet-34 (He et al. 2016, arXiv 1512.03385, Table 1)."""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier, basic, residual_network


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, in the form for their size."""
    return residual_network(basic, [3, 4, 6, 3], num_classes, image_shape)
