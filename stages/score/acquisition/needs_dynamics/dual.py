"""How hard a sample was in training, and how unsure."""

from stages.score.acquisition.inputs import Signals, sum_over_members
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Spread of the label's probability from epoch to epoch times what it lacks, in [0, 1).

    In the mean over windows of ten epochs (Cho et al. 2025, arXiv 2502.06905, eq. 4) and members.
    """
    dual_MN = signals["dual_MN"]
    return sum_over_members(dual_MN) / len(dual_MN)
