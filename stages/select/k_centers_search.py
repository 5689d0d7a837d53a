"""Greedy k-centers: each next pick is the candidate that is farthest from everything chosen.

Selection via Proxy (Coleman et al. 2020), Algorithm 1; Sener and Savarese 2018, Algorithm 1.

The picks are those of the definition in float64: keep for each candidate the squared distance to
the nearest centre, lower it with each pick, take the largest. Two things save most of that work:

- Such a minimum only falls, so a stale one is an upper bound. Each pick lowers the minima of a few
  active candidates, those with the largest, and is the right one while it leads all stale minima.
- All others are brought up to date once per some hundred picks, by one matrix product in float32.
  It only tells, with a margin for its rounding, which centre may be nearer than those before;
  the distance to that one is then the sum of squared differences in float64, as everywhere.

Where there is a GPU the distances are kept there (k_centers_torch.py); the picks are the same
wherever distances differ by more than rounding.

Shapes: K candidates, S chosen points, P picks, D features, A active candidates, B candidates of a
block.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from stages.select.greedy import PICKED, foremost, largest, picks_bar
from stages.shared.artifacts import Array, Floats, Ints
from stages.shared.running.engine import device_name, has_gpu

NUM_ACTIVE = 1024
PICKS_PER_UPDATE = 256
BLOCK_ENTRIES = 2**18  # of a matrix in working memory, about


class Minima(Protocol):
    """For each candidate the squared distance to its nearest centre; infinite without any."""

    def lower(self, centres_PD: Array) -> None:
        """Let more points be centres."""

    def add(self, picks: list[int]) -> None:
        """Let candidates be centres, which are not picked again."""

    def next_picks(self, most: int) -> list[int]:
        """Return the next picks, at least one: as many as are certain while few are updated."""


def minima_here(features_KD: Array) -> Minima:
    """Return the minima of candidates, on a GPU where there is one."""
    if has_gpu() and device_name() == "cuda":
        # Imported here: without a GPU this stage does without torch.
        from stages.select.k_centers_torch import TorchMinima

        return TorchMinima(features_KD)
    return NumpyMinima(features_KD)


def farthest_first(
    features_KD: Array,
    chosen_SD: Array,
    count: int,
    start: int = 0,
    minima: Callable[[Array], Minima] = minima_here,
) -> Ints:
    """Return the positions of the first `count` picks, int64 [count].

    Equal distances are decided by position, the smaller first. The same points give a first part
    of the same order for every smaller count.

    Args:
        features_KD: The candidates, float32 or float64, finite.
        chosen_SD: Points that are centres from the start, not counted as picks; may be none.
        count: How many to pick, at most K.
        start: So many candidates are picked first, by position. If 0 and nothing is chosen, the
            first pick is the candidate nearest the mean.
        minima: What keeps the distances of the candidates.
    """
    nearest = minima(features_KD)
    nearest.lower(chosen_SD)
    picks = list(range(min(start, count)))
    if count and not picks and not len(chosen_SD):
        picks = [_nearest_to_mean(features_KD)]
    nearest.add(picks)
    with picks_bar("k-centers", count) as bar:
        bar.update(len(picks))
        while len(picks) < count:
            new = nearest.next_picks(min(count - len(picks), PICKS_PER_UPDATE))
            nearest.add(new)
            picks += new
            bar.update(len(new))
    return np.array(picks, dtype=np.int64)


def _nearest_to_mean(features_KD: Array) -> int:
    mean_D = features_KD.mean(axis=0, dtype=np.float64)
    to_mean = NumpyMinima(features_KD)
    to_mean.lower(mean_D[None])
    return int(to_mean.minimum_K.argmin())


class NumpyMinima:
    """The minima in working memory."""

    def __init__(self, features_KD: Array) -> None:
        self.features_KD = features_KD
        self.minimum_K = np.full(len(features_KD), np.inf)

    def add(self, picks: list[int]) -> None:
        """Let candidates be centres, which are not picked again."""
        self.lower(self.features_KD[picks])
        self.minimum_K[picks] = PICKED

    def next_picks(self, most: int) -> list[int]:
        """Return the next picks, at least one: as many as are certain while few are updated."""
        active_A = largest(self.minimum_K, NUM_ACTIVE)
        others_K = self.minimum_K.copy()
        others_K[active_A] = -np.inf
        rival = foremost(others_K)
        points_AD = self.features_KD[active_A].astype(np.float64)
        minimum_A = self.minimum_K[active_A]
        picks: list[int] = []
        while len(picks) < most:
            value, best = foremost(minimum_A)  # the first of equals: active ones are in order
            position = int(active_A[best])
            if rival < (value, position):
                break
            picks.append(position)
            np.minimum(minimum_A, _squared_distance(points_AD, points_AD[best]), out=minimum_A)
            minimum_A[best] = PICKED
        return picks

    def lower(self, centres_PD: Array) -> None:
        """Let more points be centres."""
        if not len(centres_PD):
            return
        origin_D = centres_PD.mean(axis=0)  # small coordinates have small rounding errors
        for first in range(0, len(centres_PD), PICKS_PER_UPDATE):
            some_PD = centres_PD[first : first + PICKS_PER_UPDATE]
            # At 0 or below there is nothing to lower.
            open_K = np.flatnonzero(self.minimum_K > 0)
            step = max(1, BLOCK_ENTRIES // max(len(some_PD), self.features_KD.shape[1]))
            for start in range(0, len(open_K), step):
                rows_B = open_K[start : start + step]
                self.minimum_K[rows_B] = _lowered(
                    self.minimum_K[rows_B], self.features_KD[rows_B], some_PD, origin_D
                )


def _squared_distance(points_BD: Array, centres_BD: Array) -> Floats:
    """Return the squared distance between the rows, each sum in the same order, float64 [B]."""
    difference_BD = np.subtract(points_BD, centres_BD, dtype=np.float64)
    return np.einsum("bd,bd->b", difference_BD, difference_BD)


def _lowered(minimum_B: Floats, points_BD: Array, centres_PD: Array, origin_D: Array) -> Floats:
    nearby, centre = _may_be_nearest(minimum_B, points_BD, centres_PD, origin_D)
    step = max(1, BLOCK_ENTRIES // points_BD.shape[1])
    for first in range(0, len(nearby), step):
        some, its_centre = nearby[first : first + step], centre[first : first + step]
        distance = _squared_distance(points_BD[some], centres_PD[its_centre])
        np.minimum.at(minimum_B, some, distance)
    return minimum_B


def _may_be_nearest(
    minimum_B: Floats, points_BD: Array, centres_PD: Array, origin_D: Array
) -> tuple[Ints, Ints]:
    """Return all pairs of a point and a centre that may be its nearest and lower its minimum.

    With n for squared lengths, |x - y|^2 = n_x + n_y - 2 xy has an error below
    (D + 16) (eps (n_x + n_y) + tiny), in whatever order a matrix product sums; the second part is
    for what underflows. Where something overflows the limit is no number, and nothing is left out.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        points_BD = (points_BD - origin_D).astype(np.float32)
        centres_PD = (centres_PD - origin_D).astype(np.float32)
        norm_B = np.einsum("bd,bd->b", points_BD, points_BD)
        norm_P = np.einsum("pd,pd->p", centres_PD, centres_PD)
        score_PB = (-2 * centres_PD) @ points_BD.T
        score_PB += norm_P[:, None]
        least_B = score_PB.min(axis=0)
        kind = np.finfo(np.float32)
        scale_B = norm_B.astype(np.float64) + norm_P.max()
        margin_B = (points_BD.shape[1] + 16) * (kind.eps * scale_B + kind.tiny)
        limit_B = np.minimum(least_B + 2 * margin_B, minimum_B - norm_B + margin_B)
        near = np.flatnonzero(~(least_B > limit_B))
        centre, row = np.nonzero(~(score_PB[:, near] > limit_B[near]))
    return near[row], centre
