"""The kept sample that a sample is most like, by the features of the first voter.

Shapes: N train samples, D features, B samples that are asked about, P kept samples.
"""

import numpy as np

from stages.shared.artifacts import Array, Floats, Ints

AT_A_TIME = 4096  # kept samples whose features are in memory


def nearest(features_ND: Array, row_B: Ints, kept_P: Ints) -> tuple[Ints, Floats]:
    """Return the nearest of the kept rows for each row, and the distances, int64 and float64 [B].

    Distances are Euclidean; of kept rows that are equally near it is the first.
    """
    asked_BD = features_ND[row_B].astype(np.float64)
    nearest_B = np.full(len(row_B), -1, dtype=np.int64)
    square_B = np.full(len(row_B), np.inf)
    for start in range(0, len(kept_P), AT_A_TIME):
        kept = kept_P[start : start + AT_A_TIME]
        kept_PD = features_ND[kept].astype(np.float64)
        for place, asked_D in enumerate(asked_BD):
            square_P = np.square(kept_PD - asked_D).sum(axis=1)
            best = int(np.argmin(square_P))
            if square_P[best] < square_B[place]:
                nearest_B[place], square_B[place] = kept[best], square_P[best]
    return nearest_B, np.sqrt(square_B)
