"""Image classification: uint8 images on the device, normalised; cross-entropy."""

from stages.shared.networks.batches import example, load_samples, load_targets, read_batches
from stages.shared.networks.batches import normalise as as_inputs
from stages.shared.networks.classification import (
    entropy,
    error_length,
    features,
    forward,
    is_right,
    last_layer_gradient_norm,
    loss,
    loss_gradient,
    losses,
    moved,
    outer_product_norm,
    probabilities,
    right_and_all,
    signals,
    true_margin,
)
from stages.shared.networks.classification import right_and_all as right_and_all_by_probability

__all__ = [
    "as_inputs",
    "entropy",
    "error_length",
    "example",
    "features",
    "forward",
    "is_right",
    "last_layer_gradient_norm",
    "load_samples",
    "load_targets",
    "loss",
    "loss_gradient",
    "losses",
    "moved",
    "outer_product_norm",
    "probabilities",
    "read_batches",
    "right_and_all",
    "right_and_all_by_probability",
    "signals",
    "true_margin",
]
