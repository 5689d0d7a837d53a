"""Uncertainty herding: picks such that every unsure candidate has one that is like it.

Greedy picking for the coverage of Bae et al. 2025 (arXiv 2412.20644, eq. 3),

    sum over candidates n of U_n x max over s picked of exp(-|x_n - x_s|^2 / sigma^2),

of features of unit length, with the uncertainty U. The radius sigma is the smallest distance
between two that are picked (section 3.3): it falls as they become many, and what began as coverage
ends as a choice by uncertainty alone. It is 1 as long as there is no such distance.

Of each candidate only the smallest distance to what is picked is kept, which no radius changes; so
a new radius with every pick costs nothing. A pick is the best of a few candidates, the next in a
random order that starts again at its end: stochastic greedy (Mirzasoleiman et al. 2015, arXiv
1409.7938). However many are picked, that is the work of K log(1 / SHORTFALL) gains, and for a given
radius the sum is in the mean within 1 - 1/e - SHORTFALL of the largest.

Shapes: K candidates, S picked before, D features, B candidates that are looked at, R of a block.
"""

import math
from collections import deque

import numpy as np

from stages.select.greedy import picks_bar
from stages.select.unit_grid import blocks, on_grid, squared_distances, squared_lengths
from stages.shared.artifacts import Array, Floats, Ints

SHORTFALL = 0.05
LEAST_RADIUS = 0.01  # the grid tells no smaller distance
LEAST_WEIGHT = 1e-300  # nothing is divided by less
BLOCK_ENTRIES = 2**18  # of a matrix in working memory, about


def herd(
    features_KD: Array, weight_K: Floats, chosen_SD: Array, count: int, budget: int | None = None
) -> Ints:
    """Return the positions of the first `count` picks, int64 [count].

    Equal gains are decided by position, the smaller first.

    Args:
        features_KD: The candidates in random order, float32, finite.
        weight_K: The uncertainty of each, 0 or more.
        chosen_SD: Points that count as picked from the start; may be none.
        count: How many to pick, at most K.
        budget: How many will be used, which says how many are looked at for each; `count` if None.
    """
    looked_at = math.ceil(len(features_KD) / max(1, budget or count) * math.log(1 / SHORTFALL))
    coverage = _Coverage(features_KD, weight_K, chosen_SD)
    waiting = deque(range(len(features_KD)))
    picks: list[int] = []
    with picks_bar("uncertainty herding", count) as bar:
        while len(picks) < count:
            some = [waiting.popleft() for _ in range(min(looked_at, len(waiting)))]
            best = int(coverage.gains(np.array(some)).argmax())
            coverage.add(some[best])
            picks.append(some.pop(best))
            waiting.extend(some)
            bar.update()
    return np.array(picks, dtype=np.int64)


class _Coverage:
    """How near each candidate is to what is picked, and the radius."""

    def __init__(self, features_KD: Array, weight_K: Floats, chosen_SD: Array) -> None:
        self._point_KD = on_grid(features_KD)
        self._norm_K = squared_lengths(self._point_KD)
        self._weight_K = (weight_K / weight_K.max(initial=LEAST_WEIGHT)).astype(np.float32)
        self._nearest_K = np.full(len(features_KD), np.inf, dtype=np.float32)  # squared distance
        point_SD = on_grid(chosen_SD)
        self._smallest = _smallest_distance(point_SD)
        for rows in blocks(len(features_KD), len(point_SD), BLOCK_ENTRIES):
            distance_SR = self._squared_distances(point_SD, rows)
            self._nearest_K[rows] = distance_SR.min(axis=0, initial=np.inf)

    def gains(self, some_B: Ints) -> Floats:
        """Return by how much each of these candidates would raise the sum, float64 [B]."""
        radius = self._smallest if math.isfinite(self._smallest) else 1.0
        scale = np.float32(-1 / radius**2)
        covered_K = np.exp(self._nearest_K * scale)
        some_BD = self._point_KD[some_B]
        gain_B = np.zeros(len(some_B))
        for rows in blocks(len(covered_K), max(some_BD.shape), BLOCK_ENTRIES):
            gain_BR = self._squared_distances(some_BD, rows)
            gain_BR *= scale
            np.exp(gain_BR, out=gain_BR)
            gain_BR -= covered_K[rows]
            np.maximum(gain_BR, 0, out=gain_BR)
            gain_BR *= self._weight_K[rows]
            gain_B += gain_BR.sum(axis=1)
        return gain_B

    def add(self, pick: int) -> None:
        """Let a candidate be picked."""
        distance = math.sqrt(self._nearest_K[pick])
        if distance >= LEAST_RADIUS:
            self._smallest = min(self._smallest, distance)
        (distance_K,) = self._squared_distances(self._point_KD[[pick]], slice(None))
        np.minimum(self._nearest_K, distance_K, out=self._nearest_K)

    def _squared_distances(self, points_BD: Array, rows: slice) -> Array:
        return squared_distances(points_BD, self._point_KD[rows], self._norm_K[rows])


def _smallest_distance(point_SD: Array) -> float:
    """Return the smallest distance of two points that are no copies; without any, infinity."""
    least, norm_S = np.inf, squared_lengths(point_SD)
    for rows in blocks(len(point_SD), len(point_SD), BLOCK_ENTRIES):
        distance_RS = squared_distances(point_SD[rows], point_SD, norm_S)
        is_copy_RS = distance_RS < LEAST_RADIUS**2
        least = min(least, distance_RS.min(initial=np.inf, where=~is_copy_RS))
    return math.sqrt(least)
