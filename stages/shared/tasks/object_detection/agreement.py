"""How far yes and no at the positions of a map are right: F1, which counts no easy no.

Shapes: B images, K = C classes and the values of a box, H x W positions.
"""

import torch
from torch import Tensor

from stages.shared.tasks.object_detection.box_targets import Boxes
from stages.shared.tasks.object_detection.maps import NUM_BOX_VALUES, class_maps


def right_and_all(outputs_BKHW: Tensor, boxes: Boxes) -> Tensor:
    """Return numerator and denominator of the F1 of a model's outputs, int64 [2].

    Twice the right yes, and twice the right yes with the wrong yes and the wrong no. Summed over
    batches their ratio is the F1 of all positions and classes, yes being above one half.
    """
    return _counts(outputs_BKHW, 0.0, boxes)


def right_and_all_by_probability(maps_BKHW: Tensor, boxes: Boxes) -> Tensor:
    """Return the same of probabilities."""
    return _counts(maps_BKHW, 0.5, boxes)


def _counts(maps_BKHW: Tensor, least: float, boxes: Boxes) -> Tensor:
    is_yes_BCHW = maps_BKHW[:, :-NUM_BOX_VALUES] > least
    is_true_BCHW = class_maps(boxes, is_yes_BCHW.shape[1]).bool()
    num_right = (is_yes_BCHW & is_true_BCHW).sum()
    return torch.stack([2 * num_right, is_yes_BCHW.sum() + is_true_BCHW.sum()])
