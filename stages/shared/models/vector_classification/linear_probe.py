"""A linear layer on the vector itself: how far its classes lie apart."""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier


def build(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return the head for vectors of D numbers, of which its features are these numbers."""
    (num_features,) = input_shape
    return Classifier(nn.Identity(), num_features, num_classes)
