"""ResNet-8: three pre-activation blocks of 16, 32 and 64 channels, for images of 8 to 32 pixels."""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier, PreActivationResNet, basic


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K; it is the same for every H and W."""
    features = PreActivationResNet(basic, [1, 1, 1], [16, 32, 64], image_shape[-1])
    return Classifier(features, features.num_features, num_classes)
