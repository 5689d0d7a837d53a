"""Means, differences and their errors, over the draws of a run or the members of a single draw.

A measured accuracy is uncertain for two reasons: what was drawn and trained anew (the rows: draws
of the subsets, each the mean over its members; of a single draw its members), and which samples
the test split happens to hold (the columns: all rows are measured on the same ones, so that more
rows do not average their error away). The variance of a mean over both is that of crossed random
effects; its degrees of freedom are Satterthwaite's. With a single draw the rows are its members,
and the interval speaks of this draw alone; with a single row there is none.

Shapes: R rows, T samples of a split.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Values = npt.NDArray[np.float64]
CONFIDENCE = 0.95
BETTER, AS_GOOD_AS, WORSE, CANNOT_TELL = "better", "as good as", "worse", "cannot tell"
ROWS, SAMPLES, ANSWERS = "rows", "samples", "answers"  # where an error comes from
ENOUGH = 5  # samples that differ from the others, for an interval by their variance
TWO = 2  # rows, of which a difference is too uncertain to be paired


@dataclass(frozen=True)
class Measured:
    """What the members of one model reach, in the unit of the result (points, or shares)."""

    values_R: Values  # the metric of each member, or of each draw the mean over its members
    samples_RT: Values  # what each sample says of each row: right or not, or a pseudo-value
    num_draws: int = 1  # one: the rows are its members
    unit: float = 100.0  # what a sample counts that is right: 100 in points, 1 in shares
    # All metrics of each row: where they are equal it is the same training. None: each is a
    # training of its own.
    metrics_R: Sequence[Mapping[str, float]] | None = None


@dataclass(frozen=True)
class Estimate:
    """A mean with the variances of its two sources, and of what they do together."""

    value: float
    rows: float  # variance of the mean by draws or members; NaN with a single one
    rows_freedom: float  # its degrees of freedom
    samples: float  # by the samples of the split; NaN with a single one
    num_samples: int
    both: float  # what `rows` and `samples` both hold of the noise of single answers
    num_draws: int
    unseen: float = 0.0  # half of the interval at the least, by what the split lacks

    @property
    def variance(self) -> float:
        """Of the mean: rows + samples - both, at least the larger of the first two."""
        return max(self.rows + self.samples - self.both, self.rows, self.samples)

    @property
    def standard_error(self) -> float:
        """Its root; NaN with a single row or sample, which says nothing of others."""
        return math.sqrt(self.variance) if self.is_known else math.nan

    @property
    def is_known(self) -> bool:
        """Whether both sources of the error were seen more than once."""
        return math.isfinite(self.rows + self.samples)

    @property
    def plus_minus(self) -> float:
        """Half of the 95 % interval; NaN where there is none."""
        low, high = self.interval
        return (high - low) / 2 if math.isfinite(low) else math.nan

    @property
    def parts(self) -> dict[str, float]:
        """The shares of the variance, which add up to 1; none where there is no such number.

        rows: what would be left with endlessly many samples, so that only more rows shrink it;
        samples: with endlessly many rows; answers: what more of either shrinks.
        """
        if not self.is_known or self._reach == 0:
            return {}
        if self._reach == self.unseen:
            return {ROWS: 0.0, SAMPLES: 1.0, ANSWERS: 0.0}
        rows, samples = (
            max(part - self.both, 0.0) / self.variance for part in (self.rows, self.samples)
        )
        return {ROWS: rows, SAMPLES: samples, ANSWERS: 1 - rows - samples}

    @property
    def is_of_members_alone(self) -> bool:
        """Whether neither other draws nor the test samples add to the interval."""
        return self.num_draws == 1 and self.samples == 0 and self._reach != self.unseen

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval by Student's t; with a single row or sample it has no ends."""
        return self.value - self._reach, self.value + self._reach

    @property
    def _reach(self) -> float:
        if not self.is_known:
            return math.inf
        if self.variance == 0:
            return self.unseen
        parts = self.rows**2 / self.rows_freedom + self.samples**2 / (self.num_samples - 1)
        quantile = float(stdtrit(self.variance**2 / parts, 0.5 + CONFIDENCE / 2))
        return max(quantile * math.sqrt(self.variance), self.unseen)


def estimate(measured: Measured) -> Estimate:
    """Return the mean over the rows."""
    return _estimate(measured, [measured.values_R])


def paired_difference(first: Measured, second: Measured) -> Estimate:
    """Return first minus second.

    Paired twice: row r of both began from the same random seed, and both predict the same samples.
    Of two rows the spread is taken of each side by itself: that of two differences is too often
    close to nothing.
    """
    difference = Measured(
        first.values_R - second.values_R, first.samples_RT - second.samples_RT, first.num_draws
    )
    found = _estimate(difference, [first.values_R, second.values_R])
    share = _share_of_own_trainings(first, second)
    most = first.unit + abs(found.value)  # where one is right that was not, and the other is not
    return replace(found, unseen=share * _unseen(difference.samples_RT.mean(axis=0), most))


def unpaired_difference(first: Measured, second: Measured, *, same_samples: bool) -> Estimate:
    """Return first minus second where their rows have nothing in common, or the samples neither."""
    one, other = estimate(first), estimate(second)
    samples, value = one.samples + other.samples, one.value - other.value
    unseen = one.unseen + other.unseen
    if same_samples:
        difference_T = first.samples_RT.mean(axis=0) - second.samples_RT.mean(axis=0)
        unseen = _unseen(difference_T, first.unit + abs(value))
        samples = _of_mean(difference_T)
    rows, freedom = _added([(one.rows, one.rows_freedom), (other.rows, other.rows_freedom)])
    return Estimate(
        value=value,
        rows=rows,
        rows_freedom=freedom,
        samples=samples,
        num_samples=min(one.num_samples, other.num_samples),
        both=one.both + other.both,
        num_draws=min(one.num_draws, other.num_draws),
        unseen=unseen,
    )


def _estimate(measured: Measured, sides: Sequence[Values]) -> Estimate:
    num_rows, num_samples = measured.samples_RT.shape
    rows, freedom = _of_mean(measured.values_R), float(num_rows - 1)
    if num_rows == TWO and measured.samples_RT.any():  # the same trainings differ by nothing
        rows, freedom = _added([(_of_mean(side), 1.0) for side in sides])
    return Estimate(
        value=float(measured.values_R.mean()),
        rows=rows,
        rows_freedom=freedom,
        samples=_of_mean(measured.samples_RT.mean(axis=0)),
        num_samples=num_samples,
        both=_interaction(measured.samples_RT),
        num_draws=measured.num_draws,
        unseen=_unseen(measured.samples_RT.mean(axis=0), measured.unit),
    )


def _unseen(values_T: Values, most: float) -> float:
    """Return by how much a mean may be off that too few samples tell of; 0 where enough do.

    Where fewer than five samples differ from the others, a variance says little: none is 0, and so
    would be the interval. Then a share of other samples may differ by `most`: the upper end of the
    95 % interval of a share of which T samples held nothing (Clopper and Pearson 1934), which is
    0.41 % for 899 samples, 37 % for 8.
    """
    num = len(values_T)
    _, counts = np.unique(values_T, return_counts=True)
    if num - counts.max(initial=0) >= ENOUGH:
        return 0.0
    return most * (1.0 - float((0.5 - CONFIDENCE / 2) ** (1 / max(num, 1))))


def _share_of_own_trainings(first: Measured, second: Measured) -> float:
    """Return the share of rows that are not the same training on both sides, in [0, 1]."""
    if first.metrics_R is None or second.metrics_R is None:
        return 1.0
    pairs = zip(first.metrics_R, second.metrics_R, strict=True)
    return float(np.mean([not _is_equal(one, other) for one, other in pairs]))


def _is_equal(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether all metrics that both have are the same; older evaluations have fewer."""
    names = [*(one.keys() & other.keys())]
    return np.array_equal([one[name] for name in names], [other[name] for name in names], True)


def _of_mean(values: Values) -> float:
    """Return the variance of a mean of independent values; NaN of a single one."""
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else math.nan


def _added(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the sum of variances and its degrees of freedom, by Welch and Satterthwaite."""
    total = sum(variance for variance, _ in parts)
    if math.isnan(total) or total == 0:
        return total, 1.0
    return total, total**2 / sum(variance**2 / freedom for variance, freedom in parts)


def _interaction(samples_RT: Values) -> float:
    """Return the variance of the mean by what is neither of a row nor of a sample."""
    num_rows, num_samples = samples_RT.shape
    if min(num_rows, num_samples) == 1:
        return 0.0
    of_rows_R1 = samples_RT.mean(axis=1, keepdims=True)
    rest_RT = samples_RT - of_rows_R1 - samples_RT.mean(axis=0) + of_rows_R1.mean()
    freedom = (num_rows - 1) * (num_samples - 1)
    return float((rest_RT**2).sum() / (freedom * num_rows * num_samples))


def verdict(difference: Estimate, margin: float) -> str:
    """Classify a difference by its 95 % interval: better, as good as, worse, cannot tell.

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


def agreement(votes_MN: npt.NDArray[np.generic]) -> float:
    """Return on which share of the samples all voters agree, in [0, 1]; NaN without samples."""
    if votes_MN.shape[1] == 0:
        return math.nan
    return float((votes_MN[1:] == votes_MN[:-1]).all(axis=0).mean())
