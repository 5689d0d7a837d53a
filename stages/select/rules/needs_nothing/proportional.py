"""A draw in proportion to the scores."""

import numpy as np

from stages.select.rules.candidates import Candidates, smallest_first
from stages.shared.artifacts import Ints
from stages.shared.errors import ParamsError


def order(candidates: Candidates) -> Ints:
    """Drawn one by one, each with probability score / sum of the scores that are left.

    The gradient-CDF of Vodrahalli et al. 2018 (section 3.3, eq. 8), run as a race: a sample arrives
    after an exponential time whose rate is its score (Efraimidis and Spirakis 2006). With score 0
    it never does; such samples stand last, by the random number that decides between equals. A
    sample that competes twice arrives once, with its copies.

    Raises:
        ParamsError: a score is negative.
    """
    row_K = candidates.row_K
    score_K, race_K = candidates.score_N[row_K], candidates.random_N("proportional")[row_K]
    if (score_K < 0).any():
        raise ParamsError(
            f"params.yaml: select.rule is proportional; scores must then be 0 or more, and sample "
            f"{row_K[score_K.argmin()]} has {score_K.min()}"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        # In logarithms: a time divided by a tiny score would overflow.
        arrival_K = np.log(-np.log1p(-race_K)) - np.log(score_K)
    arrival_K[score_K == 0] = np.inf
    return smallest_first(candidates, arrival_K)
