"""A window of the candidates by difficulty."""

import numpy as np

from stages.select.rules.candidates import Candidates
from stages.select.rules.needs_nothing import top
from stages.shared.artifacts import Ints
from stages.shared.choosing.outliers import num_highest


def order(candidates: Candidates) -> Ints:
    """Highest score first, from `window.start` on; what lies before it comes last.

    The start is a share of what competes, rounded down. As wide as the budget, such windows are
    those of BWS (Choi et al. 2024, arXiv 2406.03057); `top` is the start 0. `select.outliers` skips
    the same candidates, a share of the train split, for every rule, and lets none of them be
    picked. Here those nearest the window follow where it ends at the easiest candidate.
    """
    start = num_highest(candidates.settings.window.start, len(candidates.row_K))
    hardest_first = top.order(candidates)
    return np.concatenate([hardest_first[start:], hardest_first[:start][::-1]])
