"""The hard of hard regions, and not their neighbours too."""

import numpy as np

from stages.select.neighbour_messages import pass_messages
from stages.select.rules.candidates import Candidates, features
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Each has the most left of its own score and its neighbours', and takes from them.

    D2 pruning (Maharana et al. 2024, arXiv 2310.07931). The graph holds the kept subset, whose
    samples take first, and all classes. The authors leave out the hardest (`select.outliers`), and
    pick by class (`select.balanced`).
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
