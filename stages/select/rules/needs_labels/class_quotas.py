"""The more of a class, the less of it the ensemble recognises."""

import numpy as np

from stages.select.rules.candidates import Candidates, smallest_first
from stages.shared.artifacts import Ints
from stages.shared.choosing.sampling import nth_of_class


def order(candidates: Candidates) -> Ints:
    """At random within each class, the classes in proportion to what they lack in recall.

    DRoP (Vysogorets et al. 2025, arXiv 2404.05579, section 4): the quota of a class is one minus
    its recall on validation, and what a class cannot fill goes to the others. The r-th of a class
    (from 0, after the `a` that are kept) has the key (a + r + 1/2) / (1 - recall), and the smallest
    come first, so that every first part of the order has the classes in that proportion.
    """
    class_K = candidates.target_N[candidates.row_K]
    lack_C = 1 - candidates.recall_C()
    taken_C = np.bincount(candidates.target_N[candidates.kept_P], minlength=len(lack_C))
    by_tie_K = np.argsort(candidates.random_N("ties")[candidates.row_K], kind="stable")
    nth_K = np.empty(len(class_K), dtype=np.int64)
    nth_K[by_tie_K] = nth_of_class(class_K[by_tie_K], taken_C)
    return smallest_first(candidates, (nth_K + 0.5) / lack_C[class_K])
