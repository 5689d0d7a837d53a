"""Picks such that every unsure candidate has one that is like it."""

from stages.select.herding import herd
from stages.select.rules.candidates import Candidates, features, require_no_negative
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Each adds about most to how well the unsure are covered, the score being the uncertainty.

    Uncertainty herding (Bae et al. 2025, arXiv 2412.20644): the radius within which a pick covers
    others shrinks as the subset grows. The budget decides how many candidates are looked at for
    each pick.

    Raises:
        ParamsError: a score is negative.
    """
    require_no_negative(candidates, "uncertainty_herding")
    by_tie_K, features_KD, kept_PD = features(candidates)
    weight_K = candidates.score_N[candidates.row_K[by_tie_K]]
    budget = candidates.count
    return by_tie_K[herd(features_KD, weight_K, kept_PD, candidates.length, budget)]
