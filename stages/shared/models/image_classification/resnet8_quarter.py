"""ResNet-8 at a quarter of its operations: a stem of stride 2 before the same blocks.

A proxy for images of 8 to 32 pixels. Half the channels would cost as little, but 8 of them are
fewer than a processor's vector units compute at once.
"""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier, PreActivationResNet, basic


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K; it is the same for every H and W."""
    features = PreActivationResNet(basic, [1, 1, 1], [16, 32, 64], image_shape[-1], stem_stride=2)
    return Classifier(features, features.num_features, num_classes)
