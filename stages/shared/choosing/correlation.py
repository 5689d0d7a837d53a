"""How alike rankings are: Pearson's correlation of values, Spearman's of their ranks.

Ranks are our own three lines because importing scipy.stats takes 0.8 s of processor time, three
times as long as a stage without tensors takes to start. The tests hold them against it.

Shapes: N samples, F rankings that are compared, V of them that are not constant, G groups of equal
values.
"""

import numpy as np

from stages.shared.artifacts import Array, Floats


def average_ranks(values_N: Array) -> Floats:
    """Return the rank of each value from 1, float64 [N]; equal ones share the mean of theirs."""
    _, group_N, size_G = np.unique(values_N, return_inverse=True, return_counts=True)
    last_G = np.cumsum(size_G)
    mean_N: Floats = (last_G - (size_G - 1) / 2)[group_N]
    return mean_N


def pearson(values_FN: Array) -> Floats:
    """Return the correlation of each two rows, float64 [F, F]; NaN where one is constant."""
    varies_F = (values_FN != values_FN[:, :1]).any(axis=1)
    unit_VN = values_FN[varies_F].astype(np.float64)
    # By a power of two, so exactly: no square of a finite number is then infinite.
    _, exponent_V1 = np.frexp(np.abs(unit_VN).max(axis=1, keepdims=True, initial=0.0))
    unit_VN = np.ldexp(unit_VN, -exponent_V1)
    # No mean(), which warns where there are no samples.
    unit_VN -= unit_VN.sum(axis=1, keepdims=True) / unit_VN.shape[1]
    unit_VN /= np.linalg.norm(unit_VN, axis=1, keepdims=True)
    correlation_FF = np.full((len(values_FN), len(values_FN)), np.nan)
    correlation_FF[np.ix_(varies_F, varies_F)] = np.clip(unit_VN @ unit_VN.T, -1.0, 1.0)
    return correlation_FF


def spearman(values_FN: Array) -> Floats:
    """Return the correlation of the ranks of each two rows, as `pearson` does of the values."""
    rank_FN = np.empty(values_FN.shape, dtype=np.float64)
    for row, values_N in enumerate(values_FN):
        rank_FN[row] = average_ranks(values_N)
    return pearson(rank_FN)
