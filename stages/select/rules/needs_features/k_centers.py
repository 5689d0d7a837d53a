"""Picks as far apart as can be."""

from stages.select.k_centers_search import farthest_first
from stages.select.rules.candidates import Candidates, features
from stages.shared.artifacts import Ints
from stages.shared.errors import ParamsError


def order(candidates: Candidates) -> Ints:
    """Each as far as can be from the kept subset and the picks before.

    Where nothing is kept, the first `k_centers_start` picks are random; with 0 the first pick is
    the candidate nearest the mean.

    Raises:
        ParamsError: every pick would be random.
    """
    start = 0 if len(candidates.kept_P) else candidates.settings.k_centers_start
    if 0 < candidates.count <= start:
        raise ParamsError(
            f"params.yaml: select.k_centers_start is {start}; it must be below the "
            f"{candidates.count} picks of the round, or all of them are random"
        )
    by_tie_K, features_KD, kept_PD = features(candidates)
    return by_tie_K[farthest_first(features_KD, kept_PD, candidates.length, start)]
