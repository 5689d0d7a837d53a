"""Acquisition functions: what the signals of the ensemble say about the worth of a sample.

Each takes the signals by name and returns one score for each sample, float64 [N]; a higher score
is selected first. Logarithms are natural. To add one, write a function and list it at the foot.

The equations are those of Chitta et al., "Less is More: an Exploration of Data Redundancy with
Active Dataset Subsampling" (2019) and "Training Data Subset Search with Ensemble Active Learning"
(2020), of Coleman et al., "Selection via Proxy" (2020), here SVP, and of Vodrahalli et al., "Are
All Training Examples Created Equal?" (2018).

Shapes: M voters, or members where the signals are of their training, N train samples, B samples
of a batch, C classes.
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


def gradient_norm(signals: Signals) -> Floats:
    """Norm of the gradient of the sample's own loss, 0 or more, mean over the voters.

    High where a step on this sample alone would move the weights far, a bound of what it adds to
    a step on a batch (Vodrahalli et al. 2018, section 3.1, eq. 6 and 7). Which norm, and of which
    weights, is said by predict_pool.gradient_norm.
    """
    return signals["gradient_norm_N"].astype(np.float64)


def forgetting_events(signals: Signals) -> Floats:
    """How often the members turned from right to wrong in training, in all, a whole number from 0.

    A member that was never right counts as more than any other can: one event for each time that
    the sample was drawn (Toneva et al. 2019, section 3; SVP, section 2.2, where it is infinite).
    """
    return _sum_over_members(signals["forgetting_events_MN"])


def aum(signals: Signals) -> Floats:
    """Minus the area under the margin, in logits, above 0 where mostly wrong.

    The margin is the label's logit minus the largest other, in the mean over epochs (Pleiss et al.
    2020, eq. 1 and 2) and members. Mislabelled samples have the smallest area; its sign is turned,
    so that the harder sample is selected first as everywhere.
    """
    margin_MN = signals["aum_MN"]
    return -_sum_over_members(margin_MN) / len(margin_MN)


def el2n(signals: Signals) -> Floats:
    """Euclidean length of probabilities minus label early in training, in [0, sqrt 2].

    In epoch train_ensemble.el2n_epoch, mean over the members (Paul et al. 2021, definition 2.2).
    """
    length_MN = signals["el2n_MN"]
    return _sum_over_members(length_MN) / len(length_MN)


def _sum_over_members(values_MN: Array) -> Floats:
    """Return the sum of each sample, float64 [N].

    Member by member: numpy's own sum takes another order, with other last bits, in another layout
    of the memory and for a sample that stands alone.
    """
    sum_N = np.zeros(values_MN.shape[1], dtype=np.float64)
    for values_N in values_MN:
        sum_N += values_N
    return sum_N


def random(signals: Signals) -> Floats:
    """Uniform number in [0, 1) that is decided by the sample id, the random seed and the round.

    The baseline of all others: it runs the same rounds and learns nothing from them.
    """
    return signals["random_N"].astype(np.float64)


def score(name: str, signals: Signals, reduction: str) -> Floats:
    """Return the scores of an acquisition function, float64 [N].

    Where a sample has many outputs, such as a map of probabilities, predict_pool has applied the
    function to each of them and reduced the results: the largest of some differences is not the
    difference of the largest.
    """
    reduced = f"{name}_{reduction}_N"
    if reduced in signals:
        return signals[reduced].astype(np.float64)
    return ACQUISITIONS[name](signals)


ACQUISITIONS: dict[str, Callable[[Signals], Floats]] = {
    "aum": aum,
    "el2n": el2n,
    "entropy": entropy,
    "error_count": error_count,
    "forgetting_events": forgetting_events,
    "gradient_norm": gradient_norm,
    "least_confidence": least_confidence,
    "margin": margin,
    "mutual_information": mutual_information,
    "random": random,
    "variation_ratios": variation_ratios,
}
# With one voter they are the same for all samples.
NEED_TWO_VOTERS = ("mutual_information", "variation_ratios")
# They speak of samples that the ensemble was trained on, by the signal `<name>_MN`.
NEED_DYNAMICS = ("aum", "el2n", "forgetting_events")
