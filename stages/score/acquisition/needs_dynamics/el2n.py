"""The error early in training."""

from stages.score.acquisition.inputs import Signals, sum_over_members
from stages.shared.artifacts import Floats


def score(signals: Signals) -> Floats:
    """Euclidean length of probabilities minus label early in training, in [0, sqrt 2].

    In epoch train_ensemble.el2n_epoch, mean over the members (Paul et al. 2021, definition 2.2).
    """
    length_MN = signals["el2n_MN"]
    return sum_over_members(length_MN) / len(length_MN)
