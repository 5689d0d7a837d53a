"""What acquisition functions read.

Shapes: M members, N train samples.
"""

from collections.abc import Mapping

import numpy as np

from stages.shared.artifacts import Array, Floats

Signals = Mapping[str, Array]


def sum_over_members(values_MN: Array) -> Floats:
    """Return the sum of each sample, float64 [N].

    Member by member: numpy's own sum takes another order, with other last bits, in another layout
    of the memory and for a sample that stands alone.
    """
    sum_N = np.zeros(values_MN.shape[1], dtype=np.float64)
    for values_N in values_MN:
        sum_N += values_N
    return sum_N
