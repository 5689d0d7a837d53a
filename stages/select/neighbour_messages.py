"""Message passing: picks that are hard, in hard regions, and not each other's neighbours.

D2 pruning (Maharana et al. 2024, arXiv 2310.07931): the samples are a graph, in which two are
neighbours where one is among the nearest of the other. With scores x and distances d, each first
hears its neighbours,

    u_i = x_i + sum over neighbours j of exp(-d_ij) x_j,

and then, again and again, the largest u_s is picked and taken from the pick's neighbours,

    u_j -= exp(-gamma d_sj) u_s.

Otherwise than in the authors' code, features have unit length and distances are divided by their
mean over the graph, so the authors' gammas do not carry over; scores count from the lowest; there
is one graph for all classes, where theirs has one for each; and a pick below 0 takes nothing, where
theirs raises its neighbours.

Shapes: N points, J nearest of each, D features, E directed edges, B points of a block, C of a tile.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from stages.select.greedy import picks_bar
from stages.select.unit_grid import on_grid, squared_distances, squared_lengths
from stages.shared.artifacts import Array, Floats, Ints

ROWS, COLUMNS = 1024, 4096  # of a tile of distances
FEW = 64  # columns of the first tile
NOBODY = -1


class Graph(NamedTuple):
    """The neighbours of each point: those of point n lie from start[n] to start[n + 1]."""

    start: Ints  # [N + 1]
    source_E: Ints
    target_E: Ints  # rising for each source
    distance_E: Floats  # their mean is 1


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
        num_neighbours: Of each point the nearest; all others where there are fewer.
        gamma: The larger, the less a pick takes; 0 or more.
    """
    graph = neighbours(features_ND, num_neighbours)
    own_N = score_N - score_N.min(initial=np.inf)
    heard_E = np.exp(-graph.distance_E) * own_N[graph.target_E]
    value_N = own_N + np.bincount(graph.source_E, weights=heard_E, minlength=len(own_N))
    taken_E = np.exp(-gamma * graph.distance_E)
    picks: list[int] = []
    with picks_bar("message passing", count) as bar:
        while len(picks) < num_chosen + count:
            is_chosen = len(picks) < num_chosen
            pick = len(picks) if is_chosen else num_chosen + int(value_N[num_chosen:].argmax())
            its = slice(*graph.start[pick : pick + 2])
            value_N[graph.target_E[its]] -= taken_E[its] * max(0.0, value_N[pick])
            if not is_chosen:
                value_N[pick] = -np.inf
                bar.update()
            picks.append(pick)
    return np.array(picks[num_chosen:], dtype=np.int64)


def neighbours(features_ND: Array, num_neighbours: int) -> Graph:
    """Return the graph: an edge where one is among the nearest of the other, by unit length."""
    near_NJ, distance_NJ = nearest(features_ND, num_neighbours)
    num_points, num_near = near_NJ.shape
    source_E, target_E = np.repeat(np.arange(num_points), num_near), near_NJ.ravel()
    both = np.concatenate([source_E * num_points + target_E, target_E * num_points + source_E])
    edge_E, first_E = np.unique(both, return_index=True)
    distance_E = np.tile(distance_NJ.ravel(), 2)[first_E]
    source_E, target_E = np.divmod(edge_E, max(1, num_points))
    mean = distance_E.mean() if len(distance_E) else 0.0
    start = np.searchsorted(source_E, np.arange(num_points + 1))
    return Graph(start, source_E, target_E, distance_E / (mean or 1.0))


def nearest(features_ND: Array, num_neighbours: int) -> tuple[Ints, Floats]:
    """Return the nearest others of each point and their distances by unit length, both [N, J].

    The nearest first; of equals the first.
    """
    point_ND = on_grid(features_ND)
    norm_N = squared_lengths(point_ND)
    num_near = min(num_neighbours, max(0, len(point_ND) - 1))
    near_NJ = np.full((len(point_ND), num_near), NOBODY)
    squared_NJ = np.full((len(point_ND), num_near), np.inf, dtype=np.float32)
    bar = tqdm(range(0, len(point_ND), ROWS), desc="neighbours", delay=1, leave=False, disable=None)
    for first in bar if num_near else ():
        rows = np.arange(first, min(first + ROWS, len(point_ND)))
        # A few to begin with: then most of the others are farther than what is known.
        for left, right in pairwise([0, *range(FEW, len(point_ND), COLUMNS), len(point_ND)]):
            squared_BC = squared_distances(point_ND[rows], point_ND[left:right], norm_N[left:right])
            own = np.flatnonzero((rows >= left) & (rows < right))
            squared_BC[own, rows[own] - left] = np.inf
            row, column = np.nonzero(squared_BC <= squared_NJ[rows, -1:])
            squared_NJ[rows], near_NJ[rows] = _smallest(
                np.concatenate([np.repeat(np.arange(len(rows)), num_near), row]),
                np.concatenate([squared_NJ[rows].ravel(), squared_BC[row, column]]),
                np.concatenate([near_NJ[rows].ravel(), column + left]),
                num_near,
            )
    return near_NJ, np.sqrt(squared_NJ.astype(np.float64))


def _smallest(row: Ints, squared: Array, position: Ints, count: int) -> tuple[Array, Ints]:
    """Return the `count` smallest of each row with their positions, of equals the first."""
    order = np.lexsort((position, squared, row))
    sorted_row = row[order]
    is_among = np.arange(len(row)) - np.searchsorted(sorted_row, sorted_row) < count
    among = order[is_among].reshape(-1, count)
    return squared[among], position[among]
