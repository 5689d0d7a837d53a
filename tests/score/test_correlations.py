"""Correlations: hand-computed values, scipy as the oracle, and the three tables."""

from dataclasses import replace

import numpy as np
import pytest

from stages.score import correlations
from stages.score.acquisition import ACQUISITIONS
from stages.score.correlations import comparable
from stages.score.lazy_signals import VoterEntropies
from stages.shared.artifacts import Voter, no_dynamics


def entropies_of(entropy_MS, row_S):
    """Return entropies of voters that are epochs 10, 11, ... of member 3."""
    voters = [Voter(row, 3, 10 + row, 0.5) for row in range(len(entropy_MS))]
    return VoterEntropies(voters, np.asarray(row_S), np.asarray(entropy_MS, dtype=np.float32))


def values(rows):
    return [list(row.values()) for row in rows]


# --- acquisitions.csv ----------------------------------------------------------------------------


def test_every_function_but_random_is_compared_where_everything_is_known():
    names = comparable(ACQUISITIONS, 2, ["gradient_norm"], all_trained_on=True)
    assert names == sorted(set(ACQUISITIONS) - {"random"})


@pytest.mark.parametrize(
    ("known", "missing"),
    [
        ((1, ["gradient_norm"], True), {"mutual_information", "variation_ratios"}),
        ((2, ["features"], True), {"gradient_norm"}),
        ((2, ["gradient_norm"], False), {"aum", "dual", "el2n", "forgetting_events"}),
    ],
)
def test_a_function_is_not_compared_where_what_it_needs_is_missing(known, missing):
    num_voters, pool_signals, all_trained_on = known
    names = comparable(ACQUISITIONS, num_voters, pool_signals, all_trained_on=all_trained_on)
    assert names == sorted(set(ACQUISITIONS) - {"random"} - missing)


def test_each_two_functions_have_a_row():
    scores = {
        "entropy": np.array([1.0, 2.0, 3.0]),
        "least_confidence": np.array([4.0, 4.0, 7.0]),
        "margin": np.array([5.0, 4.0, -1.0]),
    }
    assert values(correlations.of_acquisitions(scores)) == [
        ["entropy", "least_confidence", 0.866025, 0.866025],
        ["entropy", "margin", -1.0, -0.933257],
        ["least_confidence", "margin", -0.866025, -0.987829],
    ]


def test_scores_that_are_all_the_same_have_no_correlation():
    scores = {"entropy": np.array([1.0, 2.0]), "variation_ratios": np.zeros(2)}
    found = correlations.of_acquisitions(scores)
    assert values(found) == [["entropy", "variation_ratios", None, None]]


def test_no_correlation_is_a_zero_without_a_sign():
    # The second is symmetric, and but for rounding there is nothing left below zero.
    scores = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([1.0, 3.0, 1.0 - 1e-9])}
    (found,) = values(correlations.of_acquisitions(scores))
    assert str(found) == "['a', 'b', -0.5, 0.0]"


# --- voters.csv ----------------------------------------------------------------------------------


def test_each_two_voters_have_a_row():
    entropy_MS = [[0.0, 1.0, 2.0], [1.0, 2.0, 4.0], [2.0, 2.0, 1.0]]
    assert values(correlations.of_voters(entropies_of(entropy_MS, [4, 5, 9]))) == [
        [3, 10, 3, 11, 1.0, 0.981981],
        [3, 10, 3, 12, -0.866025, -0.866025],
        [3, 11, 3, 12, -0.866025, -0.944911],
    ]


def test_one_voter_has_no_pair():
    assert correlations.of_voters(entropies_of([[0.0, 1.0]], [0, 1])) == []


@pytest.mark.parametrize(("num_voters", "num_chosen"), [(99, 99), (100, 100), (250, 100)])
def test_at_most_a_hundred_voters_are_paired_from_the_first_to_the_last(num_voters, num_chosen):
    entropy_MS = np.random.default_rng(0).random((num_voters, 20))
    rows = correlations.of_voters(entropies_of(entropy_MS, np.arange(20)))
    assert len(rows) == num_chosen * (num_chosen - 1) / 2
    epochs = {row[name] for row in rows for name in ("first_epoch", "second_epoch")}
    assert len(epochs) == num_chosen
    assert (min(epochs), max(epochs)) == (10, 9 + num_voters)


# --- reference.csv -------------------------------------------------------------------------------


def test_voters_and_scores_are_compared_where_the_reference_speaks_of_them():
    nan = np.nan
    reference_N = np.array([1.0, nan, 2.0, 3.0, 9.0])
    # Of the sampled rows 0, 1, 3, 4 the second is unknown: their references are 1, 3 and 9.
    entropies = entropies_of([[0.0, 9.0, 1.0, 2.0], [2.0, 9.0, 2.0, 1.0]], [0, 1, 3, 4])
    # Of the scores the fourth is not meant: the rows 0, 2 and 4 are left.
    score_N = np.array([-1.0, 7.0, -2.0, nan, -9.0])

    assert values(correlations.with_reference(entropies, score_N, reference_N)) == [
        [3, 10, 1.0, 0.960769],
        [3, 11, -0.866025, -0.970725],
        [None, None, -1.0, -1.0],
    ]


def test_without_a_reference_there_is_no_row():
    entropies = entropies_of([[0.0, 1.0]], [0, 1])
    assert correlations.with_reference(entropies, np.zeros(3), np.full(3, np.nan)) == []


def test_a_reference_of_no_sampled_row_leaves_the_voters_without_correlations():
    reference_N = np.array([np.nan, np.nan, 1.0, 2.0])
    entropies = entropies_of([[0.0, 1.0]], [0, 1])
    found = correlations.with_reference(entropies, np.arange(4.0), reference_N)
    assert values(found) == [[3, 10, None, None], [None, None, 1.0, 1.0]]


# --- forgetting.csv ------------------------------------------------------------------------------


def noted(events_ES):
    """Return dynamics of which the rows 1, 2, 4 and 5 are noted after epochs 10, 11, ..."""
    num_epochs = len(events_ES)
    return replace(
        no_dynamics(),
        sampled_S=np.array([1, 2, 4, 5]),
        kept_member_E=np.full(num_epochs, 3),
        kept_epoch_E=np.arange(10, 10 + num_epochs),
        kept_events_ES=np.array(events_ES, dtype=np.int32),
    )


def test_events_are_compared_where_the_reference_speaks_of_sampled_rows():
    nan = np.nan
    # Row 4 is unknown: of rows 1, 2 and 5 the references are 1, 3 and 9, the last of them unlike
    # the events; rows 0 and 3 have a reference and are not sampled.
    reference_N = np.array([99.0, 1.0, 3.0, -99.0, nan, 9.0])
    dynamics = noted([[0, 1, 50, 2], [2, 2, 50, 1], [4, 4, 50, 4]])

    assert values(correlations.forgetting_with_reference(dynamics, reference_N)) == [
        [3, 10, 1.0, 0.960769],
        [3, 11, -0.866025, -0.970725],
        [3, 12, None, None],
    ]


def test_without_a_reference_no_events_are_compared():
    dynamics = noted([[0, 1, 2, 3]])
    assert correlations.forgetting_with_reference(dynamics, np.full(6, np.nan)) == []


def test_a_reference_of_no_sampled_row_leaves_the_epochs_without_correlations():
    reference_N = np.array([1.0, *[np.nan] * 5])
    found = correlations.forgetting_with_reference(noted([[0, 1, 2, 3]]), reference_N)
    assert values(found) == [[3, 10, None, None]]


def test_members_that_were_not_trained_have_no_row():
    assert correlations.forgetting_with_reference(no_dynamics(), np.arange(3.0)) == []
