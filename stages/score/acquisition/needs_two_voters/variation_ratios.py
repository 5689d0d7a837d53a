"""How many voters are against the majority."""

import numpy as np

from stages.score.acquisition.inputs import Signals
from stages.shared.artifacts import Array, Floats

# Vote counts held at a time: so many stay in a core's cache, whatever the number of samples.
NUM_COUNTERS = 2**18


def score(signals: Signals) -> Floats:
    """Share of the voters that are against the most voted class, in [0, 1 - 1/M] (ibid., eq. 5)."""
    votes_MN = signals["votes_MN"]
    num_voters, num_samples = votes_MN.shape
    num_classes = int(votes_MN.max()) + 1
    step = max(1, NUM_COUNTERS // num_classes)
    against_N = np.empty(num_samples, dtype=np.float64)
    for start in range(0, num_samples, step):
        votes_MB = votes_MN[:, start : start + step]
        against_N[start : start + step] = num_voters - _largest_count(votes_MB, num_classes)
    return against_N / num_voters


def _largest_count(votes_MB: Array, num_classes: int) -> Array:
    """Return how many votes the most voted class of each sample has, int64 [B]."""
    counter_MB = votes_MB + np.arange(votes_MB.shape[1]) * num_classes
    count = np.bincount(counter_MB.ravel())
    # The largest is among the counters that were voted for, often far fewer than there are.
    return count[counter_MB].max(axis=0)
