"""A learning curve with its band: what a model reaches with so many samples, measured or not.

The error e (1 minus the metric) falls as a power law to a floor (Hoiem et al. 2021,
arXiv 2010.11029; Mahmood et al. 2022, arXiv 2207.01725), written around the largest measured size
m, whose error is s and of which a share u never goes away:

    e(n) = s (u + (1 - u) (n / m)^-b),   0 < u < 1,   b > 0

Five sizes do not fix u and b, so none is chosen: all of a grid are weighed by how well they fit
and by a prior. That of u is Jeffreys' for a share, so that no more gain (u near 1) and a power law
without a floor (u near 0) are both likely; that of b lies around 0.7, a factor of e^0.8 to both
sides. s, and the noise, are integrated out in closed form (Gelman et al., Bayesian Data Analysis,
chapter 14), so that each u and b says a Student t, and the band is the quantiles of their mixture.

The noise of a point is v e (1 - e), as that of counted answers is. v is learnt from how far the
points lie off the curves, and beforehand, worth PRIOR_WEIGHT points, from the spread of the rows
over their number, plus what the rows share and the curves cannot follow: KAPPA of the error of V
samples. Of single rows nothing is known; then it is all of it. And a curve need not be a power law:
with each doubling of the distance to the nearest point its logarithm may drift by DRIFT. Beyond the
largest size it may drift as the points do: by how much the fall of the logarithm in one doubling
differs from step to step, with DRIFT beforehand, worth PRIOR_STEPS such differences.

The band is for a new measurement: the mean of as many rows, on the same samples of validation.
benchmarks/how_much_data.py measures how often it holds that.

Shapes: K sizes, R rows (draws, or the members of a single one), G points of the grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

Values = npt.NDArray[np.float64]
LEVEL = 0.9  # of the band
FEWEST = 4  # sizes: as many as the curve and its noise have numbers
FLOORS, EXPONENTS = np.linspace(0.02, 0.98, 25), np.geomspace(0.05, 3, 25)  # u and b
EXPONENT, FACTOR = 0.7, 0.8  # of the prior over b: median, and standard deviation of its logarithm
DRIFT = 0.1  # of the error: by how much a curve leaves its power law in one doubling
PRIOR_STEPS = 2  # differences between one step's fall and the next one's
KAPPA = 0.1  # of v, in 1/V: what the samples alone do to a point
PRIOR_WEIGHT = 4  # points
NEGLIGIBLE = 1e-5  # of the weight of the heaviest
HALVINGS = 20  # of the interval that a quantile lies in: to 0.0003 points


@dataclass(frozen=True)
class Point:
    """What is reached with so many samples, in points from 0 to 100."""

    size: int
    values: tuple[float, ...]  # of each row

    @property
    def mean(self) -> float:
        """The mean over the rows."""
        return float(np.mean(self.values))


@dataclass(frozen=True)
class Band:
    """Where a new measurement lies, in points."""

    low: float
    middle: float  # half lies below
    high: float


@dataclass(frozen=True)
class Curve:
    """All curves of the grid that the points speak for; errors are shares."""

    sizes: tuple[int, ...]  # K, that were measured; the last is m
    num_samples: int  # V
    floor_G: Values
    exponent_G: Values
    weight_G: Values  # they add up to 1
    error_G: Values  # s,
    certainty_G: Values  # and one over its variance, in units of v
    noise_G: Values  # v
    freedom: int
    drift: float  # of the error, in one doubling beyond m

    def bands(self, sizes: Sequence[int]) -> list[Band]:
        """Return the band at each size."""
        shape_NG = _shape(np.array(sizes), self.sizes[-1], self.floor_G, self.exponent_G)
        error_NG = self.error_G * shape_NG
        answers_NG = _of_answers(error_NG, self.num_samples)
        variance_NG = self.noise_G * (answers_NG + shape_NG**2 / self.certainty_G)
        doublings_N = np.abs(np.log2(np.divide.outer(sizes, self.sizes))).min(axis=1)
        drift_N = np.where(np.array(sizes) > self.sizes[-1], self.drift, DRIFT)
        drift_NG = (doublings_N * drift_N**2)[:, np.newaxis] * error_NG**2
        spread_NG = np.sqrt(variance_NG + drift_NG)
        outside = (1 - LEVEL) / 2
        quantiles = [
            100 * (1 - self._quantile(share, error_NG, spread_NG))
            for share in (1 - outside, 0.5, outside)
        ]
        return [Band(*row) for row in np.clip(np.stack(quantiles, axis=1), 0, 100).tolist()]

    def _quantile(self, share: float, error_NG: Values, spread_NG: Values) -> Values:
        """Return where so much of the mixture lies below, by halving."""
        low_N, high_N = -np.ones(len(error_NG)), 2 * np.ones(len(error_NG))
        for _ in range(HALVINGS):
            middle_N = (low_N + high_N) / 2
            below_NG = stdtr(self.freedom, (middle_N[:, np.newaxis] - error_NG) / spread_NG)
            is_below_N = below_NG @ self.weight_G < share
            low_N = np.where(is_below_N, middle_N, low_N)
            high_N = np.where(is_below_N, high_N, middle_N)
        return (low_N + high_N) / 2


def fitted(points: Sequence[Point], num_samples: int) -> Curve | None:
    """Return the curves through points of growing sizes.

    None of fewer than FEWEST, or where one is no number.

    Args:
        points: of one model and one recipe; the sizes differ.
        num_samples: of validation.
    """
    if len(points) < FEWEST or not np.isfinite([point.mean for point in points]).all():
        return None
    size_K = np.array([point.size for point in points], dtype=np.float64)
    error_K = np.array([1 - point.mean / 100 for point in points])
    answers_K = _of_answers(error_K, num_samples)
    floor_G, exponent_G = (grid.ravel() for grid in np.meshgrid(FLOORS, EXPONENTS))
    shape_KG = _shape(size_K, size_K[-1], floor_G, exponent_G)
    # Weighted least squares with one unknown, s, for each point of the grid.
    certainty_G = (1 / answers_K) @ shape_KG**2
    error_G = (error_K / answers_K) @ shape_KG / certainty_G
    rest_G = (1 / answers_K) @ (error_K[:, np.newaxis] - error_G * shape_KG) ** 2
    freedom = PRIOR_WEIGHT + len(points) - 1
    noise_G = (PRIOR_WEIGHT * _expected_noise(points, answers_K, num_samples) + rest_G) / freedom
    log_weight_G = -0.5 * np.log(certainty_G) - freedom / 2 * np.log(noise_G)
    log_weight_G -= 0.5 * np.log(floor_G * (1 - floor_G))
    log_weight_G -= 0.5 * (np.log(exponent_G / EXPONENT) / FACTOR) ** 2
    weight_G = np.exp(log_weight_G - log_weight_G.max())
    kept_G = weight_G > NEGLIGIBLE
    return Curve(
        sizes=tuple(point.size for point in points),
        num_samples=num_samples,
        floor_G=floor_G[kept_G],
        exponent_G=exponent_G[kept_G],
        weight_G=weight_G[kept_G] / weight_G[kept_G].sum(),
        error_G=error_G[kept_G],
        certainty_G=certainty_G[kept_G],
        noise_G=noise_G[kept_G],
        freedom=freedom,
        drift=_drift(size_K, np.maximum(error_K, 0.5 / num_samples)),
    )


def _shape(size_K: Values, largest: float, floor_G: Values, exponent_G: Values) -> Values:
    """Return e(n) / s, [K, G]."""
    return floor_G + (1 - floor_G) * (size_K[:, np.newaxis] / largest) ** -exponent_G


def _drift(size_K: Values, error_K: Values) -> float:
    """Return the drift beyond the largest size: how unlike each other the steps' falls are."""
    doublings = np.diff(np.log2(size_K))
    fall = -np.diff(np.log(error_K)) / doublings
    change = np.diff(fall) / ((doublings[1:] + doublings[:-1]) / 2)
    learnt = PRIOR_STEPS * DRIFT**2 + (change**2).sum()
    return float(np.sqrt(learnt / (PRIOR_STEPS + len(change))))


def _of_answers(error: Values, num_samples: int) -> Values:
    """Return e (1 - e), of which V samples cannot show less than half an error."""
    kept = np.clip(error, 0.5 / num_samples, 1 - 0.5 / num_samples)
    return kept * (1 - kept)


def _expected_noise(points: Sequence[Point], answers_K: Values, num_samples: int) -> float:
    """Return v as the rows and the number of samples let it be expected."""
    num_rows = min(len(point.values) for point in points)
    if num_rows == 1:
        return 1 / num_samples
    spread_K = np.array([np.var(point.values, ddof=1) / 100**2 for point in points])
    return float((spread_K / answers_K).mean()) / num_rows + KAPPA / num_samples
