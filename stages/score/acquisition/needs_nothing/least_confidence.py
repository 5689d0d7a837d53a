"""How far the largest probability is from certain."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """One minus the largest mean probability, in [0, 1 - 1/C] (SVP, section 2)."""
    return 1.0 - signals["confidence_N"].astype(np.float64)
