"""What a detector learns: where the boxes of each class have their centres, and the boxes.

Shapes: B images, R distinct images of a subset, G places for objects, C classes, H x W positions.
"""

from functools import partial

import torch.nn.functional as F
from torch import Tensor

from stages.shared.networks.task import Loss
from stages.shared.settings.training_sections import Training
from stages.shared.tasks.object_detection.box_targets import Boxes
from stages.shared.tasks.object_detection.maps import at_cells, box_values, cells, class_maps

BOX_WEIGHT = 2.0  # of the boxes' error beside the cross-entropy of the positions
BOX_BETA = 0.1  # strides, or logarithm: where the error of a box turns from square to linear


def losses(
    settings: Training, num_classes: int, boxes_R: Boxes, copies_R: Tensor
) -> tuple[Loss, Loss]:
    """Return the losses to train and to validate by: one, weighted by the boxes of the subset."""
    del settings
    weights_C = class_weights(boxes_R.counts_by_class(num_classes, copies_R), int(copies_R.sum()))
    same = partial(loss, weights_C=weights_C)
    return same, same


def class_weights(counts_C: Tensor, num_images: int) -> Tensor:
    """Return 1 / (C x boxes of the class for each image), float32 [C].

    The inverse frequency of the boxes (Chitta et al. 2020, section 5): every class weighs as much
    as another, and the objects of an image weigh 1 in the mean. A class without a box weighs as
    much as the rarest that has some: more, and models would be sure above all that it is nowhere.
    """
    least = counts_C.masked_fill(counts_C == 0, int(counts_C.max().clamp(min=1))).min()
    return num_images / (len(counts_C) * counts_C.clamp(min=int(least))).float()


def loss(outputs_BKHW: Tensor, boxes: Boxes, weights_C: Tensor) -> Tensor:
    """Return the mean over the images of the loss of their positions and of their boxes."""
    num_classes = len(weights_C)
    targets_BCHW = class_maps(boxes, num_classes)
    positions = positions_loss(outputs_BKHW[:, :num_classes], targets_BCHW, weights_C)
    return (positions + BOX_WEIGHT * box_loss(outputs_BKHW, boxes, weights_C)) / len(boxes)


def positions_loss(logits_BCHW: Tensor, targets_BCHW: Tensor, weights_C: Tensor) -> Tensor:
    """Return the sum of the binary cross-entropies, in nats, each with the weight of its class.

    A class's weight is that of all its positions, so that probabilities stay what they say: a
    heavier yes alone would make rare classes seem likelier than they are.
    """
    loss_BCHW = F.binary_cross_entropy_with_logits(logits_BCHW, targets_BCHW, reduction="none")
    return loss_BCHW.sum(dim=(0, 2, 3)) @ weights_C


def box_loss(outputs_BKHW: Tensor, boxes: Boxes, weights_C: Tensor) -> Tensor:
    """Return the sum of the smooth l1 distances of the boxes, each with the weight of its class.

    What the position of an object's centre says is held against its box; other positions are free.
    """
    found_BG4 = at_cells(outputs_BKHW[:, len(weights_C) :], cells(boxes))
    distance_BG4 = F.smooth_l1_loss(found_BG4, box_values(boxes), reduction="none", beta=BOX_BETA)
    weights_BG = weights_C[boxes.classes_NG] * boxes.is_there_NG
    return (distance_BG4.sum(dim=2) * weights_BG).sum()
