"""DenseNet-121 (Huang et al. 2017, arXiv 1608.06993, Table 1)."""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier, convolution, initialize, is_small
from stages.shared.networks.preprocessing import show_the_middle


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K, in the form for their size."""
    from torchvision.models import densenet  # here, because the import takes a second

    features = densenet.DenseNet(growth_rate=32, block_config=(6, 12, 24, 16))
    num_features = features.classifier.in_features
    features.classifier = nn.Identity()
    small = is_small(image_shape)
    if small:
        # The first dense layer normalises its own input, so the stem is a convolution alone.
        features.features.conv0 = convolution(image_shape[-1], 64, 3)
        for name in ("norm0", "relu0", "pool0"):
            delattr(features.features, name)
    else:
        features.features.conv0 = convolution(image_shape[-1], 64, 7, stride=2)
    initialize(features)
    network = Classifier(features, num_features, num_classes)
    network.preprocessing = None if small else show_the_middle(features)
    return network
