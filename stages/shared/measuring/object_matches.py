"""Which of the boxes that a detector finds are an object, image by image, as COCO has it.

Our own, held against torchmetrics by a test: torchmetrics would match everything again for each
group of images that is left out (jackknife.py).

Shapes: T images; A objects found, of one image or of all, G true objects of one, I IoU thresholds.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from stages.shared.artifacts import Floats, Ints
from stages.shared.measuring.average_precision import Images

Bools = npt.NDArray[np.bool_]
Areas = tuple[float, float]  # from and to, in pixels

ALL = "all"
# As COCO has them.
AREAS: dict[str, Areas] = {
    ALL: (0, math.inf),
    "map_small": (0, 32**2),
    "map_medium": (32**2, 96**2),
    "map_large": (96**2, math.inf),
}

# As torchmetrics has them, rounded to float32.
IOU_I = torch.linspace(0.5, 0.95, 10).double().numpy()


@dataclass(frozen=True)
class Matches:
    """What was found of one class in all images, from the likeliest on."""

    image_A: Ints  # in which it was found
    is_right_AI: Bools  # whether it is an object, at each threshold
    counts_AI: Bools  # whether it is of the size that is asked for, or found for one that is
    num_T: Ints  # objects of the class and the size in each image


def match(found: Images, truth: Images, areas: Areas) -> list[Matches]:
    """Return the matches of each class that has an object, with objects of these areas."""
    labels = {label for image in truth for label in image["labels"].tolist()}
    return [_match_class(found, truth, label, areas) for label in sorted(labels)]


def _match_class(found: Images, truth: Images, label: int, areas: Areas) -> Matches:
    image_A: list[int] = []
    scores, is_right, counts, num_T = [], [], [], []
    for number, (some, objects) in enumerate(zip(found, truth, strict=True)):
        order_A = some["scores"].argsort(descending=True, stable=True)
        order_A = order_A[some["labels"][order_A] == label]
        boxes_G4 = objects["boxes"][objects["labels"] == label].double().numpy()
        boxes_A4 = some["boxes"][order_A].double().numpy()
        image_A += [number] * len(order_A)
        scores.append(some["scores"][order_A].numpy())
        is_right_AI, counts_AI = _is_right(boxes_A4, boxes_G4, areas)
        is_right.append(is_right_AI)
        counts.append(counts_AI)
        num_T.append(int(_is_within(boxes_G4, areas).sum()))
    # Equal scores stay in the order of the images.
    likeliest_A = np.argsort(-np.concatenate(scores), kind="stable")
    return Matches(
        np.array(image_A, dtype=np.int64)[likeliest_A],
        np.concatenate(is_right)[likeliest_A],
        np.concatenate(counts)[likeliest_A],
        np.array(num_T),
    )


def _is_right(boxes_A4: Floats, boxes_G4: Floats, areas: Areas) -> tuple[Bools, Bools]:
    """Return which boxes, the likeliest first, are an object that none before them is, [A, I].

    Each takes the free object with which it has most in common, at each threshold for itself; one
    of another size only where none of these sizes fits. Then it does not count, nor does a box of
    another size that is no object: which boxes count is returned beside it.
    """
    is_right_AI = np.zeros((len(boxes_A4), len(IOU_I)), dtype=np.bool_)
    counts_AI = np.repeat(_is_within(boxes_A4, areas)[:, None], len(IOU_I), axis=1)
    if not len(boxes_G4):
        return is_right_AI, counts_AI
    is_within_G = _is_within(boxes_G4, areas)
    is_free_IG = np.ones((len(IOU_I), len(boxes_G4)), dtype=np.bool_)
    every = np.arange(len(IOU_I))
    for place, iou_G in enumerate(iou(boxes_A4, boxes_G4)):
        fits_IG = is_free_IG & (iou_G >= IOU_I[:, None])
        counted_IG = fits_IG & is_within_G
        fits_IG = np.where(counted_IG.any(axis=1, keepdims=True), counted_IG, fits_IG)
        best_I = np.where(fits_IG, iou_G, -1).argmax(axis=1)
        is_taken_I = fits_IG[every, best_I]
        is_free_IG[every, best_I] &= ~is_taken_I
        is_right_AI[place] = is_taken_I & is_within_G[best_I]
        counts_AI[place] = np.where(is_taken_I, is_within_G[best_I], counts_AI[place])
    return is_right_AI, counts_AI


def _is_within(boxes_4: Floats, areas: Areas) -> Bools:
    """Return which boxes have one of these areas; both ends are in."""
    area = (boxes_4[:, 2:] - boxes_4[:, :2]).prod(axis=1)
    return (area >= areas[0]) & (area <= areas[1])


def iou(boxes_A4: Floats, boxes_G4: Floats) -> Floats:
    """Return the share that two boxes have in common of what either covers, [A, G]."""
    left_top = np.maximum(boxes_A4[:, None, :2], boxes_G4[None, :, :2])
    right_bottom = np.minimum(boxes_A4[:, None, 2:], boxes_G4[None, :, 2:])
    common_AG = np.maximum(right_bottom - left_top, 0).prod(axis=2)
    area_A, area_G = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (boxes_A4, boxes_G4))
    return common_AG / np.maximum(area_A[:, None] + area_G - common_AG, np.finfo(np.float64).tiny)
