"""How near the second class comes to the first."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """One minus the lead of the best mean probability over the second, in [0, 1] (SVP, section 2).

    The lead itself is small for unsure samples; subtracted from 1, a higher score is selected
    first as everywhere.
    """
    return 1.0 - signals["margin_N"].astype(np.float64)
