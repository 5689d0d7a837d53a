"""The length of the gradient of a sample's own loss."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Norm of the gradient of the sample's own loss, 0 or more, mean over the voters.

    High where a step on this sample alone would move the weights far, a bound of what it adds to
    a step on a batch (Vodrahalli et al. 2018, section 3.1, eq. 6 and 7). Which norm, and of which
    weights, is said by predict_pool.gradient_norm.
    """
    return signals["gradient_norm_N"].astype(np.float64)
