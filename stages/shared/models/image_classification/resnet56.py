"""ResNet-56 for images of 32 pixels: pre-activation, 9 basic blocks in each of three stages.

The depth is that of He et al. 2016 (arXiv 1512.03385, section 4.2), the blocks those of He et al.
2016b (arXiv 1603.05027).
"""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier, PreActivationResNet, basic


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K; it is the same for every H and W."""
    features = PreActivationResNet(basic, [9, 9, 9], [16, 32, 64], image_shape[-1])
    return Classifier(features, features.num_features, num_classes)
