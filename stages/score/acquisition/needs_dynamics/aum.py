"""How far from its label training left a sample."""

from stages.score.acquisition.inputs import Signals, sum_over_members
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Minus the area under the margin, in logits, above 0 where mostly wrong.

    The margin is the label's logit minus the largest other, in the mean over epochs (Pleiss et al.
    2020, eq. 1 and 2) and members. Mislabelled samples have the smallest area; its sign is turned,
    so that the harder sample is selected first as everywhere.
    """
    margin_MN = signals["aum_MN"]
    return -sum_over_members(margin_MN) / len(margin_MN)
