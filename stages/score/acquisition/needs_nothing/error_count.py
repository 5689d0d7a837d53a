"""How many voters are wrong."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Share of the voters whose class is not the label, in [0, 1] (Chitta et al. 2020, eq. 6)."""
    return np.mean(signals["votes_MN"] != signals["targets_N"], axis=0, dtype=np.float64)
