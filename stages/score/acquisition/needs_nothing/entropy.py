"""The entropy of the mean probabilities."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Entropy of the mean probabilities, H[E p], in [0, log C] (Chitta et al. 2019, eq. 3).

    High where the ensemble as a whole is unsure, whether more data can help or not.
    """
    return signals["predictive_entropy_N"].astype(np.float64)
