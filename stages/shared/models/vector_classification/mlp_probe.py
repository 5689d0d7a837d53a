"""A hidden layer of 512 units with dropout; members of an ensemble differ more than linear ones."""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier, initialize

HIDDEN = 512
DROPOUT = 0.2  # share of the hidden units that a training step leaves out


def build(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return the head for vectors of D numbers."""
    (num_inputs,) = input_shape
    features = nn.Sequential(nn.Linear(num_inputs, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT))
    initialize(features)
    return Classifier(features, HIDDEN, num_classes)
