"""How often training forgot a sample."""

from stages.score.acquisition.inputs import Signals, sum_over_members
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """How often the members turned from right to wrong in training, in all, a whole number from 0.

    A member that was never right counts as more than any other can: one event for each time that
    the sample was drawn (Toneva et al. 2019, section 3; SVP, section 2.2, where it is infinite).
    """
    return sum_over_members(signals["forgetting_events_MN"])
