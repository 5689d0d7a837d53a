"""Neither the typical nor the outlying."""

import numpy as np

from stages.select.class_means import distance_to_class_mean
from stages.select.rules.candidates import Candidates, smallest_first
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """First those whose distance from the mean of their class is nearest to its median.

    Moderate coreset (Xia et al. 2023, ICLR, section 3). Means and medians are those of what
    competes.
    """
    distance_K = distance_to_class_mean(candidates)
    class_K = candidates.target_N[candidates.row_K]
    by_class_K = np.argsort(class_K, kind="stable")
    from_median_K = np.empty_like(distance_K)
    for its_K in np.split(by_class_K, np.cumsum(np.bincount(class_K))):
        if len(its_K):
            from_median_K[its_K] = np.abs(distance_K[its_K] - np.median(distance_K[its_K]))
    return smallest_first(candidates, from_median_K)
