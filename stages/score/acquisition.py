"""Acquisition functions: what the signals of the ensemble say about the worth of a sample.

Each takes the signals by name and returns one score for each sample, float64 [N]; a higher score
is selected first. Logarithms are natural. To add one, write a function and list it at the foot.

The equations are those of Chitta et al., "Less is More: an Exploration of Data Redundancy with
Active Dataset Subsampling" (2019) and "Training Data Subset Search with Ensemble Active Learning"
(2020), and of Coleman et al., "Selection via Proxy" (2020), here SVP.

Shapes: M voters, N train samples, B samples of a batch, C classes.
"""

from collections.abc import Callable, Mapping

import numpy as np

from stages.shared.artifacts import Array, Floats

Signals = Mapping[str, Array]

# Vote counts held at a time: so many stay in a core's cache, whatever the number of samples.
NUM_COUNTERS = 2**18


def entropy(signals: Signals) -> Floats:
    """Entropy of the mean probabilities, H[E p], in [0, log C] (Chitta et al. 2019, eq. 3).

    High where the ensemble as a whole is unsure, whether more data can help or not.
    """
    return signals["predictive_entropy_N"].astype(np.float64)


def mutual_information(signals: Signals) -> Floats:
    """Mutual information of label and model, H[E p] - E H[p], in [0, log min(M, C)] (ibid., eq. 4).

    High where members are each sure and disagree. Rounding may leave a difference just below 0 in
    the signals; it counts as the 0 it is.
    """
    predictive_N = signals["predictive_entropy_N"].astype(np.float64)
    return np.maximum(predictive_N - signals["expected_entropy_N"], 0.0)


def variation_ratios(signals: Signals) -> Floats:
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


def error_count(signals: Signals) -> Floats:
    """Share of the voters whose class is not the label, in [0, 1] (Chitta et al. 2020, eq. 6)."""
    return np.mean(signals["votes_MN"] != signals["targets_N"], axis=0, dtype=np.float64)


def least_confidence(signals: Signals) -> Floats:
    """One minus the largest mean probability, in [0, 1 - 1/C] (SVP, section 2)."""
    return 1.0 - signals["confidence_N"].astype(np.float64)


def margin(signals: Signals) -> Floats:
    """One minus the lead of the best mean probability over the second, in [0, 1] (SVP, section 2).

    The lead itself is small for unsure samples; subtracted from 1, a higher score is selected
    first as everywhere.
    """
    return 1.0 - signals["margin_N"].astype(np.float64)


def random(signals: Signals) -> Floats:
    """Uniform number in [0, 1) that is decided by the sample id, the random seed and the round.

    The baseline of all others: it runs the same rounds and learns nothing from them.
    """
    return signals["random_N"].astype(np.float64)


ACQUISITIONS: dict[str, Callable[[Signals], Floats]] = {
    "entropy": entropy,
    "error_count": error_count,
    "least_confidence": least_confidence,
    "margin": margin,
    "mutual_information": mutual_information,
    "random": random,
    "variation_ratios": variation_ratios,
}
