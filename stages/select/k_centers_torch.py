"""The distances of greedy k-centers on a GPU, for millions of candidates.

As in k_centers.py, a few active candidates are brought up to date with each pick and all others
once per some hundred picks, so a pick touches a few megabytes. Two things differ:

- The matrix product that tells which centre may be nearer is in TF32, several times as fast as
  float32. It is given a margin for that, and decides nothing else.
- A squared distance is summed in float64 by halves: an order that neither the device nor the number
  of points changes. The order of numpy's sums depends on the processor.

So both kinds make the picks of the definition in float64, in the same order, wherever distances
differ by more than the rounding of their sums (about 1e-16 D of their size) or are exactly equal,
as those of copies and of points on a grid: there the device decides no byte. Only where two
distances are nearer than that may one or the other be picked first.

Shapes: K candidates, P centres, D features, A active candidates, B candidates of a block or pairs.
"""

import numpy as np
import torch
from torch import Tensor

from stages.select.greedy import PICKED
from stages.shared.artifacts import Array

NUM_ACTIVE = 4096
CENTRES_PER_PRODUCT = 256
BLOCK_ENTRIES = 2**26  # of a matrix in the GPU's memory, about
# TF32 keeps 10 bits of a fraction: cut off, each factor is wrong by 2^-10 and -2xy, which is at
# most n_x + n_y, by 2^-9 of that. As much again is for its sums.
SCREEN_ERROR = 2.0**-8


class TorchMinima:
    """For each candidate the squared distance to its nearest centre, on a device of torch."""

    def __init__(self, features_KD: Array, device: str = "cuda") -> None:
        if device == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = True
        self.points_KD = torch.from_numpy(np.ascontiguousarray(features_KD)).to(device)
        self.origin_D = self.points_KD.mean(dim=0)  # small coordinates have small rounding errors
        self.centred_KD = (self.points_KD - self.origin_D).float()
        self.norm_K = self.centred_KD.square().sum(dim=1)
        self.minimum_K = torch.full_like(self.norm_K, torch.inf, dtype=torch.float64)

    def add(self, picks: list[int]) -> None:
        """Let candidates be centres, which are not picked again."""
        if not picks:
            return
        pick_P = torch.tensor(picks, device=self.points_KD.device)
        self._lower(self.points_KD[pick_P])
        self.minimum_K[pick_P] = PICKED

    def lower(self, centres_PD: Array) -> None:
        """Let more points be centres."""
        if len(centres_PD):
            self._lower(torch.from_numpy(centres_PD).to(self.points_KD.device))

    def next_picks(self, most: int) -> list[int]:
        """Return the next picks, at least one: as many as are certain while few are updated."""
        active_A = _largest(self.minimum_K, NUM_ACTIVE)
        others_K = self.minimum_K.clone()
        others_K[active_A] = -torch.inf
        rival = _foremost(others_K)
        points_AD, minimum_A = self.points_KD[active_A].double(), self.minimum_K[active_A]
        positions = active_A.tolist()
        picks: list[int] = []
        while len(picks) < most:
            value, best = _foremost(minimum_A)  # the first of equals: active ones are in order
            if rival < (value, positions[best]):
                break
            picks.append(positions[best])
            minimum_A = torch.minimum(minimum_A, squared_distance(points_AD, points_AD[best]))
            minimum_A[best] = PICKED
        return picks

    def _lower(self, centres_PD: Tensor) -> None:
        rows_per_block = max(1, BLOCK_ENTRIES // CENTRES_PER_PRODUCT)
        pairs_per_block = max(1, BLOCK_ENTRIES // centres_PD.shape[1])
        for some_PD in torch.split(centres_PD, CENTRES_PER_PRODUCT):
            centred_PD = (some_PD - self.origin_D).float()
            for first in range(0, len(self.points_KD), rows_per_block):
                pair_B2 = self._may_be_nearest(slice(first, first + rows_per_block), centred_PD)
                for some_B2 in torch.split(pair_B2, pairs_per_block):
                    row_B, centre_B = some_B2.T
                    distance_B = squared_distance(self.points_KD[row_B], some_PD[centre_B])
                    self.minimum_K.scatter_reduce_(0, row_B, distance_B, "amin")

    def _may_be_nearest(self, rows: slice, centred_PD: Tensor) -> Tensor:
        """Return all pairs of a point and a centre that may be its nearest and lower its minimum.

        As in k_centers.py, with SCREEN_ERROR for the rounding of TF32: int64 [B, 2].
        """
        minimum_B, norm_B = self.minimum_K[rows], self.norm_K[rows].double()
        norm_P = centred_PD.square().sum(dim=1)
        score_BP = self.centred_KD[rows] @ (-2 * centred_PD).T
        score_BP += norm_P
        least_B = score_BP.min(dim=1).values.double()
        kind, num_features = torch.finfo(torch.float32), centred_PD.shape[1]
        error = SCREEN_ERROR + (num_features + 16) * kind.eps
        margin_B = error * (norm_B + norm_P.max()) + (num_features + 16) * kind.tiny
        limit_B = torch.minimum(least_B + 2 * margin_B, minimum_B - norm_B + margin_B)
        limit_B[minimum_B <= 0] = -torch.inf  # nothing is below
        near = (~(least_B > limit_B)).nonzero().squeeze(1)
        pair_B2 = (~(score_BP[near] > limit_B[near, None])).nonzero()
        pair_B2[:, 0] = rows.start + near[pair_B2[:, 0]]
        return pair_B2


def squared_distance(points_BD: Tensor, centres_BD: Tensor) -> Tensor:
    """Return the squared distance between the rows, float64 [B], each summed by halves."""
    term_BD = (points_BD.double() - centres_BD.double()).square_()
    while (width := term_BD.shape[1]) > 1:
        half = width // 2
        term_BD[:, :half] += term_BD[:, width - half :]
        term_BD = term_BD[:, : width - half]
    return term_BD[:, 0]


def _largest(bound_K: Tensor, count: int) -> Tensor:
    """Return the positions of the largest bounds, rising, int64 [count]; of equals the first."""
    if count >= len(bound_K):
        return torch.arange(len(bound_K), device=bound_K.device)
    least = bound_K.topk(count, sorted=False).values.min()
    above = (bound_K > least).nonzero().squeeze(1)
    equal = (bound_K == least).nonzero().squeeze(1)[: count - len(above)]
    return torch.cat([above, equal]).sort().values


def _foremost(bound_K: Tensor) -> tuple[float, int]:
    """Return minus the largest bound and its first position: what sorts first is picked first."""
    value, position = bound_K.max(dim=0)
    return -value.item(), int(position.item())
