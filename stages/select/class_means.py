"""How far candidates lie from the mean of their class.

Shapes: K candidates, D features, B candidates of a class.
"""

import numpy as np

from stages.select.rules.candidates import Candidates
from stages.shared.artifacts import Floats


def distance_to_class_mean(candidates: Candidates) -> Floats:
    """Return the Euclidean distance of each candidate from the mean of its class, float64 [K]."""
    row_K, features_ND = candidates.row_K, candidates.features_ND()
    # By random number within a class: no row number decides the last bits of a mean.
    by_class_K = np.lexsort((candidates.tie_N[row_K], candidates.target_N[row_K]))
    size_C = np.bincount(candidates.target_N[row_K])
    distance_K = np.empty(len(row_K))
    for its_B in np.split(by_class_K, np.cumsum(size_C)):
        if len(its_B):
            features_BD = features_ND[row_K[its_B]].astype(np.float64)
            distance_K[its_B] = np.linalg.norm(features_BD - features_BD.mean(axis=0), axis=1)
    return distance_K
