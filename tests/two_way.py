"""An oracle: the variance of a mean over crossed rows and samples, by sums of squares.

Of three rows or more; of two the spread is taken of each side of a difference.
"""

import math

import numpy as np
from scipy import stats


def parts(values_RT: np.ndarray) -> tuple[float, float, float]:
    """Return the variance of the mean by rows, by samples, and what both hold of the noise."""
    num_rows, num_samples = values_RT.shape
    total = values_RT.mean()
    between_rows = num_samples * ((values_RT.mean(axis=1) - total) ** 2).sum()
    between_samples = num_rows * ((values_RT.mean(axis=0) - total) ** 2).sum()
    rest = ((values_RT - total) ** 2).sum() - between_rows - between_samples
    number = values_RT.size
    return (
        between_rows / (num_rows - 1) / number,
        between_samples / (num_samples - 1) / number,
        rest / ((num_rows - 1) * (num_samples - 1)) / number,
    )


def variance(values_RT: np.ndarray) -> float:
    """Return the variance of the mean."""
    rows, samples, both = parts(values_RT)
    return max(rows + samples - both, rows, samples)


def reach(values_RT: np.ndarray) -> float:
    """Return half the width of the 95 % interval of the mean."""
    (num_rows, num_samples), (rows, samples, _) = values_RT.shape, parts(values_RT)
    freedom = rows**2 / (num_rows - 1) + samples**2 / (num_samples - 1)
    freedom = variance(values_RT) ** 2 / freedom
    return float(stats.t.ppf(0.975, freedom) * math.sqrt(variance(values_RT)))
