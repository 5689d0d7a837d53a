"""Learning curves: what their band holds, and that it does not mislead."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from benchmarks.how_much_data import hidden, simulated, table
from stages.report.formulas import learning_curve
from stages.report.formulas.learning_curve import Point, fitted

SIZES = (50, 100, 200, 400, 800)


def points_of(means, rows=(0.0,), sizes=SIZES):
    return tuple(
        Point(size, tuple(mean + row for row in rows))
        for size, mean in zip(sizes, means, strict=True)
    )


def band_at(size, means, rows=(0.0,), num_samples=10_000):
    [band] = fitted(points_of(means, rows), num_samples).bands([size])
    return band


def power_law(size, floor=2.0, begin=30.0, exponent=0.6):
    return 100 - floor - begin * (size / 50) ** -exponent


def test_fewer_than_four_sizes_say_nothing():
    assert fitted(points_of([80, 85, 88], sizes=SIZES[:3]), 1000) is None
    assert fitted(points_of([80], sizes=SIZES[:1]), 1000) is None
    assert fitted((), 1000) is None
    assert fitted(points_of([80, 85, 88, 89], sizes=SIZES[:4]), 1000) is not None


def test_beyond_the_largest_size_a_curve_drifts_as_much_as_its_falls_differ():
    # Halved, halved and then the same: the fall changes by 0 and by log 2 in a doubling.
    curve = fitted(points_of([60, 80, 90, 90], sizes=SIZES[:4]), 1000)

    assert curve.drift == pytest.approx(np.sqrt((2 * 0.1**2 + np.log(2) ** 2) / 4))


def test_between_sizes_a_bend_widens_nothing():
    means = [60, 80, 90, 90, 90]
    curve = fitted(points_of(means), 1000)
    straight = replace(curve, drift=0.0)

    assert curve.bands([300]) == straight.bands([300])
    assert curve.bands([1600])[0].high > straight.bands([1600])[0].high


def test_a_single_curve_has_the_quantiles_of_student_t(monkeypatch):
    """One point of the grid, u = 0.5 and b = 1, with 100 samples and single rows.

    Halves of the errors stay and halves fall, so s follows by weighted least squares.
    """
    monkeypatch.setattr(learning_curve, "FLOORS", np.array([0.5]))
    monkeypatch.setattr(learning_curve, "EXPONENTS", np.array([1.0]))
    monkeypatch.setattr(learning_curve, "_drift", lambda *_: 0.0)
    sizes, error_K = (10, 20, 40, 80), np.array([0.40, 0.28, 0.14, 0.11])
    curve = fitted(points_of(100 - 100 * error_K, sizes=sizes), 100)
    [band] = curve.bands([160])
    shape_K, weight_K = np.array([4.5, 2.5, 1.5, 1.0]), 1 / (error_K * (1 - error_K))
    certainty = (weight_K * shape_K**2).sum()
    error = (weight_K * shape_K * error_K).sum() / certainty
    freedom = 4 + 4 - 1
    noise = (4 * 0.01 + (weight_K * (error_K - error * shape_K) ** 2).sum()) / freedom
    there = 0.75 * error
    spread = np.sqrt(noise * (there * (1 - there) + 0.75**2 / certainty))
    low, high = stats.t.interval(0.9, freedom, 100 * (1 - there), 100 * spread)
    assert (band.low, band.high) == pytest.approx((low, high), abs=0.001)
    assert band.middle == pytest.approx(100 * (1 - there), abs=0.001)


def test_without_noise_and_with_many_samples_the_truth_is_in_a_narrow_band():
    means = [power_law(size) for size in SIZES]
    [band] = fitted(points_of(means, (0.0, 0.0)), 10**6).bands([800])
    assert band.low < power_law(800) < band.high
    assert band.high - band.low < 0.8
    [band] = fitted(points_of(means, (0.0, 0.0)), 10**6).bands([1600])  # and its drift
    assert band.low < power_law(1600) < band.high
    assert band.high - band.low < 4


@pytest.mark.parametrize(
    "means", [(70, 80, 86, 90, 92), (99, 99, 99, 99, 99), (60, 59, 63, 61, 60)]
)
def test_bands_are_ordered_within_100_points_and_never_expect_a_loss(means):
    sizes = [50, 75, 100, 400, 800, 1600, 6400]
    bands = fitted(points_of(means, (-1.0, 0.0, 1.0)), 500).bands(sizes)
    for band in bands:
        assert 0 <= band.low <= band.middle <= band.high <= 100
    for one, other in pairwise(bands):
        assert one.middle <= other.middle + 0.01


@pytest.mark.parametrize("value", [0.0, 50.0, 100.0])
def test_constant_points_promise_little_even_at_the_ends_of_the_scale(value):
    band = band_at(1600, [value] * 5, rows=(0.0, 0.0), num_samples=500)
    assert band.low <= value + 0.01
    assert band.high >= value
    assert band.middle - value < 5


def test_more_noise_more_distance_and_fewer_samples_make_bands_wider():
    means = [power_law(size) for size in SIZES]

    def width(size=1600, rows=(-0.2, 0.0, 0.2), num_samples=2000):
        band = band_at(size, means, rows, num_samples)
        return band.high - band.low

    assert width() < width(rows=(-2.0, 0.0, 2.0))
    assert width() < width(num_samples=200)
    assert width() < width(rows=(0.0,))  # a single row tells of no other
    assert width(800) < width(1600) < width(6400) * 1.5


def test_the_order_of_rows_is_nothing_and_equal_points_have_equal_bands():
    means, rows = [70, 80, 86, 90, 92], (-1.0, 0.5, 2.0)
    first, second = (band_at(1600, means, order) for order in (rows, rows[::-1]))
    assert vars(first) == pytest.approx(vars(second))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_no_point(value):
    assert fitted(points_of([70, 80, value, 90, 92]), 500) is None


def test_bands_hold_what_is_hidden_in_simulated_power_laws():
    """12 curves of seven sizes: at least 90 % of the measurements, one to eight times as large."""
    rng = np.random.default_rng(5)
    runs = [simulated("power", rng) for _ in range(12)]
    found = [one for run in runs for one in hidden(run)]
    assert len(found) == 12 * (3 + 2 + 1 + 4)
    assert np.mean([one.low <= one.value <= one.high for one in found]) >= 0.9
    # And what would be too sure of itself does not.
    assert np.mean([abs(one.value - (one.low + one.high) / 2) < 0.1 for one in found]) < 0.5


def test_bands_hold_most_of_what_comes_after_a_kink():
    rng = np.random.default_rng(6)
    rows = table({"kink": [simulated("kink", rng) for _ in range(12)]})
    between = next(row for row in rows if row["hidden"] == "between")
    assert between["covered"] >= 80
    assert {row["known_sizes"] for row in rows} == {4, 5, 6}
