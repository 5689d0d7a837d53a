"""Facility location: picks such that every candidate has one that is like it.

The sum over all candidates of the similarity to the most similar pick is submodular, and greedy
picking comes within 1 - 1/e of the largest sum (Nemhauser et al. 1978; for training subsets Wei et
al. 2015). Similarity is the largest squared distance minus the squared distance: not negative, and
without a scale to choose, since the largest distance is the same in every sum and decides nothing.

Picking is lazy (Minoux 1978): what a candidate would add only falls, so a stale gain is an upper
bound, and a candidate whose fresh gain leads all stale ones is the right one.

Equal gains are common: two points that are each other's nearest add the same, whichever is picked.
Squared distances are therefore whole numbers of a quantum, so small that the sums over all
candidates are just exact in float64: rounding of the sums does not decide between equals.

Shapes: K candidates, S chosen points, D features, B candidates of a block, R candidates of another.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from stages.select.greedy import foremost, largest, picks_bar
from stages.shared.artifacts import Array, Floats, Ints

BLOCK = 64  # candidates whose gains are computed together
BLOCK_ENTRIES = 2**20  # of a matrix in working memory, about
MANTISSA_BITS = 53  # of a float64


def lazy_greedy(features_KD: Array, chosen_SD: Array, count: int) -> Ints:
    """Return the positions of the first `count` picks, int64 [count].

    Each adds most to the sum; equal gains are decided by position, the smaller first.

    Args:
        features_KD: The candidates, float32 or float64, finite.
        chosen_SD: Points that count as picked from the start; may be none.
        count: How many to pick, at most K.
    """
    distances = _Distances.between(features_KD, chosen_SD)
    nearest_K = distances.to_nearest(chosen_SD)
    gain_K = np.full(len(features_KD), np.inf)
    picks: list[int] = []
    with picks_bar("facility location", count) as bar:
        while len(picks) < count:
            best = _best(gain_K, distances, nearest_K)
            gain_K[best] = -np.inf
            nearest_K = np.minimum(nearest_K, distances.to_nearest(features_KD[[best]]))
            picks.append(best)
            bar.update()
    return np.array(picks, dtype=np.int64)


@dataclass(frozen=True)
class _Distances:
    """Squared distances to the candidates, in whole numbers of a quantum."""

    features_KD: Array
    longest: float  # no squared distance is longer
    quantum: float

    @classmethod
    def between(cls, features_KD: Array, chosen_SD: Array) -> Self:
        norms = [np.einsum("kd,kd->k", x, x, dtype=np.float64) for x in (features_KD, chosen_SD)]
        longest = 4 * max(norm.max(initial=0) for norm in norms)
        # A power of two: distances between whole numbers stay as they are.
        _, exponent = math.frexp(longest * len(features_KD))
        quantum = math.ldexp(1, exponent - MANTISSA_BITS)
        return cls(features_KD, math.ceil(longest / quantum), quantum)

    def blocks(self, points_BD: Array) -> Iterator[tuple[slice, Floats]]:
        """Yield rows of the candidates and their distance to each point, float64 [R, B]."""
        points_BD = points_BD.astype(np.float64)
        norm_B = np.einsum("bd,bd->b", points_BD, points_BD)
        step = max(1, BLOCK_ENTRIES // max(points_BD.shape))
        for first in range(0, len(self.features_KD), step):
            rows = slice(first, first + step)
            some_RD = self.features_KD[rows].astype(np.float64)
            norm_R = np.einsum("rd,rd->r", some_RD, some_RD)
            distance_RB = norm_R[:, None] + norm_B - 2 * (some_RD @ points_BD.T)
            distance_RB /= self.quantum
            yield rows, np.maximum(np.rint(distance_RB), 0)

    def to_nearest(self, points_SD: Array) -> Floats:
        """Return the distance of each candidate to its nearest point; without any, the longest."""
        nearest_K = np.full(len(self.features_KD), self.longest)
        for first in range(0, len(points_SD), BLOCK):
            for rows, distance_RB in self.blocks(points_SD[first : first + BLOCK]):
                nearest_K[rows] = np.minimum(nearest_K[rows], distance_RB.min(axis=1))
        return nearest_K

    def gains(self, block_B: Ints, nearest_K: Floats) -> Floats:
        """Return by how much each of these candidates would shorten the sum of nearest_K."""
        gain_B = np.zeros(len(block_B))
        for rows, distance_RB in self.blocks(self.features_KD[block_B]):
            gain_B += np.maximum(nearest_K[rows, None] - distance_RB, 0).sum(axis=0)
        return gain_B


def _best(gain_K: Floats, distances: _Distances, nearest_K: Floats) -> int:
    """Return the candidate that adds most; bring up to date, in place, as few gains as it takes."""
    stale_K, fresh_K = gain_K.copy(), np.full(len(gain_K), -np.inf)
    while True:
        block_B = largest(stale_K, BLOCK)
        block_B = block_B[stale_K[block_B] > -np.inf]
        fresh_K[block_B] = gain_K[block_B] = distances.gains(block_B, nearest_K)
        stale_K[block_B] = -np.inf
        if foremost(fresh_K) < foremost(stale_K):
            return foremost(fresh_K)[1]
