"""The hard of hard regions, but not their neighbours as well."""

import numpy as np

from stages.select.neighbour_messages import pass_messages
from stages.select.rules.candidates import Candidates, features
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Each has the most left: its own score and its neighbours', less what earlier picks took.

    D2 pruning (Maharana et al. 2024, arXiv 2310.07931). The kept subset is in the graph and takes
    first; a sample that competes twice is in it twice. The authors also leave out the hardest
    (`select.outliers`).
    """
    by_tie_K, features_KD, kept_PD = features(candidates)
    row_N = np.concatenate([candidates.kept_P, candidates.row_K[by_tie_K]])
    settings = candidates.settings.message_passing
    picks = pass_messages(
        np.concatenate([kept_PD, features_KD]),
        candidates.score_N[row_N],
        len(kept_PD),
        candidates.length,
        num_neighbours=settings.neighbours,
        gamma=settings.gamma,
    )
    return by_tie_K[picks - len(kept_PD)]
