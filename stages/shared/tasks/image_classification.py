"""Image classification: one of C classes for each image.

Shapes: B batch, M voters, C classes, K x H x W channels and pixels, D inputs of the last layer.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from stages.shared.layers import Classifier


def logits(model: Classifier, inputs_BKHW: Tensor, precision: str) -> Tensor:
    """Return the float32 logits [B, C]; under bf16 the last layer still runs in float32."""
    with torch.autocast(inputs_BKHW.device.type, torch.bfloat16, enabled=precision == "bf16"):
        features_BD = model.features(inputs_BKHW)
    # Rounded logits would tie samples that differ, and make sure ones equal to surer ones.
    return model.classifier(features_BD.float())


def loss(logits_BC: Tensor, targets_B: Tensor, label_smoothing: float) -> Tensor:
    """Return the mean cross-entropy of the batch, in nats."""
    return F.cross_entropy(logits_BC, targets_B, label_smoothing=label_smoothing)


def num_correct(logits_BC: Tensor, targets_B: Tensor) -> Tensor:
    """Return how many of the batch are right, a scalar on the same device."""
    return (logits_BC.argmax(dim=1) == targets_B).sum()


def probabilities(logits_BC: Tensor) -> Tensor:
    """Return the class probabilities in float32, rows sum to 1."""
    return logits_BC.float().softmax(dim=1)


def signals(probs_MBC: Tensor, targets_B: Tensor) -> dict[str, Tensor]:
    """Reduce the voters' probabilities to what the acquisition functions read.

    Probabilities are averaged, never logits, and all sums run in float64. Entropies are in nats:
    0 <= expected <= predictive <= log C. `votes` and `predicted_class` are int16; equal
    probabilities vote for the lowest class.
    """
    probs_MBC = probs_MBC.double()
    mean_BC = probs_MBC.mean(dim=0)
    top_B2 = mean_BC.topk(2, dim=1).values
    return {
        "votes_MN": probs_MBC.argmax(dim=2).short(),
        "predicted_class_N": mean_BC.argmax(dim=1).short(),
        "predictive_entropy_N": entropy(mean_BC).float(),
        "expected_entropy_N": entropy(probs_MBC).mean(dim=0).float(),
        "confidence_N": top_B2[:, 0].float(),
        "margin_N": (top_B2[:, 0] - top_B2[:, 1]).float(),
        "label_probability_N": mean_BC.gather(1, targets_B[:, None])[:, 0].float(),
    }


def entropy(probs_C: Tensor) -> Tensor:
    """Return -sum p log p over the last dimension, in nats; p = 0 adds 0."""
    return torch.special.entr(probs_C).sum(dim=-1)
