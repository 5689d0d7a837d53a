"""Message passing: picks that are hard, in hard regions, and not each other's neighbours.

D2 pruning (Maharana et al. 2024, arXiv 2310.07931): the samples are a graph in which each has its
nearest neighbours. With scores x of 0 or more and distances d, each first hears its neighbours,

    u_i = x_i + sum over neighbours j of exp(-d_ij) x_j,

and then, again and again, the largest u_s is picked and taken from the pick's neighbours,

    u_j -= exp(-gamma d_sj) u_s.

Otherwise than in the authors' code features have unit length and distances their mean over the
graph as unit, so gamma means the same for every network; and a pick whose value has fallen below 0
leaves its neighbours as they are, where it would raise them.

Shapes: N points, S of them picked before, J neighbours, D features, B points of a block.
"""

import numpy as np

from stages.select.greedy import picks_bar
from stages.select.unit_grid import blocks, on_grid, squared_distances, squared_lengths
from stages.shared.artifacts import Array, Floats, Ints

BLOCK_ENTRIES = 2**22  # distances at a time; fewer points would be multiplied half as fast


def pass_messages(
    features_ND: Array,
    score_N: Floats,
    num_chosen: int,
    count: int,
    *,
    num_neighbours: int,
    gamma: float,
) -> Ints:
    """Return the positions of the first `count` picks, int64 [count].

    Equal values are decided by position, the smaller first.

    Args:
        features_ND: The points, those that count as picked from the start first; float32, finite.
        score_N: How hard each is; counted from the lowest.
        num_chosen: How many count as picked from the start, in this order.
        count: How many to pick, at most the others.
        num_neighbours: Of each point; all others where there are fewer.
        gamma: The larger, the less a pick takes; 0 or more.
    """
    near_NJ, distance_NJ = neighbours(features_ND, num_neighbours)
    own_N = score_N - score_N.min(initial=np.inf)
    value_N = own_N + (np.exp(-distance_NJ) * own_N[near_NJ]).sum(axis=1)
    taken_NJ = np.exp(-gamma * distance_NJ)
    picks: list[int] = []
    with picks_bar("message passing", count) as bar:
        while len(picks) < num_chosen + count:
            is_chosen = len(picks) < num_chosen
            pick = len(picks) if is_chosen else num_chosen + int(value_N[num_chosen:].argmax())
            value_N[near_NJ[pick]] -= taken_NJ[pick] * max(0.0, value_N[pick])
            if not is_chosen:
                value_N[pick] = -np.inf
                bar.update()
            picks.append(pick)
    return np.array(picks[num_chosen:], dtype=np.int64)


def neighbours(features_ND: Array, num_neighbours: int) -> tuple[Ints, Floats]:
    """Return the nearest others of each point, rising, int64 [N, J], and their distances.

    Distances are those of points of unit length, float64 [N, J], with their mean as unit.
    """
    point_ND = on_grid(features_ND)
    norm_N = squared_lengths(point_ND)
    shape = len(point_ND), min(num_neighbours, max(0, len(point_ND) - 1))
    near_NJ, distance_NJ = np.empty(shape, dtype=np.int64), np.empty(shape)
    for rows in blocks(len(point_ND), len(point_ND), BLOCK_ENTRIES):
        distance_BN = squared_distances(point_ND[rows], point_ND, norm_N)
        np.fill_diagonal(distance_BN[:, rows], np.inf)
        _, num_near = shape
        near_BJ = np.argpartition(distance_BN, max(0, num_near - 1))[:, :num_near]
        near_NJ[rows] = np.sort(near_BJ)
        squared_BJ = np.take_along_axis(distance_BN, near_NJ[rows], axis=1)
        distance_NJ[rows] = np.sqrt(np.maximum(squared_BJ, 0))  # rounding may fall below 0
    mean = distance_NJ.mean() if distance_NJ.size else 0.0
    return near_NJ, distance_NJ / (mean or 1.0)
