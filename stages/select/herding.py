"""Uncertainty herding: picks such that every unsure candidate has one that is like it.

Greedy picking for the coverage of Bae et al. 2025 (arXiv 2412.20644, eq. 3),

    sum over candidates n of U_n x max over s picked of exp(-|x_n - x_s|^2 / sigma^2),

of features of unit length, with the uncertainty U. The radius sigma is the smallest distance
between two that are picked (section 3.3): it falls as they become many, and what began as coverage
ends as a choice by uncertainty alone. It is 1 as long as there is no such distance.

Of each candidate only the largest product with what is picked is kept, which no radius changes; so
a new radius with every pick costs nothing. A pick is the best of a few candidates, the next in a
random order that starts again at its end: stochastic greedy (Mirzasoleiman et al. 2015, arXiv
1409.7938). However many are picked, that is the work of K log(1 / SHORTFALL) gains, and for a given
radius the sum is in the mean within 1 - 1/e - SHORTFALL of the largest.

Shapes: K candidates, S picked before, D features, B candidates that are looked at, R of a block.
"""

import math
from collections import deque
from collections.abc import Iterator

import numpy as np

from stages.select.greedy import picks_bar
from stages.shared.artifacts import Array, Floats, Ints

SHORTFALL = 0.05
LEAST_RADIUS = 0.01  # of two points nearer than that float32 products tell no distance
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
        self._unit_KD = _of_unit_length(features_KD)
        self._weight_K = (weight_K / weight_K.max(initial=LEAST_WEIGHT)).astype(np.float32)
        self._nearest_K = np.full(len(features_KD), -np.inf, dtype=np.float32)  # a product
        unit_SD = _of_unit_length(chosen_SD)
        self._smallest = _smallest_distance(unit_SD)
        for rows in _blocks(len(features_KD), len(unit_SD)):
            product_RS = self._unit_KD[rows] @ unit_SD.T
            self._nearest_K[rows] = product_RS.max(axis=1, initial=-np.inf)

    def gains(self, some_B: Ints) -> Floats:
        """Return by how much each of these candidates would raise the sum, float64 [B]."""
        radius = self._smallest if math.isfinite(self._smallest) else 1.0
        scale = np.float32(2 / radius**2)  # of unit vectors |x - y|^2 is 2 - 2xy
        covered_K = np.exp((self._nearest_K - 1) * scale)
        some_DB = self._unit_KD[some_B].T
        gain_B = np.zeros(len(some_B))
        for rows in _blocks(len(covered_K), max(some_DB.shape)):
            like_RB = self._unit_KD[rows] @ some_DB
            like_RB -= 1
            like_RB *= scale
            np.exp(like_RB, out=like_RB)
            like_RB -= covered_K[rows, None]
            gain_B += self._weight_K[rows] @ np.maximum(like_RB, 0, out=like_RB)
        return gain_B

    def add(self, pick: int) -> None:
        """Let a candidate be picked."""
        distance = math.sqrt(max(0.0, 2 - 2 * float(self._nearest_K[pick])))
        if distance >= LEAST_RADIUS:
            self._smallest = min(self._smallest, distance)
        np.maximum(self._nearest_K, self._unit_KD @ self._unit_KD[pick], out=self._nearest_K)


def _smallest_distance(unit_SD: Array) -> float:
    """Return the smallest distance of two points that are no copies; without any, infinity."""
    least = np.inf
    for rows in _blocks(len(unit_SD), len(unit_SD)):
        squared_RS = 2 - 2 * (unit_SD[rows] @ unit_SD.T)
        squared_RS[squared_RS < LEAST_RADIUS**2] = np.inf
        least = min(least, squared_RS.min(initial=np.inf))
    return math.sqrt(least)


def _blocks(num_rows: int, num_columns: int) -> Iterator[slice]:
    """Yield the rows of a matrix in blocks of about BLOCK_ENTRIES."""
    step = max(1, BLOCK_ENTRIES // max(1, num_columns))
    for first in range(0, num_rows, step):
        yield slice(first, first + step)


def _of_unit_length(points_BD: Array) -> Array:
    """Return the points at length 1, float32; a point at the origin stays there."""
    length_B = np.linalg.norm(points_BD.astype(np.float64), axis=1)
    return (points_BD / np.maximum(length_B, LEAST_WEIGHT)[:, None]).astype(np.float32)
