"""Acquisition functions: hand-computed values, independent oracles, and what holds for each."""

import math
from typing import get_args

import numpy as np
import pytest
import scipy.stats

from stages.score import acquisition
from stages.score.acquisition import ACQUISITIONS
from stages.shared import params

NAMES = sorted(ACQUISITIONS)


def signals_of(probs_MNC, targets_N=None):
    """Reduce a cube of probabilities to signals, plainly and in float64."""
    num_samples = probs_MNC.shape[1]
    mean_NC = probs_MNC.mean(axis=0)
    best_N, second_N = np.sort(mean_NC, axis=1)[:, ::-1][:, :2].T
    targets_N = np.zeros(num_samples, np.int64) if targets_N is None else np.asarray(targets_N)
    return {
        "votes_MN": probs_MNC.argmax(axis=2).astype(np.int16),
        "predicted_class_N": mean_NC.argmax(axis=1).astype(np.int16),
        "predictive_entropy_N": scipy.stats.entropy(mean_NC, axis=1),
        "expected_entropy_N": scipy.stats.entropy(probs_MNC, axis=2).mean(axis=0),
        "confidence_N": best_N,
        "margin_N": best_N - second_N,
        "label_probability_N": mean_NC[np.arange(num_samples), targets_N],
        "targets_N": targets_N,
        "random_N": np.random.default_rng(7).random(num_samples),
    }


def score(name, probs_MNC, targets_N=None):
    return ACQUISITIONS[name](signals_of(np.asarray(probs_MNC, dtype=np.float64), targets_N))


def score_votes(name, votes_NM, targets_N=None):
    votes_MN = np.array(votes_NM, dtype=np.int16).T
    return ACQUISITIONS[name]({"votes_MN": votes_MN, "targets_N": targets_N})


def random_cube(num_voters=5, num_samples=203, num_classes=7):
    rng = np.random.default_rng(1)
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


def test_mutual_information_of_members_that_are_unsure_alike_is_nothing():
    assert score("mutual_information", np.full((3, 1, 10), 0.1)) == pytest.approx([0.0])


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


def test_random_is_the_random_number_of_the_sample():
    assert ACQUISITIONS["random"]({"random_N": np.array([0.25, 0.75])}).tolist() == [0.25, 0.75]


# --- independent oracles over random probabilities -----------------------------------------------


def oracle(name, probs_MNC, targets_N, sample):
    """Compute one score from the definition, sample by sample."""
    probs_MC = probs_MNC[:, sample]
    mean_C = probs_MC.mean(axis=0)
    votes = probs_MC.argmax(axis=1).tolist()
    ranked = sorted(mean_C.tolist(), reverse=True)
    return {
        "entropy": lambda: scipy.stats.entropy(mean_C),
        # The same quantity by its other definition, the mean divergence from the mean.
        "mutual_information": lambda: np.mean([scipy.stats.entropy(p, mean_C) for p in probs_MC]),
        "variation_ratios": lambda: 1 - max(votes.count(vote) for vote in votes) / len(votes),
        "error_count": lambda: sum(vote != targets_N[sample] for vote in votes) / len(votes),
        "least_confidence": lambda: 1 - ranked[0],
        "margin": lambda: 1 - (ranked[0] - ranked[1]),
    }[name]()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
def test_scores_are_those_of_the_definition(name):
    probs_MNC, targets_N = random_cube()
    expected = [oracle(name, probs_MNC, targets_N, row) for row in range(len(targets_N))]
    assert score(name, probs_MNC, targets_N) == pytest.approx(np.array(expected), abs=1e-12)


def test_entropy_bounds_mutual_information():
    signals = random_signals()
    scores = {name: ACQUISITIONS[name](signals) for name in ("entropy", "mutual_information")}
    assert np.all(scores["mutual_information"] <= scores["entropy"])


# --- what holds for every acquisition function ---------------------------------------------------


def test_params_know_exactly_the_listed_functions_and_each_is_listed_under_its_own_name():
    assert set(ACQUISITIONS) == set(get_args(params.Acquisition))
    assert [function.__name__ for function in ACQUISITIONS.values()] == list(ACQUISITIONS)


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_gets_one_finite_float64_score(name):
    scores = ACQUISITIONS[name](random_signals())
    assert scores.dtype == np.float64
    assert scores.shape == (203,)
    assert np.all(np.isfinite(scores))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
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
def test_permuted_samples_have_permuted_scores(name):
    signals = random_signals()
    order = np.random.default_rng(2).permutation(203)
    permuted = {key: array[..., order] for key, array in signals.items()}
    assert np.array_equal(ACQUISITIONS[name](permuted), ACQUISITIONS[name](signals)[order])


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_voters_is_irrelevant(name):
    signals = random_signals()
    reversed_voters = {**signals, "votes_MN": signals["votes_MN"][::-1]}
    assert np.array_equal(ACQUISITIONS[name](reversed_voters), ACQUISITIONS[name](signals))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [1, 7, 80, 256])
def test_samples_are_scored_alike_in_parts_of_any_length(name, step):
    signals = random_signals()
    parts = [
        ACQUISITIONS[name](
            {key: array[..., start : start + step] for key, array in signals.items()}
        )
        for start in range(0, 203, step)
    ]
    assert np.array_equal(np.concatenate(parts), ACQUISITIONS[name](signals))


@pytest.mark.parametrize("num_counters", [1, 7, 100, 2**20])
def test_votes_are_counted_alike_with_room_for_any_number_of_counters(monkeypatch, num_counters):
    signals = random_signals()
    expected = ACQUISITIONS["variation_ratios"](signals)
    monkeypatch.setattr(acquisition, "NUM_COUNTERS", num_counters)
    assert np.array_equal(ACQUISITIONS["variation_ratios"](signals), expected)


SURE = [0.9, 0.1, 0.0]
UNSURE = [0.5, 0.4, 0.1]
OTHER = [0.1, 0.9, 0.0]
# For each function: what the voters say of a sample, and of one that it must score higher.
LESS_AND_MORE_UNCERTAIN = {
    "entropy": ([SURE, SURE], [UNSURE, UNSURE]),
    "error_count": ([SURE, SURE], [SURE, OTHER]),
    "least_confidence": ([SURE, SURE], [UNSURE, UNSURE]),
    "margin": ([SURE, SURE], [UNSURE, UNSURE]),
    "mutual_information": ([UNSURE, UNSURE], [SURE, OTHER]),
    "variation_ratios": ([UNSURE, UNSURE], [SURE, OTHER]),
}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
def test_the_more_uncertain_sample_has_the_higher_score(name):
    less, more = LESS_AND_MORE_UNCERTAIN[name]
    scores = score(name, np.stack([less, more], axis=1))
    assert scores[1] > scores[0]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
def test_no_sample_scores_below_one_on_which_all_voters_are_sure_and_right(name):
    certain_MNC = np.zeros((5, 1, 7))
    certain_MNC[..., 3] = 1
    lowest = score(name, certain_MNC, [3])
    assert lowest == pytest.approx([0.0])
    assert np.all(ACQUISITIONS[name](random_signals()) >= lowest)
