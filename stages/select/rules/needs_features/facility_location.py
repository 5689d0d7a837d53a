"""Picks such that every candidate has one that is like it."""

from stages.select.greedy_coverage import lazy_greedy
from stages.select.rules.candidates import Candidates, features
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Each adds most to how like all candidates are to the kept subset and the picks."""
    by_tie_K, features_KD, kept_PD = features(candidates)
    return by_tie_K[lazy_greedy(features_KD, kept_PD, candidates.length)]
