"""Tests for stages/shared/choosing/correlation.py: by hand, and against scipy."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stages.shared.choosing.correlation import average_ranks, pearson, spearman

# Few different values, so that many are equal.
TIED = hnp.arrays(np.float64, st.integers(0, 30), elements=st.sampled_from([-1e9, -0.0, 0.0, 2.5]))


def test_equal_values_share_the_mean_of_their_ranks():
    assert average_ranks(np.array([10.0, 30.0, 20.0, 20.0])).tolist() == [1.0, 4.0, 2.5, 2.5]


@settings(max_examples=40)
@given(TIED)
def test_ranks_are_those_of_scipy(values_N):
    assert np.array_equal(average_ranks(values_N), scipy.stats.rankdata(values_N))


def test_pearson_is_that_of_the_deviations_from_the_mean():
    # Deviations -1, 0, 1 and -1, -1, 2: their product is 3, their lengths are sqrt 2 and sqrt 6.
    correlation_FF = pearson(np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 7.0]]))
    expected = 3 / np.sqrt(12)
    assert correlation_FF == pytest.approx(np.array([[1, expected], [expected, 1]]), rel=1e-15)


def test_spearman_sees_the_order_alone():
    # The third has the ranks 1.5, 1.5, 3.
    correlation_FF = spearman(np.array([[1.0, 2.0, 3.0], [9.0, 5.0, -1e9], [4.0, 4.0, 7.0]]))
    with_ties = 1.5 / np.sqrt(2 * 1.5)
    expected = [[1, -1, with_ties], [-1, 1, -with_ties], [with_ties, -with_ties, 1]]
    assert correlation_FF == pytest.approx(np.array(expected), rel=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_are_those_of_scipy(dtype):
    rng = np.random.default_rng(3)
    values_FN = rng.normal(size=(6, 500)).round(1).astype(dtype)
    values_FN[3] += values_FN[0]
    of_values, of_ranks = pearson(values_FN), spearman(values_FN)
    for first, second in np.ndindex(6, 6):
        pair = values_FN[[first, second]].astype(np.float64)
        assert of_values[first, second] == pytest.approx(
            scipy.stats.pearsonr(*pair).statistic, abs=1e-12
        )
        assert of_ranks[first, second] == pytest.approx(
            scipy.stats.spearmanr(*pair).statistic, abs=1e-12
        )


@settings(max_examples=40)
@given(hnp.arrays(np.float64, (3, 7), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_any_finite_scores_have_a_correlation_unless_they_are_constant(values_FN):
    constant_F = np.array([len(set(values_N)) == 1 for values_N in values_FN.tolist()])
    of_ranks = spearman(values_FN)
    assert np.array_equal(np.isnan(of_ranks), constant_F[:, None] | constant_F)
    assert np.all(np.isnan(of_ranks) | (np.abs(of_ranks) <= 1))


def test_the_largest_numbers_do_not_overflow():
    largest = np.finfo(np.float64).max
    values_FN = np.array([[largest, -largest, 0.0], [1e-300, -1e-300, 0.0]])
    assert pearson(values_FN) == pytest.approx(np.ones((2, 2)))


@pytest.mark.parametrize("num", [0, 1])
def test_fewer_than_two_samples_have_no_correlation(num):
    assert np.isnan(pearson(np.ones((2, num)))).all()
    assert np.isnan(spearman(np.ones((2, num)))).all()
