"""Means, differences and their errors, from one run of the pipeline and from several.

Two things make a measured accuracy uncertain: the members' trainings and the test samples. Both
errors are estimated and added in squares. That the random seed drew one seed subset and one
random subset is in neither: intervals speak of this draw alone, until runs with other random
seeds are compared. Then the differences themselves are the sample, and all three are in their
spread.

Shapes: M members, T samples of a split, R runs that differ by their random seed alone.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Values = npt.NDArray[np.float64]
CONFIDENCE = 0.95
BETTER, AS_GOOD_AS, WORSE, CANNOT_TELL = "better", "as good as", "worse", "cannot tell"
FEWEST_DRAWS = 3  # that an interval is taken of: with two it is 12.7 standard errors to each side


@dataclass(frozen=True)
class Measured:
    """What the members of one model reach, in the unit of the result (points, or shares)."""

    values_M: Values  # the metric of each member
    samples_MT: Values  # what each sample adds to each member's accuracy: 0, or the whole unit


@dataclass(frozen=True)
class Estimate:
    """A mean over members with the errors of its two sources."""

    value: float
    training_error: float  # of the mean over the members; NaN with a single one
    test_error: float  # of the mean over the samples
    num_members: int
    num_samples: int

    @property
    def standard_error(self) -> float:
        """sqrt(training^2 + test^2); with a single member of the test samples alone."""
        training = 0.0 if math.isnan(self.training_error) else self.training_error
        return math.hypot(training, self.test_error)

    @property
    def is_of_members_alone(self) -> bool:
        """Whether the test samples add nothing to the interval."""
        return self.test_error == 0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval by Student's t, degrees of freedom by Welch and Satterthwaite.

        From minus to plus infinity with a single member: one training says nothing of others.
        """
        if math.isnan(self.training_error):
            return -math.inf, math.inf
        variances = np.square([self.training_error, self.test_error])
        degrees = np.array([self.num_members - 1, self.num_samples - 1])
        if not variances.any():
            return self.value, self.value
        freedom = variances.sum() ** 2 / (variances**2 / degrees).sum()
        reach = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * self.standard_error
        return self.value - reach, self.value + reach


@dataclass(frozen=True)
class Draws:
    """The same difference in runs that differ by their random seed alone."""

    value_R: Values  # of each run, mean over its members

    @property
    def value(self) -> float:
        """The mean over the runs."""
        return float(self.value_R.mean())

    @property
    def is_of_members_alone(self) -> bool:
        """Never: each run drew its subsets anew."""
        return False

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % t-interval of the mean; from minus to plus infinity of fewer than three runs."""
        num_runs = len(self.value_R)
        if num_runs < FEWEST_DRAWS:
            return -math.inf, math.inf
        quantile = float(stdtrit(num_runs - 1, 0.5 + CONFIDENCE / 2))
        reach = quantile * _error_of_mean(self.value_R)
        return self.value - reach, self.value + reach


def estimate(measured: Measured) -> Estimate:
    """Return the mean of the members' values.

    training error = sd(values_M) / sqrt(M), test error = sd(mean over members of samples_MT) /
    sqrt(T), both sd with n - 1. For a metric other than the accuracy the test error is that of
    the accuracy.
    """
    num_members, num_samples = measured.samples_MT.shape
    return Estimate(
        value=float(measured.values_M.mean()),
        training_error=_error_of_mean(measured.values_M),
        test_error=_error_of_mean(measured.samples_MT.mean(axis=0)),
        num_members=num_members,
        num_samples=num_samples,
    )


def paired_difference(first: Measured, second: Measured) -> Estimate:
    """Return first minus second.

    Paired twice: member m of both began from the same weights, and both predict the same samples.
    """
    return estimate(
        Measured(first.values_M - second.values_M, first.samples_MT - second.samples_MT)
    )


def verdict(difference: Estimate | Draws, margin: float) -> str:
    """Say in a word what the 95 % interval of a difference allows to say.

    An interval over members alone never says better: the best it says is as good as.

    Args:
        difference: in any unit.
        margin: in the same unit; what is not worse by more is as good.
    """
    low, high = difference.interval
    if low > 0 and not difference.is_of_members_alone:
        return BETTER
    if low > -margin:
        return AS_GOOD_AS
    return WORSE if high < 0 else CANNOT_TELL


def agreement(votes_MN: npt.NDArray[np.generic]) -> tuple[float, float]:
    """Return on which share of the samples all voters agree, and consecutive pairs in the mean.

    Both in [0, 1]; NaN without samples.
    """
    if votes_MN.shape[1] == 0:
        return math.nan, math.nan
    same_MN = votes_MN[1:] == votes_MN[:-1]
    return float(same_MN.all(axis=0).mean()), float(same_MN.mean())


def _error_of_mean(values: Values) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
