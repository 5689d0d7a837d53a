"""Errors, intervals and verdicts: by hand, against scipy, and by simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
import two_way
from scipy import stats

from stages.report.formulas.statistics import (
    Estimate,
    Measured,
    agreement,
    estimate,
    paired_difference,
    unpaired_difference,
    verdict,
)
from stages.report.run.results import over_draws
from stages.shared.measuring import jackknife


def measured(correct_RT, unit=100.0, num_draws=1):
    correct_RT = unit * np.asarray(correct_RT, dtype=np.float64)
    return Measured(correct_RT.mean(axis=1), correct_RT, num_draws, unit)


def random_rows(seed, num_rows=4, num_samples=50, right=0.8):
    return measured(np.random.default_rng(seed).random((num_rows, num_samples)) < right)


# --- the error of a mean --------------------------------------------------------------------------


def test_the_error_of_two_rows_on_four_samples_is_that_done_by_hand():
    found = estimate(measured([[1, 1, 1, 0], [1, 0, 1, 0]]))
    # Rows 75 and 50: variance 312.5, of the mean 156.25. Samples 100, 50, 100, 0: variance
    # 6875 / 3, of the mean 572.9. Left of each field: -+12.5 and once 37.5 to both sides.
    assert found.value == 62.5
    assert found.rows == pytest.approx(156.25)
    assert found.samples == pytest.approx(6875 / 12)
    assert found.both == pytest.approx((6 * 12.5**2 + 2 * 37.5**2) / (1 * 3 * 2 * 4))
    assert found.variance == pytest.approx(156.25 + 6875 / 12 - found.both)


@pytest.mark.parametrize("num_rows", [3, 4, 8])
def test_the_variance_is_that_of_a_two_way_layout(num_rows):
    first, second = random_rows(0, num_rows), random_rows(1, num_rows, right=0.6)
    found = paired_difference(first, second)
    difference_RT = first.samples_RT - second.samples_RT
    assert (found.rows, found.samples, found.both) == pytest.approx(two_way.parts(difference_RT))
    assert found.variance == pytest.approx(two_way.variance(difference_RT))
    reach = (found.interval[1] - found.interval[0]) / 2
    assert reach == pytest.approx(two_way.reach(difference_RT))
    assert found.value == pytest.approx(first.values_R.mean() - second.values_R.mean())


@pytest.mark.parametrize(("draw", "taste", "noise"), [(9, 1, 1), (1, 9, 1), (0, 0, 9), (3, 3, 3)])
def test_the_parts_of_an_error_are_what_more_rows_or_samples_leave(draw, taste, noise):
    """Of 40 rows and 100 samples with known effects, each part is what it was drawn with."""
    rng = np.random.default_rng(5)
    shape = (40, 100)
    rows, samples, answers = np.array([draw**2 / 40, taste**2 / 100, noise**2 / 4000]) / (
        draw**2 / 40 + taste**2 / 100 + noise**2 / 4000
    )
    values_RT = rng.normal(size=shape) * noise
    values_RT += draw * rng.normal(size=(40, 1)) + taste * rng.normal(size=100)
    found = estimate(Measured(values_RT.mean(axis=1), values_RT, 40)).parts
    assert sum(found.values()) == pytest.approx(1)
    assert found == pytest.approx({"rows": rows, "samples": samples, "answers": answers}, abs=0.25)
    assert estimate(Measured(values_RT[:1].mean(axis=1), values_RT[:1])).parts == {}


def test_pairing_cancels_what_both_models_get_wrong():
    first = random_rows(0)
    worse = measured(np.array(first.samples_RT, dtype=bool) & (np.arange(50) != 0))
    unpaired = unpaired_difference(first, worse, same_samples=False).standard_error
    assert paired_difference(first, worse).standard_error < unpaired / 2
    assert paired_difference(first, first).standard_error == 0


def test_the_difference_changes_its_sign_and_keeps_its_error_when_turned_round():
    there = paired_difference(random_rows(0), random_rows(1))
    back = paired_difference(random_rows(1), random_rows(0))
    assert there.value == pytest.approx(-back.value)
    assert there.standard_error == pytest.approx(back.standard_error)


def test_of_two_rows_each_side_is_taken_by_itself():
    """The differences are 25 and 25: their spread is nothing, and says nothing."""
    first, second = measured([[1, 1, 1, 0], [1, 0, 1, 0]]), measured([[1, 1, 0, 0], [1, 0, 0, 0]])
    found = paired_difference(first, second)
    assert (first.values_R - second.values_R).tolist() == [25, 25]
    assert found.rows == pytest.approx(2 * 156.25)
    assert found.rows_freedom == pytest.approx(2)  # of two equal variances with one each


def test_a_single_row_has_no_interval():
    one = measured([[1, 1, 1, 0]])
    for found in (estimate(one), paired_difference(one, one)):
        assert math.isnan(found.standard_error)
        assert found.interval == (-math.inf, math.inf)
        assert found.is_of_members_alone == (found.samples == 0)


def test_a_single_sample_has_no_interval():
    """A folder `test` with one file in it: the run is finished, and cannot tell."""
    first, second = (measured([[one], [0], [1]], num_draws=3) for one in (0, 1))
    for found in (
        estimate(first),
        paired_difference(first, second),
        unpaired_difference(first, second, same_samples=True),
    ):
        assert found.interval == (-math.inf, math.inf)
        assert math.isnan(found.standard_error)
        assert math.isnan(found.plus_minus)
        assert found.parts == {}
        assert verdict(found, 0.5) == "cannot tell"


def test_models_that_are_right_on_all_samples_may_differ_on_others():
    """Of 8 samples nothing is known for sure: 1 - 0.025 ^ (1 / 8) is 0.369."""
    first, second = (measured(np.ones((3, 8)), num_draws=3) for _ in range(2))
    found = paired_difference(first, second)
    assert found.interval == pytest.approx((-36.94, 36.94), abs=0.01)
    assert found.plus_minus == pytest.approx(36.94, abs=0.01)
    assert verdict(found, 0.5) == "cannot tell"
    many = measured(np.ones((3, 899)), num_draws=3)
    assert paired_difference(many, many).plus_minus == pytest.approx(0.41, abs=0.01)
    shares = measured(np.ones((2, 8)), unit=1.0, num_draws=2)
    assert paired_difference(shares, shares).plus_minus == pytest.approx(0.3694, abs=1e-4)


def of_trainings(answers, losses):
    """Return draws that answer so, each a training with a loss of its own."""
    found = measured(answers, num_draws=len(losses))
    return replace(found, metrics_R=[{"log_loss": loss} for loss in losses])


def test_models_that_answer_alike_may_differ_on_other_samples():
    """One of 40 is wrong, for all of them: 1 - 0.025 ^ (1 / 40) is 0.0881 of other samples."""
    answers = np.arange(40) > np.zeros((4, 1))
    first, second = of_trainings(answers, [1, 2, 3, 4]), of_trainings(answers, [5, 6, 7, 8])
    assert paired_difference(first, second).interval == pytest.approx((-8.81, 8.81), abs=0.01)
    assert verdict(paired_difference(first, second), 0.5) == "cannot tell"
    unpaired = unpaired_difference(first, second, same_samples=True)
    assert unpaired.interval == pytest.approx((-8.81, 8.81), abs=0.01)


def test_one_that_is_right_where_the_other_never_is_may_be_the_worse_one_on_other_samples():
    """Each of the 36.9 % that may be otherwise takes 200 points off."""
    always, never = measured(np.ones((3, 8)), num_draws=3), measured(np.zeros((3, 8)), num_draws=3)
    assert paired_difference(always, never).interval == pytest.approx((26.11, 173.89), abs=0.01)
    unpaired = unpaired_difference(always, never, same_samples=True)
    assert unpaired.interval == pytest.approx((26.11, 173.89), abs=0.01)


def test_models_that_are_never_right_may_be_so_on_other_samples():
    first, second = (measured(np.zeros((3, 40)), num_draws=3) for _ in range(2))
    assert paired_difference(first, second).plus_minus == pytest.approx(8.81, abs=0.01)
    assert estimate(first).plus_minus == pytest.approx(8.81, abs=0.01)


def test_one_other_answer_does_not_make_an_interval_shorter():
    """Of 5 x 359 answers one is wrong: by variances alone ± 0.16, where none is wrong ± 1.02."""
    first = np.ones((5, 359))
    second = first.copy()
    second[0, 0] = 0
    alike, other = (
        paired_difference(measured(answers, num_draws=5), measured(first, num_draws=5))
        for answers in (first, second)
    )
    assert alike.plus_minus == pytest.approx(1.02, abs=0.01)
    assert other.plus_minus >= alike.plus_minus
    assert other.parts == alike.parts == {"rows": 0, "samples": 1, "answers": 0}
    assert not alike.is_of_members_alone


def test_of_a_training_with_itself_nothing_can_differ():
    """In the first and last draw both sides are one training: half of the draws can differ."""
    same = of_trainings(np.arange(40) > np.zeros((4, 1)), [1, 2, 3, 4])
    assert paired_difference(same, same).interval == (0, 0)
    half = of_trainings(same.samples_RT > 0, [1, 0, 0, 4])
    assert paired_difference(same, half).plus_minus == pytest.approx(8.81 / 2, abs=0.01)


def test_trainings_are_told_apart_by_the_metrics_that_both_have():
    """Older evaluations have fewer, in any order; what is not a number is equal to itself."""
    answers = np.arange(40) > np.zeros((2, 1))
    new = replace(measured(answers), metrics_R=[{"a": 1, "b": np.nan, "c": 3}] * 2)
    assert paired_difference(new, replace(new, metrics_R=[{"b": np.nan, "a": 1}] * 2)).unseen == 0
    assert paired_difference(new, replace(new, metrics_R=[{"b": np.nan, "a": 2}] * 2)).unseen > 0


def test_the_ceiling_is_no_certainty():
    """All of 40 are right: of others 8.8 % may be wrong."""
    found = estimate(measured(np.ones((3, 40)), num_draws=3))
    assert (found.value, found.plus_minus) == pytest.approx((100, 8.81), abs=0.01)


def test_draws_are_the_means_of_their_members():
    draws = [measured([[1, 1, 0], [1, 0, 0]]), measured([[1, 1, 1], [1, 1, 0]])]
    found = over_draws(draws)
    assert found.values_R == pytest.approx([50, 500 / 6])
    assert found.samples_RT.tolist() == [[100, 50, 0], [100, 100, 50]]
    assert found.num_draws == 2
    assert over_draws(draws[:1]) is draws[0]


# --- intervals ------------------------------------------------------------------------------------


def of_parts(value, rows, samples=0.0, num_rows=4, num_samples=50, num_draws=1):
    return Estimate(value, rows, num_rows - 1, samples, num_samples, 0.0, num_draws)


def test_the_interval_is_that_of_a_t_test_when_only_the_rows_differ():
    found = of_parts(1.0, 0.25)
    assert found.interval == pytest.approx(stats.t.interval(0.95, df=3, loc=1.0, scale=0.5))


def test_the_interval_has_the_degrees_of_freedom_of_welch():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=5), rng.normal(size=9) * 2
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    value = first.mean() - second.mean()
    found = of_parts(value, stats.sem(first) ** 2, stats.sem(second) ** 2, 5, 9)
    assert found.interval == pytest.approx((expected.low, expected.high))


def test_more_draws_do_not_make_a_small_test_split_certain():
    """Both models always answer alike: all that is uncertain is which samples test holds."""
    right_T = np.random.default_rng(0).random(100) < 0.8
    other_T = np.random.default_rng(1).random(100) < 0.7
    errors = [
        paired_difference(
            measured([right_T] * num_draws, num_draws=num_draws),
            measured([other_T] * num_draws, num_draws=num_draws),
        ).standard_error
        for num_draws in (3, 20)
    ]
    assert errors == pytest.approx([100 * stats.sem(right_T.astype(float) - other_T)] * 2)


@pytest.mark.parametrize(("num_draws", "num_members"), [(1, 2), (1, 4), (2, 2), (3, 2), (5, 4)])
def test_the_interval_covers_what_is_true_in_95_of_100_experiments(num_draws, num_members):
    """No true difference; draws, trainings and test samples all add their part."""
    covered, num_runs = 0, 400
    rng = np.random.default_rng(17)
    for _ in range(num_runs):
        sides = []
        easy_T = rng.normal(1.2, 1.0, 359)
        for _ in range(2):
            taste_T = 0.5 * rng.normal(size=359)  # of samples, for one kind of subset
            draws = []
            for _ in range(num_draws):
                # With a single draw the interval speaks of this draw alone.
                of_draw = 0.15 * rng.normal() if num_draws > 1 else 0.0
                of_member_M1 = 0.1 * rng.normal(size=(num_members, 1))
                odds_MT = easy_T + taste_T + of_draw + of_member_M1
                odds_MT = odds_MT + rng.normal(size=(num_members, 359))
                draws.append(measured(odds_MT > 0))
            sides.append(over_draws(draws))
        low, high = paired_difference(*sides).interval
        covered += low <= 0 <= high
    # 95 %, with a Monte Carlo error of 1.1 points.
    assert 0.92 <= covered / num_runs <= 0.985


@pytest.mark.parametrize(
    ("num_draws", "num_members"),
    [(1, 4), *(pytest.param(draws, 2, marks=pytest.mark.slow) for draws in (3, 5))],
)
def test_the_interval_of_balanced_accuracy_covers_with_a_class_of_two_in_a_hundred(
    num_draws, num_members
):
    """With the accuracy's error in its place a quarter of the intervals would miss."""
    covered, num_runs = 0, 200
    rng = np.random.default_rng(23)
    for _ in range(num_runs):
        targets_T = (rng.random(359) < 0.02).astype(np.int64)
        targets_T[:2] = 1
        easy_T = rng.normal(np.where(targets_T == 0, 1.5, 0.5), 1.0)
        sides = []
        for _ in range(2):
            taste_T = 0.7 * rng.normal(size=359)
            draws = []
            for _ in range(num_draws):
                is_right_MT = easy_T + taste_T + 0.7 * rng.normal(size=(num_members, 359)) > 0
                predicted_MT = np.where(is_right_MT, targets_T, 1 - targets_T)
                values_MT = np.stack(
                    [
                        jackknife.of_classes("balanced_accuracy", row, targets_T)
                        for row in predicted_MT
                    ]
                )
                draws.append(Measured(values_MT.mean(axis=1), values_MT))
            sides.append(over_draws(draws))
        low, high = paired_difference(*sides).interval
        covered += low <= 0 <= high
    assert 0.92 <= covered / num_runs <= 0.99


# --- verdicts -------------------------------------------------------------------------------------


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
    difference = of_parts(value, 0.0, error**2, num_samples=10_000)
    assert verdict(difference, margin=0.5) == word


def test_an_interval_over_members_alone_never_says_better():
    alone = of_parts(5.0, 0.01)
    assert alone.interval[0] > 0
    assert verdict(alone, margin=0.5) == "as good as"
    assert verdict(of_parts(5.0, 0.01, samples=0.01), margin=0.5) == "better"
    assert verdict(of_parts(5.0, 0.01, num_draws=4), margin=0.5) == "better"


# Three draws, one sd of step apart: the interval reaches 4.302653 / sqrt(3) = 2.484138 steps.
REACH = 4.302652729911275 / math.sqrt(3)


def three_draws(mean):
    return of_parts(mean, 1 / 3, num_rows=3, num_draws=3)


@pytest.mark.parametrize(
    ("low", "word"),
    [
        (1e-6, "better"),
        (-1e-6, "as good as"),
        (-0.5 + 1e-6, "as good as"),
        (-0.5 - 1e-6, "cannot tell"),
    ],
)
def test_the_lower_end_of_the_interval_decides_at_zero_and_at_the_margin(low, word):
    assert verdict(three_draws(low + REACH), margin=0.5) == word


@pytest.mark.parametrize(("high", "word"), [(-1e-6, "worse"), (1e-6, "cannot tell")])
def test_the_upper_end_of_the_interval_decides_what_is_worse(high, word):
    assert verdict(three_draws(high - REACH), margin=0.5) == word


def test_one_row_never_tells():
    assert verdict(of_parts(50.0, math.nan, 0.01, 1, 10_000), margin=0.5) == "cannot tell"


def test_agreement_of_three_voters_on_four_samples_is_that_done_by_hand():
    votes_MN = np.array([[0, 1, 2, 0], [0, 1, 1, 1], [0, 2, 1, 0]], dtype=np.int16)
    # All agree on the first sample alone, the first two on two of four.
    assert agreement(votes_MN) == 0.25
    assert agreement(votes_MN[:2]) == 0.5
    assert agreement(np.zeros((3, 4), dtype=np.int16)) == 1.0
