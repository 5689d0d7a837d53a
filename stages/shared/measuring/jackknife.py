"""How much a metric owes to some of the samples: pseudo-values of samples, or of groups of them.

A metric that is no mean over samples has no error of its own, and paired differences need one:
each sample, or group of samples, is left out in turn (Efron and Tibshirani 1993, An Introduction to
the Bootstrap, chapter 11). Of classes only counts change by a sample. What detectors find is
matched with the truth once, image by image, and only what follows is repeated (object_matches.py).

Shapes: T samples, C classes, U pairs of label and prediction; A objects found in all images, I IoU
thresholds.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from stages.shared.artifacts import Floats, Ints
from stages.shared.measuring.average_precision import Images, weighted
from stages.shared.measuring.object_matches import (
    ALL,
    AREAS,
    IOU_I,
    Bools,
    Matches,
    match,
)
from stages.shared.samples.randomness import permutation_by_id

NUM_GROUPS = 20

# As torchmetrics has them, rounded to float32: a recall may equal one of them.
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


def of_matches(matches: Mapping[str, Sequence[Matches]], groups_T: Ints) -> dict[str, Floats]:
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
