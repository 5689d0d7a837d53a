"""What a selection rule may look at, and what rules share.

Shapes: K candidates, N train samples, P picks that are kept, D features, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from stages.shared.artifacts import Array, Floats, Ints
from stages.shared.choosing.outliers import Mask
from stages.shared.errors import ParamsError
from stages.shared.settings.sections import Select


@dataclass(frozen=True)
class Candidates:
    """What competes for the picks of a round, and what a rule may look at."""

    row_K: Ints  # of the train split; a sample that stands twice in the subset competes twice
    kept_P: Ints  # rows that the new subset holds already: none in a shrinking round
    count: int  # picks that are needed
    length: int  # of the order that is wanted, at least as long; it may end there
    score_N: Floats
    tie_N: Floats  # a random number for each, which decides between equals: the smallest is first
    target_N: Ints  # the class of each, for the rules that need one
    # Called by the rules that need them, as they take time:
    random_N: Callable[[str], Floats]  # for a purpose other random numbers of each, in [0, 1)
    features_ND: Callable[[], Array]  # float32, the input of the last layer
    label_probability_N: Callable[[], Array]  # float32, in [0, 1]; needs one label for each sample
    recall_C: Callable[[], Floats]  # of each class on validation, in (0, 1)
    settings: Select  # the numbers of the rules


def features(candidates: Candidates) -> tuple[Ints, Array, Array]:
    """Return the candidates by their random number, their features, and those of the kept subset.

    In this order the first of equals is the right one, and no row number decides anything.
    """
    by_tie_K = np.argsort(candidates.tie_N[candidates.row_K], kind="stable")
    features_ND = candidates.features_ND()
    return by_tie_K, features_ND[candidates.row_K[by_tie_K]], features_ND[candidates.kept_P]


def smallest_first(candidates: Candidates, key_K: Floats) -> Ints:
    """Return the candidates by key, equal ones by their random number, then by position."""
    order_K = np.argsort(key_K)  # equal ones in any order, which is several times as fast
    sorted_K = key_K[order_K]
    as_next = sorted_K[1:] == sorted_K[:-1]
    tied = np.flatnonzero(np.append(as_next, False) | np.append(False, as_next))
    equals = np.sort(order_K[tied])
    by_tie = equals[np.argsort(candidates.tie_N[candidates.row_K[equals]], kind="stable")]
    order_K[tied] = by_tie[np.argsort(key_K[by_tie], kind="stable")]
    return order_K


def first_to_arrive(candidates: Candidates, rule: str, log_weight_K: Floats) -> Ints:
    """Return the candidates as drawn one by one, each in proportion to score x weight.

    Run as a race: a sample arrives after an exponential time whose rate is that product (Efraimidis
    and Spirakis 2006). With score 0 it never does; such samples stand last, by the random number
    that decides between equals. A sample that competes twice arrives once, with its copies.

    Raises:
        ParamsError: a score is negative.
    """
    require_no_negative(candidates, rule)
    row_K = candidates.row_K
    score_K, race_K = candidates.score_N[row_K], candidates.random_N(rule)[row_K]
    with np.errstate(divide="ignore", invalid="ignore"):
        # In logarithms: a time divided by a tiny score would overflow.
        arrival_K = np.log(-np.log1p(-race_K)) - np.log(score_K) - log_weight_K
    arrival_K[score_K == 0] = np.inf
    return smallest_first(candidates, arrival_K)


def require_no_negative(candidates: Candidates, rule: str) -> None:
    """Check that the scores of the candidates can be weights.

    Raises:
        ParamsError: one is negative.
    """
    score_K = candidates.score_N[candidates.row_K]
    if (score_K < 0).any():
        raise ParamsError(
            f"params.yaml: select.rule is {rule}; scores must then be 0 or more, and sample "
            f"{candidates.row_K[score_K.argmin()]} has {score_K.min()}"
        )


def hardest(candidates: Candidates, count: int) -> Mask:
    """Mark the `count` highest-scored candidates, or all, bool [K]; equal ones as `top` does."""
    row_K = candidates.row_K
    is_hardest_K = np.zeros(len(row_K), dtype=np.bool_)
    if count := min(count, len(row_K)):
        key_K = -candidates.score_N[row_K]
        foremost = np.flatnonzero(key_K <= np.partition(key_K, count - 1)[count - 1])
        order = smallest_first(replace(candidates, row_K=row_K[foremost]), key_K[foremost])
        is_hardest_K[foremost[order[:count]]] = True  # all others need no order
    return is_hardest_K
