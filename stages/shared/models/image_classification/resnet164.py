"""ResNet-164 for images of 32 pixels: pre-activation, 18 bottleneck blocks in each of three stages.

He et al. 2016b (arXiv 1603.05027, section 4).
"""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier, PreActivationResNet, bottleneck


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K; it is the same for every H and W."""
    features = PreActivationResNet(bottleneck, [18, 18, 18], [16, 32, 64], image_shape[-1])
    return Classifier(features, features.num_features, num_classes)
