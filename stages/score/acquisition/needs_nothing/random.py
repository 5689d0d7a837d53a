"""Chance, the baseline."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Uniform number in [0, 1) that is decided by the sample id, the random seed and the round.

    The baseline of all others: it runs the same rounds and learns nothing from them.
    """
    return signals["random_N"].astype(np.float64)
