"""How little probability the label has."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """One minus the mean probability of the label, in [0, 1].

    The difficulty of a sample with the label that it has. Where a round grows, the ensemble did not
    see the candidates: what it says of them is out of sample, and a wrong label is not yet learnt.
    """
    return 1.0 - signals["label_probability_N"].astype(np.float64)
