"""How much the voters disagree, each by itself sure."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Mutual information of label and model, H[E p] - E H[p], in [0, log min(M, C)] (ibid., eq. 4).

    High where members are each sure and disagree. Rounding may leave a difference just below 0 in
    the signals; it counts as the 0 it is.
    """
    predictive_N = signals["predictive_entropy_N"].astype(np.float64)
    return np.maximum(predictive_N - signals["expected_entropy_N"], 0.0)
