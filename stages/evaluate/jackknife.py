"""How much mean average precision owes to some of the images: pseudo-values of groups of them.

It is no mean over images, so paired errors need another way: each group of images is left out in
turn (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 11). What is found is
matched with the truth once, image by image; only what follows is repeated. Matching is our own
here, held against torchmetrics by a test: torchmetrics would match everything again for each group.

Shapes: T images, A objects found, of one image or of all, G true objects of one, I IoU thresholds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.evaluate.average_precision import Images
from stages.shared.artifacts import Floats, Ints
from stages.shared.samples.randomness import permutation_by_id

NUM_GROUPS = 20

Bools = npt.NDArray[np.bool_]

# As torchmetrics has them, rounded to float32: a recall may equal one of them.
IOU_I = torch.linspace(0.5, 0.95, 10).double().numpy()
RECALL = torch.linspace(0.0, 1.0, 101).double().numpy()


def groups(sample_ids: Sequence[str]) -> Ints:
    """Return to which of at most 20 groups of nearly equal size each image belongs, int64 [T].

    Decided by the images' ids alone: the same for every model and every random seed.
    """
    num = len(sample_ids)
    groups_T = np.empty(num, dtype=np.int64)
    groups_T[permutation_by_id(sample_ids, 0, "jackknife")] = np.arange(num) % NUM_GROUPS
    return groups_T


def pseudo_values(found: Images, truth: Images, groups_T: Ints) -> Floats:
    """Return the pseudo-value of each group, float64; their mean is mean average precision itself.

    A group's is m + (n - 1) (mean of the m(g) - m(g)), with m of all images, m(g) of all but group
    g, and n groups. Usual ones, n m - (n - 1) m(g), have the jackknife's estimate free of bias as
    their mean; these are shifted by the bias, so that they belong to the number that is reported.
    Their variance, and that of their differences, is the same.
    """
    matches = match(found, truth)
    num = int(groups_T.max()) + 1
    whole = mean_precision(matches, np.ones(len(truth), dtype=np.bool_))
    without = np.array([mean_precision(matches, groups_T != group) for group in range(num)])
    return whole + (num - 1) * (without.mean() - without)


@dataclass(frozen=True)
class Matches:
    """What was found of one class in all images, from the likeliest on."""

    image_A: Ints  # in which it was found
    is_right_AI: Bools  # whether it is an object, at each threshold
    num_T: Ints  # objects of the class in each image


def mean_precision(matches: Sequence[Matches], is_kept_T: Bools) -> float:
    """Return mean average precision over some of the images, in [0, 1]; 0 without any object."""
    present = [one for one in matches if one.num_T[is_kept_T].any()]
    if not present:
        return 0.0
    return float(np.mean([_average_precision(one, is_kept_T) for one in present]))


def _average_precision(matches: Matches, is_kept_T: Bools) -> float:
    """Return the mean over thresholds and 101 recalls of the best precision from that recall on."""
    right_AI = matches.is_right_AI[is_kept_T[matches.image_A]].cumsum(axis=0)
    precision_AI = right_AI / np.arange(1, len(right_AI) + 1)[:, None]
    best_AI = np.maximum.accumulate(precision_AI[::-1])[::-1]
    recall_AI = right_AI / matches.num_T[is_kept_T].sum()
    total = 0.0
    for recall_A, best_A in zip(recall_AI.T, best_AI.T, strict=True):
        reached = np.searchsorted(recall_A, RECALL)
        total += best_A[reached[reached < len(best_A)]].sum()
    return total / (len(IOU_I) * len(RECALL))


def match(found: Images, truth: Images) -> list[Matches]:
    """Return the matches of each class that has an object."""
    labels = {label for image in truth for label in image["labels"].tolist()}
    return [_match_class(found, truth, label) for label in sorted(labels)]


def _match_class(found: Images, truth: Images, label: int) -> Matches:
    image_A: list[int] = []
    scores, is_right, num_T = [], [], []
    for number, (some, objects) in enumerate(zip(found, truth, strict=True)):
        order_A = some["scores"].argsort(descending=True, stable=True)
        order_A = order_A[some["labels"][order_A] == label]
        boxes_G4 = objects["boxes"][objects["labels"] == label]
        image_A += [number] * len(order_A)
        scores.append(some["scores"][order_A].numpy())
        is_right.append(_is_right(some["boxes"][order_A], boxes_G4))
        num_T.append(len(boxes_G4))
    # Equal scores stay in the order of the images.
    likeliest_A = np.argsort(-np.concatenate(scores), kind="stable")
    return Matches(
        np.array(image_A, dtype=np.int64)[likeliest_A],
        np.concatenate(is_right)[likeliest_A],
        np.array(num_T),
    )


def _is_right(boxes_A4: Tensor, boxes_G4: Tensor) -> Bools:
    """Return which boxes, the likeliest first, are an object that none before them is, [A, I].

    Each takes the free object with which it has most in common, at each threshold for itself.
    """
    is_right_AI = np.zeros((len(boxes_A4), len(IOU_I)), dtype=np.bool_)
    if not len(boxes_G4):
        return is_right_AI
    is_free_IG = np.ones((len(IOU_I), len(boxes_G4)), dtype=np.bool_)
    every = np.arange(len(IOU_I))
    for place, iou_G in enumerate(iou(boxes_A4.double().numpy(), boxes_G4.double().numpy())):
        fits_IG = is_free_IG & (iou_G >= IOU_I[:, None])
        best_I = np.where(fits_IG, iou_G, -1).argmax(axis=1)
        is_right_AI[place] = fits_IG[every, best_I]
        is_free_IG[every, best_I] &= ~is_right_AI[place]
    return is_right_AI


def iou(boxes_A4: Floats, boxes_G4: Floats) -> Floats:
    """Return the share that two boxes have in common of what either covers, [A, G]."""
    left_top = np.maximum(boxes_A4[:, None, :2], boxes_G4[None, :, :2])
    right_bottom = np.minimum(boxes_A4[:, None, 2:], boxes_G4[None, :, 2:])
    common_AG = np.maximum(right_bottom - left_top, 0).prod(axis=2)
    area_A, area_G = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (boxes_A4, boxes_G4))
    return common_AG / np.maximum(area_A[:, None] + area_G - common_AG, np.finfo(np.float64).tiny)
