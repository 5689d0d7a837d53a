"""Outliers: what is skipped for its score."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.select.rules import Candidates
from stages.select.skipped import all_voters_disagree, highest_scored
from stages.shared.errors import ParamsError


def scored(score_N, tie_N=None):
    """Return all samples as candidates with these scores."""
    count = len(score_N)
    ties = np.zeros(count) if tie_N is None else np.array(tie_N)
    nothing = np.empty(0, dtype=np.int64)
    scores = np.array(score_N)
    return Candidates(
        np.arange(count), nothing, count, count, scores, ties, None, None, None, None, None, None
    )


def test_the_highest_scored_are_marked_as_a_share_of_the_train_split():
    marked = highest_scored(scored([1.0, 4.0, 3.0, 2.0]), 0.25, num_train=8)  # two of eight
    assert marked.tolist() == [False, True, True, False]


def test_the_share_is_the_decimal_number_as_it_is_written():
    # In floating point 0.29 x 100 is a little less than 29.
    assert highest_scored(scored(np.arange(100.0)), 0.29, num_train=100).sum() == 29


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30),
    st.floats(0, 0.99),
    st.integers(0, 60),
)
def test_marked_are_the_first_by_score_then_random_number_then_position(
    scores_and_ties, fraction, num_train
):
    score_N, tie_N = np.array(scores_and_ties, dtype=np.float64).reshape(-1, 2).T
    marked = highest_scored(scored(score_N, tie_N), fraction, num_train)
    by_preference = sorted(range(len(score_N)), key=lambda row: (-score_N[row], tie_N[row], row))
    count = math.floor(Fraction(str(fraction)) * num_train)
    assert np.flatnonzero(marked).tolist() == sorted(by_preference[:count])


def test_candidates_on_which_all_voters_disagree_are_marked():
    votes_MK = np.array([[0, 1, 2, 0], [1, 1, 0, 0], [2, 0, 2, 0]], dtype=np.int16)
    assert all_voters_disagree(votes_MK, num_classes=3).tolist() == [True, False, False, False]


def test_disagreement_is_that_of_counting_different_votes():
    votes_MK = np.random.default_rng(0).integers(0, 8, (4, 300)).astype(np.int16)
    expected = [len(set(votes)) == 4 for votes in votes_MK.T.tolist()]
    assert all_voters_disagree(votes_MK, num_classes=8).tolist() == expected
    assert 0 < sum(expected) < 300


@pytest.mark.parametrize("num_voters", [1, 4])
def test_one_voter_or_more_voters_than_classes_are_an_error(num_voters):
    votes_MK = np.zeros((num_voters, 5), dtype=np.int16)
    with pytest.raises(ParamsError, match=rf"{num_voters} voters and 3 classes; .* 2 to 3"):
        all_voters_disagree(votes_MK, num_classes=3)
