"""Text classification: characters or words, as a model asks for them; cross-entropy."""

from stages.shared.networks.batches import load_targets
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
from stages.shared.tasks.text_classification.text_batches import (
    as_inputs,
    example,
    load_samples,
    read_batches,
)

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
