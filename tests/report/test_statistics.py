"""Standard errors, intervals and verdicts, by hand and against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from stages.report.statistics import (
    Estimate,
    Measured,
    agreement,
    estimate,
    paired_difference,
    verdict,
)


def measured(correct_MT, unit=100.0):
    correct_MT = unit * np.asarray(correct_MT, dtype=np.float64)
    return Measured(correct_MT.mean(axis=1), correct_MT)


def random_members(seed, num_members=4, num_samples=50, right=0.8):
    return measured(np.random.default_rng(seed).random((num_members, num_samples)) < right)


def test_the_error_of_two_members_on_four_samples_is_that_done_by_hand():
    found = estimate(measured([[1, 1, 1, 0], [1, 0, 1, 0]]))
    # Members 75 and 50: mean 62.5, sd 17.678, over sqrt(2) 12.5.
    # Samples 100, 50, 100, 0: mean 62.5, sd sqrt(6875 / 3), over sqrt(4) 23.936.
    assert found.value == 62.5
    assert found.training_error == pytest.approx(12.5)
    assert found.test_error == pytest.approx(math.sqrt(6875 / 3) / 2)
    assert found.standard_error == pytest.approx(math.sqrt(12.5**2 + 6875 / 12))


def test_both_errors_are_standard_errors_of_the_mean_as_scipy_has_them():
    first, second = random_members(0), random_members(1, right=0.6)
    found = paired_difference(first, second)
    assert found.training_error == pytest.approx(stats.sem(first.values_M - second.values_M))
    per_sample = first.samples_MT.mean(axis=0) - second.samples_MT.mean(axis=0)
    assert found.test_error == pytest.approx(stats.sem(per_sample))
    assert found.value == pytest.approx(first.values_M.mean() - second.values_M.mean())


def test_pairing_cancels_what_both_models_get_wrong():
    first = random_members(0)
    worse = measured(np.array(first.samples_MT, dtype=bool) & (np.arange(50) != 0))
    unpaired = math.hypot(estimate(first).standard_error, estimate(worse).standard_error)
    assert paired_difference(first, worse).standard_error < unpaired / 2
    assert paired_difference(first, first).standard_error == 0


def test_the_difference_changes_its_sign_and_keeps_its_error_when_turned_round():
    there = paired_difference(random_members(0), random_members(1))
    back = paired_difference(random_members(1), random_members(0))
    assert there.value == pytest.approx(-back.value)
    assert there.standard_error == pytest.approx(back.standard_error)


def test_a_single_member_has_the_error_of_the_test_samples_alone():
    found = estimate(measured([[1, 1, 1, 0]]))
    assert math.isnan(found.training_error)
    assert found.standard_error == found.test_error == pytest.approx(25.0)
    assert found.interval == (-math.inf, math.inf)


def test_the_interval_is_that_of_a_t_test_when_only_the_trainings_differ():
    found = Estimate(1.0, training_error=0.5, test_error=0.0, num_members=4, num_samples=50)
    assert found.interval == pytest.approx(stats.t.interval(0.95, df=3, loc=1.0, scale=0.5))


def test_the_interval_has_the_degrees_of_freedom_of_welch():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=5), rng.normal(size=9) * 2
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    found = Estimate(first.mean() - second.mean(), stats.sem(first), stats.sem(second), 5, 9)
    assert found.interval == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("value", "error", "word"),
    [
        (1.0, 0.1, "better"),
        (0.0, 0.1, "as good as"),
        (-0.2, 0.05, "as good as"),  # surely lower, but within the margin
        (-0.7, 0.2, "worse"),
        (0.0, 1.0, "cannot tell"),
        (1.0, 1.0, "cannot tell"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_margin(value, error, word):
    difference = Estimate(value, 0.0, error, num_members=4, num_samples=10_000)
    assert verdict(difference, margin=0.5) == word


def test_one_member_never_tells():
    assert verdict(Estimate(50.0, math.nan, 0.1, 1, 10_000), margin=0.5) == "cannot tell"


def test_agreement_of_three_voters_on_four_samples_is_that_done_by_hand():
    votes_MN = np.array([[0, 1, 2, 0], [0, 1, 1, 1], [0, 2, 1, 0]], dtype=np.int16)
    # All agree on the first sample alone; the pairs agree on two and on two of four.
    assert agreement(votes_MN) == (0.25, 0.5)
    assert agreement(votes_MN[:2]) == (0.5, 0.5)
    assert agreement(np.zeros((3, 4), dtype=np.int16)) == (1.0, 1.0)
