"""How much a metric owes to some of the samples: pseudo-values of samples, or of groups of them.

A metric that is no mean over samples has no error of its own, and paired differences need one:
each sample, or group of samples, is left out in turn (Efron and Tibshirani 1993, An Introduction to
the Bootstrap, chapter 11). Of classes only counts change by a sample. What detectors find is
matched with the truth once, image by image, and only what follows is repeated. Matching is our own
here, held against torchmetrics by a test: torchmetrics would match everything again for each group.

Shapes: T samples, C classes, U pairs of label and prediction; A objects found, of one image or of
all, G true objects of one, I IoU thresholds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from stages.shared.artifacts import Floats, Ints
from stages.shared.measuring.average_precision import Images, weighted
from stages.shared.samples.randomness import permutation_by_id

NUM_GROUPS = 20

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

# As torchmetrics has them, rounded to float32: a recall may equal one of them.
IOU_I = torch.linspace(0.5, 0.95, 10).double().numpy()
RECALL = torch.linspace(0.0, 1.0, 101).double().numpy()


def groups(sample_ids: Sequence[str], group_T: Ints | None = None) -> Ints:
    """Return to which of at most 20 groups of nearly equal size each image belongs, int64 [T].

    Decided by the images' ids alone: the same for every model and every random seed.

    Args:
        sample_ids: of the images.
        group_T: the user's group of each image, from 0 on: none is divided.
    """
    first_U, unit_T = np.arange(len(sample_ids)), np.arange(len(sample_ids))
    if group_T is not None:
        first_U, unit_T = np.unique(group_T, return_index=True)[1], group_T
    of_units_U = np.empty(len(first_U), dtype=np.int64)
    order_U = permutation_by_id([sample_ids[row] for row in first_U.tolist()], 0, "jackknife")
    of_units_U[order_U] = np.arange(len(first_U)) % NUM_GROUPS
    return of_units_U[unit_T]


def pseudo_values(whole: float, without: Floats) -> Floats:
    """Return the pseudo-value of each part, float64; their mean is the metric itself.

    A part's is m + (n - 1) (mean of the m(p) - m(p)), with m of all samples, m(p) of all but part
    p, and n parts. Usual ones, n m - (n - 1) m(p), have the jackknife's estimate free of bias as
    their mean; these are shifted by the bias, so that they belong to the number that is reported.
    Their variance, and that of their differences, is the same.

    Args:
        whole: the metric of all samples.
        without: the metric without each part.
    """
    return whole + (len(without) - 1) * (without.mean() - without)


# --- classes -------------------------------------------------------------------------------------


def of_classes(metric: str, predicted_T: Ints, targets_T: Ints) -> Floats:
    """Return the pseudo-value of each sample, float64 [T], of balanced_accuracy or macro_f1.

    Both are means of a share of counts over the classes that are present: recall, tp / (tp + fn),
    and F1, 2 tp / (2 tp + fp + fn).
    """
    tp_C, fp_C, fn_C = _counts(predicted_T, targets_T)
    share_C, counts_C = _share(metric, tp_C, fp_C, fn_C)
    whole, present = share_C.sum(), counts_C.sum()
    # Samples of one class that are predicted as one class are alike: U such pairs.
    pairs_U2, of_T = np.unique(np.stack([targets_T, predicted_T], 1), axis=0, return_inverse=True)
    label_U, other_U = pairs_U2.T
    wrong_U = label_U != other_U
    here = _share(metric, tp_C[label_U] - ~wrong_U, fp_C[label_U], fn_C[label_U] - wrong_U)
    there = _share(metric, tp_C[other_U], fp_C[other_U] - wrong_U, fn_C[other_U])
    sums, counts = (
        total - old_C[label_U] + new_U + wrong_U * (new_there_U - old_C[other_U].astype(np.float64))
        for total, old_C, new_U, new_there_U in zip(
            (whole, present), (share_C, counts_C), here, there, strict=True
        )
    )
    return pseudo_values(whole / present, (sums / np.maximum(counts, 1))[of_T.reshape(-1)])


def mean_over_classes(metric: str, predicted_T: Ints, targets_T: Ints) -> float:
    """Return balanced_accuracy or macro_f1 in [0, 1]: of a class without samples neither is known.

    The bits are those of scikit-learn.
    """
    share_C, is_present_C = _share(metric, *_counts(predicted_T, targets_T))
    return float(share_C[is_present_C > 0].mean())


def _counts(predicted_T: Ints, targets_T: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the true and false positives and the false negatives of each class, int64 [C]."""
    num = 1 + max(int(predicted_T.max()), int(targets_T.max()))
    tp_C = np.bincount(targets_T[predicted_T == targets_T], minlength=num)
    fp_C = np.bincount(predicted_T, minlength=num) - tp_C
    fn_C = np.bincount(targets_T, minlength=num) - tp_C
    return tp_C, fp_C, fn_C


def _share(metric: str, tp: Ints, fp: Ints, fn: Ints) -> tuple[Floats, Ints]:
    """Return the share of each class, 0 where it is absent, and whether it is present, 0 or 1."""
    right, of = (tp, tp + fn) if metric == "balanced_accuracy" else (2 * tp, 2 * tp + fp + fn)
    is_present = tp + fn > 0
    return np.where(is_present, right / np.maximum(of, 1), 0.0), is_present.astype(np.int64)


# --- objects -------------------------------------------------------------------------------------


def of_objects(found: Images, truth: Images, groups_T: Ints) -> dict[str, Floats]:
    """Return the pseudo-value of each group of images, by metric of `average_precision`."""
    return of_matches({size: match(found, truth, areas) for size, areas in AREAS.items()}, groups_T)


def of_matches(matches: Mapping[str, Sequence["Matches"]], groups_T: Ints) -> dict[str, Floats]:
    """Return the same of what is matched already, by size."""
    num = int(groups_T.max()) + 1
    whole = precisions(matches, np.ones(len(groups_T), dtype=np.bool_))
    without = [precisions(matches, groups_T != group) for group in range(num)]
    return {
        name: pseudo_values(value, np.array([values[name] for values in without]))
        for name, value in whole.items()
    }


def of_all_sizes(found: Images, truth: Images, groups_T: Ints) -> Floats:
    """Return the pseudo-value of each group of images, of mean average precision alone."""
    matches = match(found, truth, AREAS[ALL])

    def precision(is_kept_T: Bools) -> float:
        of_thresholds_I = mean_precision(matches, is_kept_T)
        return 0.0 if of_thresholds_I is None else float(of_thresholds_I.mean())

    without = [precision(groups_T != group) for group in range(int(groups_T.max()) + 1)]
    return pseudo_values(precision(np.ones(len(truth), dtype=np.bool_)), np.array(without))


@dataclass(frozen=True)
class Matches:
    """What was found of one class in all images, from the likeliest on."""

    image_A: Ints  # in which it was found
    is_right_AI: Bools  # whether it is an object, at each threshold
    counts_AI: Bools  # whether it is of the size that is asked for, or found for one that is
    num_T: Ints  # objects of the class and the size in each image


def precisions(matches: Mapping[str, Sequence[Matches]], is_kept_T: Bools) -> dict[str, float]:
    """Return the three metrics over some of the images, in [0, 1]; 0 without any object."""
    by_size = {size: mean_precision(found, is_kept_T) for size, found in matches.items()}
    whole_I = by_size.pop(ALL)
    sizes = {size: -1.0 if of_I is None else float(of_I.mean()) for size, of_I in by_size.items()}
    return {
        "whole": 0.0 if whole_I is None else float(whole_I.mean()),
        "at_50": 0.0 if whole_I is None else float(whole_I[0]),
        "weighted": 0.0 if whole_I is None else weighted(sizes),
    }


def mean_precision(matches: Sequence[Matches], is_kept_T: Bools) -> Floats | None:
    """Return mean average precision at each threshold, over some images; None without objects."""
    present = [one for one in matches if one.num_T[is_kept_T].any()]
    if not present:
        return None
    return np.mean([_average_precision(one, is_kept_T) for one in present], axis=0)


def _average_precision(matches: Matches, is_kept_T: Bools) -> Floats:
    """Return at each threshold the mean over 101 recalls of the best precision from there on."""
    is_kept_A = is_kept_T[matches.image_A]
    right_AI = matches.is_right_AI[is_kept_A].cumsum(axis=0)
    precision_AI = right_AI / np.maximum(matches.counts_AI[is_kept_A].cumsum(axis=0), 1)
    best_AI = np.maximum.accumulate(precision_AI[::-1])[::-1]
    recall_AI = right_AI / matches.num_T[is_kept_T].sum()
    total_I = np.zeros(len(IOU_I))
    for place, (recall_A, best_A) in enumerate(zip(recall_AI.T, best_AI.T, strict=True)):
        reached = np.searchsorted(recall_A, RECALL)
        total_I[place] = best_A[reached[reached < len(best_A)]].sum()
    return total_I / len(RECALL)


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
