"""Classification of whatever a model reads: one of C classes for each sample.

Shapes: B batch, M voters, C classes, D inputs of the last layer, R distinct samples of a subset.
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stages.shared.networks.layers import Classifier
from stages.shared.networks.task import Loss, Task
from stages.shared.settings.training_sections import Training


def features(model: Classifier, inputs_B: Any, precision: str) -> Tensor:
    """Return the input of the last layer, float32 [B, D] whatever the precision before it."""
    with torch.autocast(inputs_B.device.type, torch.bfloat16, enabled=precision == "bf16"):
        features_BD = model.features(inputs_B)
    # Rounded logits would tie samples that differ, and make sure ones equal to surer ones.
    return features_BD.float()


def forward(model: Classifier, inputs_B: Any, precision: str) -> tuple[Tensor, Tensor]:
    """Return features [B, D] and logits [B, C], both float32.

    Under bf16 the last layer still runs in float32.
    """
    features_BD = features(model, inputs_B, precision)
    return features_BD, model.classifier(features_BD)


def losses(
    settings: Training, num_classes: int, targets_R: Tensor, copies_R: Tensor
) -> tuple[Loss, Loss]:
    """Return the losses to train and to validate by; which classes the subset holds is no matter.

    Labels are smoothed in training alone.
    """
    del num_classes, targets_R, copies_R
    return partial(loss, label_smoothing=settings.label_smoothing), partial(loss, label_smoothing=0)


def loss(logits_BC: Tensor, targets_B: Tensor, label_smoothing: float) -> Tensor:
    """Return the mean cross-entropy of the batch, in nats."""
    return F.cross_entropy(logits_BC, targets_B, label_smoothing=label_smoothing)


def loss_gradient(logits_BC: Tensor, targets_B: Tensor) -> Tensor:
    """Return the gradient of each sample's cross-entropy by its logits, p - y, float64 [B, C].

    Labels are not smoothed. The true class has minus the sum of the others: p - 1 would lose its
    digits where p is near 1, and there the samples are many.
    """
    is_true_BC = F.one_hot(targets_B, logits_BC.shape[1]).bool()
    probs_BC = logits_BC.double().softmax(dim=1)
    others_BC = probs_BC.masked_fill(is_true_BC, 0)
    return torch.where(is_true_BC, -others_BC.sum(dim=1, keepdim=True), others_BC)


def right_and_all(outputs_BC: Tensor, targets_B: Tensor) -> Tensor:
    """Return how many of the batch are right and how many there are, int64 [2].

    Of logits or of probabilities; their sums over the batches give the accuracy.
    """
    right_B = is_right(outputs_BC, targets_B).long()
    return torch.stack([right_B.sum(), torch.ones_like(right_B).sum()])


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


def is_right(logits_BC: Tensor, targets_B: Tensor) -> Tensor:
    """Return which of the batch are right, bool [B]; equal logits predict the lowest class."""
    return logits_BC.argmax(dim=1) == targets_B


def true_margin(logits_BC: Tensor, targets_B: Tensor) -> Tensor:
    """Return the logit of the true class minus the largest of the others [B]."""
    target_B1 = targets_B[:, None]
    others_BC = logits_BC.scatter(1, target_B1, float("-inf"))
    return logits_BC.gather(1, target_B1)[:, 0] - others_BC.amax(dim=1)


def label_probability(logits_BC: Tensor, targets_B: Tensor) -> Tensor:
    """Return the probability of the true class, float32 [B] in [0, 1]."""
    return probabilities(logits_BC).gather(1, targets_B[:, None])[:, 0]


def error_length(logits_BC: Tensor, targets_B: Tensor) -> Tensor:
    """Return the l2 norm of probabilities minus one-hot label, float32 [B] in [0, sqrt 2]."""
    return torch.linalg.vector_norm(loss_gradient(logits_BC, targets_B), dim=1).float()


def last_layer_gradient_norm(
    model: Classifier, inputs_B: Any, targets_B: Tensor, precision: str
) -> Tensor:
    """Return the l2 norm of each loss's gradient by the last layer's weights, float32 [B]."""
    features_BD = features(model, inputs_B, precision)
    r_BC = loss_gradient(model.classifier(features_BD), targets_B)
    return outer_product_norm(r_BC, features_BD.double(), 2.0).float()


def outer_product_norm(r_BC: Tensor, h_BD: Tensor, order: float) -> Tensor:
    """Return the norm of each sample's outer product of r and h, over all its entries [B].

    It is the product of their norms, for l1, l2 and linf. With r the loss's gradient by the logits
    and h the last layer's input, the outer product is the gradient by the last layer's weights
    (Vodrahalli et al. 2018, arXiv 1811.12569).
    """
    return torch.linalg.vector_norm(r_BC, order, dim=1) * (
        torch.linalg.vector_norm(h_BD, order, dim=1)
    )


class Classification(Task):
    """A task with one label for each sample: also what dynamics and gradients look at."""

    features = staticmethod(features)
    forward = staticmethod(forward)
    losses = staticmethod(losses)
    loss = staticmethod(loss)
    loss_gradient = staticmethod(loss_gradient)
    right_and_all = staticmethod(right_and_all)
    probabilities = staticmethod(probabilities)
    signals = staticmethod(signals)
    entropy = staticmethod(entropy)
    is_right = staticmethod(is_right)
    true_margin = staticmethod(true_margin)
    error_length = staticmethod(error_length)
    label_probability = staticmethod(label_probability)
    last_layer_gradient_norm = staticmethod(last_layer_gradient_norm)
    outer_product_norm = staticmethod(outer_product_norm)


def labelled(task: Task) -> Classification:
    """Return a task whose samples have one label each, which params.yaml was checked for."""
    assert isinstance(task, Classification)
    return task
