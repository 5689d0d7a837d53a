"""Which candidates count as outliers (Chitta et al. 2020, outlier experiments).

`select` skips them, `report` shows them.

Shapes: K candidates, M voters.
"""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts import Array

Mask = npt.NDArray[np.bool_]


def num_highest(fraction: float, num_train: int) -> int:
    """Return how many of the highest-scored are skipped: floor(fraction * num_train)."""
    # As the fraction is written: 0.29 of 100 samples are 29, in floating point 28.999...
    return int(Fraction(str(fraction)) * num_train)


def all_different(votes_MK: Array) -> Mask:
    """Mark the candidates that got as many different votes as there are voters, bool [K]."""
    votes_MK = np.sort(votes_MK, axis=0)
    is_outlier_K = np.ones(votes_MK.shape[1], dtype=np.bool_)
    for lower_K, upper_K in pairwise(votes_MK):
        is_outlier_K &= lower_K != upper_K
    return is_outlier_K
