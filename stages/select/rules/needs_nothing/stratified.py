"""The whole range of difficulty, without its hardest end."""

from dataclasses import replace

import numpy as np

from stages.select.rules.candidates import Candidates, hardest, smallest_first
from stages.shared.artifacts import Floats, Ints
from stages.shared.choosing.outliers import num_highest
from stages.shared.choosing.sampling import nth_of_class


def order(candidates: Candidates) -> Ints:
    """One after the other of each stratum of difficulty, at random within it.

    Coverage-centric core-set selection (Zheng et al. 2023, arXiv 2210.15809, Algorithm 1): the
    share `stratified.cut` of what competes, the highest-scored, is cut; the scores of the rest are
    divided into `stratified.strata` intervals of equal width; and the budget is shared among them
    from the smallest on, each giving all that it holds or an equal part of what is left. That is
    what going round over the strata gives, the largest first, as long as each lasts: so every first
    part of this order is the allocation for its size, and nothing of the budget is lost. What was
    cut stands last, the least hard of it first.
    """
    settings, row_K = candidates.settings.stratified, candidates.row_K
    is_cut_K = hardest(candidates, num_highest(settings.cut, len(row_K)))
    rest, cut = np.flatnonzero(~is_cut_K), np.flatnonzero(is_cut_K)
    score_K = candidates.score_N[row_K]
    by_tie = rest[np.argsort(candidates.random_N("ties")[row_K[rest]], kind="stable")]
    in_turns = by_tie[np.argsort(_turn(_stratum(score_K[by_tie], settings.strata)))]
    hardest_first = smallest_first(replace(candidates, row_K=row_K[cut]), -score_K[cut])
    return np.concatenate([in_turns, cut[hardest_first][::-1]])


def _stratum(score_K: Floats, num_strata: int) -> Ints:
    """Return the interval of each score between the least and the greatest, in [0, num_strata)."""
    if not len(score_K):
        return np.empty(0, dtype=np.int64)
    least, width = score_K.min(), np.ptp(score_K)
    share_K = (score_K - least) / width if width > 0 else np.zeros(len(score_K))
    return np.minimum((share_K * num_strata).astype(np.int64), num_strata - 1)


def _turn(stratum_K: Ints) -> Ints:
    """Return when each is drawn: the first of every stratum, the largest first, then the second."""
    size_S = np.bincount(stratum_K, minlength=1)
    place_S = np.argsort(np.argsort(-size_S, kind="stable"))
    nth_K = nth_of_class(stratum_K, np.zeros_like(size_S))
    return nth_K * len(size_S) + place_S[stratum_K]
