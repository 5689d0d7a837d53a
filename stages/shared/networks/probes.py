"""Probes: small classifiers of vectors, such as embeddings.

Shapes: D numbers of a vector.
"""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier, initialize

HIDDEN = 512
DROPOUT = 0.2  # share of the hidden units that a training step leaves out


def linear_probe(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return a linear layer on the vector itself, whose D numbers are its features."""
    (num_features,) = input_shape
    return Classifier(nn.Identity(), num_features, num_classes)


def mlp_probe(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return a hidden layer of 512 units with dropout, which are its features."""
    (num_inputs,) = input_shape
    features = nn.Sequential(nn.Linear(num_inputs, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT))
    initialize(features)
    return Classifier(features, HIDDEN, num_classes)
