"""Groups of rows in which near duplicates meet, where there are too many samples for all pairs.

Leaves of random projection trees (Dasgupta and Freund 2008): at each level of a tree all samples
are projected onto one random direction, and each node is parted at the median of its own. Two
samples that are nearly the same are parted seldom, and in each tree at other places.

Shapes: N samples, D numbers of a vector, B samples of a block, L levels.
"""

import math

import numpy as np

from stages.near_duplicates.similar_pairs import BLOCK, Vectors, unit
from stages.shared.artifacts import Array, Ints
from stages.shared.samples.randomness import generator

TREES = 10
MOST_IN_LEAF = 2048


def meeting_places(vectors_ND: Vectors) -> list[Ints]:
    """Return the rows of each leaf of each tree, int64."""
    num, length = vectors_ND.shape
    levels = max(0, math.ceil(math.log2(num / MOST_IN_LEAF)))
    rng = generator(0, "projection trees")
    direction_DL = rng.standard_normal((length, TREES * levels), dtype=np.float32)
    projected_NL = np.empty((num, TREES * levels), dtype=np.float32)
    for start in range(0, num, BLOCK):
        some = slice(start, min(start + BLOCK, num))
        projected_NL[some] = unit(vectors_ND[some]) @ direction_DL
    trees = (slice(tree * levels, (tree + 1) * levels) for tree in range(TREES))
    return [row_B for tree in trees for row_B in _leaves(projected_NL[:, tree])]


def _leaves(projected_NL: Array) -> list[Ints]:
    """Return the rows of each leaf; nodes of a level differ by one sample at most."""
    nodes: list[Ints] = [np.arange(len(projected_NL))]
    for value_N in projected_NL.T:
        parted = []
        for row_B in nodes:
            middle = len(row_B) // 2
            order_B = np.argpartition(value_N[row_B], middle)
            # Rising, so that reading them goes through the file in one direction.
            parted += [np.sort(row_B[order_B[:middle]]), np.sort(row_B[order_B[middle:]])]
        nodes = parted
    return nodes
