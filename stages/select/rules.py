"""Selection rules: in which order a round prefers its candidates.

Each takes what competes and returns the positions of the candidates in order of preference, int64;
a costly one ends where nobody asks further. To add one, write a function and list it at the
foot.

Shapes: K candidates, N train samples, P picks that are kept, D features.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stages.select.facility_location import lazy_greedy
from stages.select.k_centers import farthest_first
from stages.shared.artifacts import Array, Floats, Ints
from stages.shared.errors import ParamsError


@dataclass(frozen=True)
class Candidates:
    """What competes for the picks of a round, and what a rule may look at."""

    row_K: Ints  # of the train split; a sample that stands twice in the subset competes twice
    kept_P: Ints  # rows that the new subset holds already: none in a shrinking round
    count: int  # picks that are needed
    length: int  # of the order that is wanted, at least as long; it may end there
    score_N: Floats
    tie_N: Floats  # a random number for each, which decides between equals: the smallest is first
    # Called by the rules that need them, as they take time:
    race_N: Callable[[], Floats]  # another random number for each, in [0, 1)
    features_ND: Callable[[], Array]  # float32, the input of the last layer
    k_centers_start: int  # random samples that k_centers starts from where nothing is kept


def top(candidates: Candidates) -> Ints:
    """Highest score first; equal scores by the random number."""
    return _smallest_first(candidates, -candidates.score_N[candidates.row_K])


def proportional(candidates: Candidates) -> Ints:
    """Drawn one by one, each with probability score / sum of the scores that are left.

    The gradient-CDF of Vodrahalli et al. 2018 (section 3.3, eq. 8), run as a race: a sample arrives
    after an exponential time whose rate is its score (Efraimidis and Spirakis 2006). With score 0
    it never does; such samples stand last, by the random number that decides between equals. A
    sample that competes twice arrives once, with its copies.

    Raises:
        ParamsError: a score is negative.
    """
    row_K = candidates.row_K
    score_K, race_K = candidates.score_N[row_K], candidates.race_N()[row_K]
    if (score_K < 0).any():
        raise ParamsError(
            f"params.yaml: select.rule is proportional; scores must then be 0 or more, and sample "
            f"{row_K[score_K.argmin()]} has {score_K.min()}"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        # In logarithms: a time divided by a tiny score would overflow.
        arrival_K = np.log(-np.log1p(-race_K)) - np.log(score_K)
    arrival_K[score_K == 0] = np.inf
    return _smallest_first(candidates, arrival_K)


def k_centers(candidates: Candidates) -> Ints:
    """Each as far as can be from the kept subset and the picks before.

    Where nothing is kept, the first `k_centers_start` picks are random; with 0 the first pick is
    the candidate nearest the mean.

    Raises:
        ParamsError: every pick would be random.
    """
    start = 0 if len(candidates.kept_P) else candidates.k_centers_start
    if 0 < candidates.count <= start:
        raise ParamsError(
            f"params.yaml: select.k_centers_start is {start}; it must be below the "
            f"{candidates.count} picks of the round, or all of them are random"
        )
    by_tie_K, features_KD, kept_PD = _features(candidates)
    return by_tie_K[farthest_first(features_KD, kept_PD, candidates.length, start)]


def facility_location(candidates: Candidates) -> Ints:
    """Each adds most to how like all candidates are to the kept subset and the picks."""
    by_tie_K, features_KD, kept_PD = _features(candidates)
    return by_tie_K[lazy_greedy(features_KD, kept_PD, candidates.length)]


def _features(candidates: Candidates) -> tuple[Ints, Array, Array]:
    """Return the candidates by their random number, their features, and those of the kept subset.

    In this order the first of equals is the right one, and no row number decides anything.
    """
    by_tie_K = np.argsort(candidates.tie_N[candidates.row_K], kind="stable")
    features_ND = candidates.features_ND()
    return by_tie_K, features_ND[candidates.row_K[by_tie_K]], features_ND[candidates.kept_P]


def _smallest_first(candidates: Candidates, key_K: Floats) -> Ints:
    """Return the candidates by key, equal ones by their random number, then by position."""
    order_K = np.argsort(key_K)  # equal ones in any order, which is several times as fast
    sorted_K = key_K[order_K]
    as_next = sorted_K[1:] == sorted_K[:-1]
    tied = np.flatnonzero(np.append(as_next, False) | np.append(False, as_next))
    equals = np.sort(order_K[tied])
    by_tie = equals[np.argsort(candidates.tie_N[candidates.row_K[equals]], kind="stable")]
    order_K[tied] = by_tie[np.argsort(key_K[by_tie], kind="stable")]
    return order_K


RULES: dict[str, Callable[[Candidates], Ints]] = {
    "facility_location": facility_location,
    "k_centers": k_centers,
    "proportional": proportional,
    "top": top,
}
