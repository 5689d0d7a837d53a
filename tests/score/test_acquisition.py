"""Acquisition functions: hand-computed values, independent oracles, and what holds for each."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.score.acquisition import ACQUISITIONS
from stages.score.acquisition.needs_two_voters import variation_ratios

NAMES = sorted(ACQUISITIONS)
# What `random` says of a sample has nothing to do with its probabilities.
LEARNT = [name for name in NAMES if name != "random"]
LEAST_PROBABILITY = 1e-30  # below it logits end


def signals_of(probs_MNC, targets_N=None):
    """Reduce a cube of probabilities to signals, plainly and in float64.

    What training shows is made up from them too: as if it had one epoch, in which each member says
    of each sample what it says in the cube, and forgets it the more often the less sure it is. The
    gradient is that of the last layer's biases.
    """
    _, num_samples, num_classes = probs_MNC.shape
    mean_NC = probs_MNC.mean(axis=0)
    best_N, second_N = np.sort(mean_NC, axis=1)[:, ::-1][:, :2].T
    targets_N = np.zeros(num_samples, np.int64) if targets_N is None else np.asarray(targets_N)
    is_target_NC = np.eye(num_classes, dtype=bool)[targets_N]
    logits_MNC = np.log(np.maximum(probs_MNC, LEAST_PROBABILITY))
    others_MNC = np.where(is_target_NC, -np.inf, logits_MNC)
    error_MN = np.linalg.norm(probs_MNC - is_target_NC, axis=2)
    return {
        "votes_MN": probs_MNC.argmax(axis=2).astype(np.int16),
        "predicted_class_N": mean_NC.argmax(axis=1).astype(np.int16),
        "predictive_entropy_N": scipy.stats.entropy(mean_NC, axis=1),
        "expected_entropy_N": scipy.stats.entropy(probs_MNC, axis=2).mean(axis=0),
        "confidence_N": best_N,
        "margin_N": best_N - second_N,
        "label_probability_N": mean_NC[np.arange(num_samples), targets_N],
        "forgetting_events_MN": np.round(10 * (1 - probs_MNC[:, is_target_NC])).astype(np.int32),
        "aum_MN": logits_MNC[:, is_target_NC] - others_MNC.max(axis=2),
        "el2n_MN": error_MN,
        "dual_MN": error_MN / 8,
        "gradient_norm_N": error_MN.mean(axis=0),
        "targets_N": targets_N,
        "random_N": np.random.default_rng(7).random(num_samples),
    }


def as_stored(signals):
    """Round the signals to the precision of their files."""
    return {
        key: array.astype(np.float32) if array.dtype.kind == "f" and key != "random_N" else array
        for key, array in signals.items()
    }


def score(name, probs_MNC, targets_N=None):
    return ACQUISITIONS[name](signals_of(np.asarray(probs_MNC, dtype=np.float64), targets_N))


def score_votes(name, votes_NM, targets_N=None):
    votes_MN = np.array(votes_NM, dtype=np.int16).T
    return ACQUISITIONS[name]({"votes_MN": votes_MN, "targets_N": targets_N})


def random_cube(num_voters=5, num_samples=203, num_classes=7, seed=1):
    rng = np.random.default_rng(seed)
    cube_MNC = rng.dirichlet(np.full(num_classes, 0.3), (num_voters, num_samples))
    return cube_MNC, rng.integers(0, num_classes, num_samples)


def random_signals():
    return signals_of(*random_cube())


# --- hand-computed values ------------------------------------------------------------------------


def test_entropy_of_a_uniform_prediction_is_the_logarithm_of_the_number_of_classes():
    assert score("entropy", np.full((3, 1, 10), 0.1)) == pytest.approx([math.log(10)])


def test_mutual_information_of_members_each_sure_of_another_class_is_the_log_of_their_number():
    probs_MNC = np.eye(4)[:3, np.newaxis]  # three members, one sample, four classes
    assert score("mutual_information", probs_MNC) == pytest.approx([math.log(3)])


def test_mutual_information_takes_a_difference_below_zero_for_rounding():
    signals = {
        "predictive_entropy_N": np.array([0.5, 0.75], np.float32),
        "expected_entropy_N": np.array([0.5000001, 0.25], np.float32),
    }
    assert ACQUISITIONS["mutual_information"](signals).tolist() == [0.0, 0.5]


def test_mutual_information_agrees_with_the_average_divergence_of_the_members():
    # Published value of scikit-activeml's average_kl_divergence.
    probs_MNC = [[[0.3, 0.7], [0.4, 0.6]], [[0.2, 0.8], [0.5, 0.5]]]
    expected = [0.00670178182226764, 0.005059389928987596]
    assert score("mutual_information", probs_MNC) == pytest.approx(expected, rel=1e-12)


def test_variation_ratios_are_the_share_that_is_against_the_most_voted_class():
    # Published values of scikit-activeml's variation_ratios.
    votes_NM = [[0, 0, 2], [1, 0, 2], [2, 1, 2], [0, 0, 0]]
    assert score_votes("variation_ratios", votes_NM).tolist() == [1 / 3, 2 / 3, 1 / 3, 0]


def test_error_count_is_the_share_of_the_voters_whose_class_is_not_the_label():
    votes_NM = [[0, 0, 2], [1, 0, 2], [2, 1, 2], [0, 0, 0]]
    scores = score_votes("error_count", votes_NM, np.array([0, 0, 0, 0]))
    assert scores.tolist() == pytest.approx([1 / 3, 2 / 3, 1, 0])


def test_least_confidence_is_what_the_largest_mean_probability_leaves():
    assert score("least_confidence", [[[0.5, 0.5, 0]], [[0.7, 0.1, 0.2]]]) == pytest.approx([0.4])


def test_margin_is_what_the_lead_of_the_mean_probability_leaves():
    # The mean is 0.6, 0.3, 0.1: the lead is 0.3.
    assert score("margin", [[[0.5, 0.5, 0]], [[0.7, 0.1, 0.2]]]) == pytest.approx([0.7])


def test_label_probability_is_what_the_mean_probability_of_the_label_leaves():
    # The mean is 0.6, 0.3, 0.1.
    probs_MNC = [[[0.5, 0.5, 0]], [[0.7, 0.1, 0.2]]]
    assert score("label_probability", probs_MNC, [1]) == pytest.approx([0.7])
    assert score("label_probability", probs_MNC, [2]) == pytest.approx([0.9])


def test_forgetting_events_do_not_overflow_in_the_sum():
    events_MN = np.full((3, 1), 2**31 - 1, np.int32)
    scores = ACQUISITIONS["forgetting_events"]({"forgetting_events_MN": events_MN})
    assert scores.tolist() == [3.0 * (2**31 - 1)]


@pytest.mark.parametrize(
    ("name", "signal", "values", "expected"),
    [
        # The second sample was never right in either member's twelve epochs.
        ("forgetting_events", "forgetting_events_MN", [[0, 12, 3], [1, 12, 0]], [1, 24, 3]),
        ("aum", "aum_MN", [[3, -1], [1.5, -0.5]], [-2.25, 0.75]),
        ("el2n", "el2n_MN", [[0.5, 0], [0.25, 1], [0, 0.5]], [0.25, 0.5]),
        ("dual", "dual_MN", [[0.5, 0], [0.25, 0.5], [0, 0.25]], [0.25, 0.25]),
        ("gradient_norm", "gradient_norm_N", [0.5, 0, 7.25], [0.5, 0, 7.25]),
        ("random", "random_N", [0.25, 0.75], [0.25, 0.75]),
        # In single precision 2^24 + 1 is 2^24.
        ("aum", "aum_MN", [[2**24], [1]], [-(2**24 + 1) / 2]),
        ("el2n", "el2n_MN", [[2**24], [1]], [(2**24 + 1) / 2]),
        ("dual", "dual_MN", [[2**24], [1]], [(2**24 + 1) / 2]),
    ],
)
def test_what_stands_in_one_signal_is_taken_over_all_members(name, signal, values, expected):
    stored = np.array(values, np.int32 if name == "forgetting_events" else np.float32)
    assert ACQUISITIONS[name]({signal: stored}).tolist() == expected


# --- independent oracles over random probabilities -----------------------------------------------


def margin(probs_C, target):
    return math.log(probs_C[target]) - math.log(max(np.delete(probs_C, target)))


def share_of(votes, vote):
    return np.mean(votes == vote)


# Of one sample, from the members' probabilities p, their mean m and the target t.
ORACLES = {
    "aum": lambda p, m, t: -np.mean([margin(p_C, t) for p_C in p]),
    "el2n": lambda p, m, t: np.mean([math.dist(p_C, np.eye(len(m))[t]) for p_C in p]),
    "forgetting_events": lambda p, m, t: sum(round(10 * (1 - p_C[t])) for p_C in p),
    "gradient_norm": lambda p, m, t: np.mean([math.dist(p_C, np.eye(len(m))[t]) for p_C in p]),
    "entropy": lambda p, m, t: scipy.stats.entropy(m),
    # The same quantity by its other definition, the mean divergence from the mean.
    "mutual_information": lambda p, m, t: np.mean([scipy.stats.entropy(p_C, m) for p_C in p]),
    "variation_ratios": lambda p, m, t: 1 - max(share_of(p.argmax(1), vote) for vote in range(7)),
    "error_count": lambda p, m, t: 1 - share_of(p.argmax(1), t),
    "label_probability": lambda p, m, t: 1 - m[t],
    "least_confidence": lambda p, m, t: 1 - max(m),
    "margin": lambda p, m, t: 1 - (sorted(m)[-1] - sorted(m)[-2]),
}


@pytest.mark.parametrize("name", ORACLES)
def test_scores_are_those_of_the_definition(name):
    probs_MNC, targets_N = random_cube(num_samples=70)
    samples = zip(probs_MNC.swapaxes(0, 1), probs_MNC.mean(axis=0), targets_N, strict=True)
    expected = [ORACLES[name](*sample) for sample in samples]
    assert score(name, probs_MNC, targets_N) == pytest.approx(np.array(expected), abs=1e-12)


# --- what holds for every acquisition function ---------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_gets_one_finite_float64_score(name):
    scores = ACQUISITIONS[name](random_signals())
    assert scores.dtype == np.float64
    assert scores.shape == (203,)
    assert np.all(np.isfinite(scores))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_certain_probabilities_give_finite_scores(name, dtype):
    certain_MNC = np.eye(4)[[[0, 1, 2], [0, 2, 3], [0, 3, 3]]]
    signals = {
        key: array.astype(dtype) if array.dtype.kind == "f" else array
        for key, array in signals_of(certain_MNC).items()
    }
    assert np.all(np.isfinite(ACQUISITIONS[name](signals)))


@pytest.mark.parametrize("name", NAMES)
def test_signals_are_not_changed_and_may_be_read_only(name):
    signals = random_signals()
    before = {key: array.copy() for key, array in signals.items()}
    for array in signals.values():
        array.flags.writeable = False
    ACQUISITIONS[name](signals)
    assert all(np.array_equal(signals[key], before[key]) for key in signals)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_voters_and_members_is_irrelevant(name):
    signals = as_stored(random_signals())
    order = np.random.default_rng(2).permutation(len(signals["votes_MN"]))
    reordered = {
        key: array[order] if key.endswith("_MN") else array for key, array in signals.items()
    }
    expected = pytest.approx(ACQUISITIONS[name](signals), rel=1e-14)
    assert ACQUISITIONS[name](reordered) == expected


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(
    # From eight addends on, numpy's sums depend on the layout in memory.
    num_voters=st.integers(1, 20),
    num_samples=st.integers(1, 40),
    num_classes=st.integers(2, 9),
    step=st.integers(1, 41),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_bit_of_a_score_depends_on_what_stands_beside_it(
    name, num_voters, num_samples, num_classes, step, seed
):
    """Samples in any order, in parts of any length, give the same scores in that order."""
    signals = signals_of(*random_cube(num_voters, num_samples, num_classes, seed))
    expected = ACQUISITIONS[name](signals)
    order = np.random.default_rng(seed).permutation(num_samples)

    for in_memory in (np.ascontiguousarray, np.asfortranarray):
        parts = [
            ACQUISITIONS[name](
                {
                    key: in_memory(array[..., order[start : start + step]])
                    for key, array in signals.items()
                }
            )
            for start in range(0, num_samples, step)
        ]
        assert np.concatenate(parts).tobytes() == expected[order].tobytes()


@pytest.mark.parametrize("num_counters", [1, 7, 100, 2**20])
def test_votes_are_counted_alike_with_room_for_any_number_of_counters(monkeypatch, num_counters):
    signals = random_signals()
    expected = ACQUISITIONS["variation_ratios"](signals)
    monkeypatch.setattr(variation_ratios, "NUM_COUNTERS", num_counters)
    assert np.array_equal(ACQUISITIONS["variation_ratios"](signals), expected)


@pytest.mark.parametrize("name", LEARNT)
def test_no_sample_scores_below_one_on_which_all_voters_are_sure_and_right(name):
    certain_MNC = np.zeros((5, 1, 7))
    certain_MNC[..., 3] = 1
    lowest = score(name, certain_MNC, [3])
    assert np.all(ACQUISITIONS[name](random_signals()) >= lowest)
    if name in ORACLES:
        assert lowest == pytest.approx([math.log(LEAST_PROBABILITY) if name == "aum" else 0.0])


def to_bfloat16(probs):
    """Round to eight significant bits, halves to even."""
    bits = probs.astype(np.float32).view(np.uint32)
    bits = bits + 0x7FFF + (bits >> 16 & 1)
    return (bits & 0xFFFF0000).view(np.float32)


ROUNDINGS = {"bf16": to_bfloat16, "fp16": lambda probs: probs.astype(np.float16)}


@pytest.mark.parametrize("name", LEARNT)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounded_probabilities_keep_the_order_and_saturated_samples_are_never_first(name, rounding):
    probs_MNC, targets_N = random_cube(num_samples=600)
    is_saturated_N = np.arange(600) < 90
    # All but nothing is the label's: of the rest some becomes 0 by rounding, some was 0 before.
    rest_N = np.repeat([1e-9, 1e-40, 0.0], 30)
    probs_MNC[:, is_saturated_N] = rest_N[:, np.newaxis]
    probs_MNC[:, np.arange(90), targets_N[:90]] = 1.0

    exact = score(name, probs_MNC, targets_N)
    rounded_MNC = ROUNDINGS[rounding](probs_MNC).astype(np.float64)
    rounded = ACQUISITIONS[name](as_stored(signals_of(rounded_MNC, targets_N)))

    assert np.all(np.isfinite(rounded))
    assert rounded[is_saturated_N].max() < rounded[~is_saturated_N].max()
    kept = scipy.stats.spearmanr(exact[~is_saturated_N], rounded[~is_saturated_N]).statistic
    assert kept >= 0.99
