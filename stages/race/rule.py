"""Who wins a race: never one that may be worse than random by more than the margin.

Judges, small trainings, are measured on samples that no runner was trained on. Three things make a
difference to random uncertain: which samples those are, the training of the judges, and which
random subsets happened to be drawn. All three are estimated from the race itself. After each judge
whoever is clearly behind is dropped, after the second all but three. Of those left the best wins if
its judged gain is positive and the lower bound of it, corrected for how many were in reach, is
above minus the margin; otherwise the random subset with the best judged score does.
`benchmarks/race_rule.py` simulates how often that goes wrong and what it gains.

Shapes: E entrants, J judges of each so far, R random trainings (K for each judge), V judged
samples. All values are in points: 100 where a sample is right, or a pseudo-value of the metric.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.shared.artifacts import Floats

DROPPED_BELOW = 0.9  # the one-sided bound of who is behind
FINALISTS = 3  # left after the second judge
SECOND = 2
FAR_BEHIND = 2.0  # points, and three errors: so bad a subset has a spread of its own


@dataclass(frozen=True)
class Standing:
    """How far an entrant is above the mean of random, in points."""

    gain: float
    standard_error: float  # infinite where one random training alone was judged
    freedom: float  # of Student's t

    def low(self, probability: float) -> float:
        """Return the lower bound that holds with this probability."""
        return self.gain - self._reach(probability)

    def high(self, probability: float) -> float:
        """Return the upper bound that holds with this probability."""
        return self.gain + self._reach(probability)

    def _reach(self, probability: float) -> float:
        if self.standard_error == 0 or math.isinf(self.standard_error):
            return self.standard_error
        from scipy.special import stdtrit  # here: without a race nothing needs it

        return float(stdtrit(self.freedom, probability)) * self.standard_error


@dataclass(frozen=True)
class Decision:
    """How a race ended."""

    winner: str | None  # None: a random subset
    best_random: int  # the random training with the best judged score
    bound: Mapping[str, float]  # of those who came to the end: the lower bound of the gain
    smallest_gain: float  # that the race could have seen, in points


class Race:
    """One race, judge after judge."""

    def __init__(self, names: Sequence[str], *, level: float, margin: float) -> None:
        """Begin a race; `level` is the share of wrong winners allowed, `margin` in points."""
        self.left = list(names)  # in the race
        self.standings: dict[str, Standing] = {}  # of each the last
        self.dropped_after: dict[str, int] = {}  # so many judges
        self.num_judges = 0
        self._level, self._margin = level, margin
        self._judged: dict[str, list[Floats]] = {name: [] for name in names}
        self._random: list[Floats] = []
        self._in_reach = len(self.left)

    def add(self, judged: Mapping[str, Floats], random_KV: Floats) -> None:
        """Take what one more judge says: values [V] of each that is left, and of its K random."""
        for name in self.left:
            self._judged[name].append(judged[name])
        self._random += list(random_KV)
        self.num_judges += 1
        self.standings |= self._standings(own_spread=False)
        best_first = sorted(self.left, key=lambda name: -self.standings[name].gain)
        left = [name for name in best_first if self.standings[name].high(DROPPED_BELOW) >= 0]
        if self.num_judges == SECOND:
            left = left[:FINALISTS]
        for name in self.left:
            if name not in left:
                self.dropped_after[name] = self.num_judges
        self.left = [name for name in self.left if name in left]
        if self.num_judges == 1:
            self._in_reach = len(self.left)

    def decide(self) -> Decision:
        """Return the decision, after the last judge or when nobody is left."""
        if self.left:
            self.standings |= self._standings(own_spread=True)
        probability = 1 - self._level / max(1, self._in_reach)
        bound = {name: self.standings[name].low(probability) for name in self.left}
        best = max(self.left or self.standings, key=lambda name: self.standings[name].gain)
        wins = best in bound and self.standings[best].gain > 0 and bound[best] > -self._margin
        needed = self.standings[best].gain - self.standings[best].low(probability) - self._margin
        best_random = int(np.argmax([values_V.mean() for values_V in self._random]))
        return Decision(best if wins else None, best_random, bound, max(0.0, needed))

    def _standings(self, *, own_spread: bool) -> dict[str, Standing]:
        values_EJV = np.array([self._judged[name] for name in self.left])
        found = standings(values_EJV, np.array(self._random), own_spread=own_spread)
        return dict(zip(self.left, found, strict=True))


def standings(values_EJV: Floats, random_RV: Floats, *, own_spread: bool) -> list[Standing]:
    """Return how far each entrant is above random.

    The variance of a gain is that by the samples, v, by the entrant's judges, a, and by the random
    subsets and their judges, b; its degrees of freedom are Satterthwaite's. Of a spread of means
    over samples the part is taken out that v has already. The spread of judges is the mean over
    the entrants in reach.

    Args:
        values_EJV: of the entrants.
        random_RV: of the random subsets, at least two where there is one judge only.
        own_spread: whether an entrant whose judges differ by more than that has its own spread.
    """
    _, num_judges, num_samples = values_EJV.shape
    num_random = len(random_RV)
    each = num_random // num_judges
    difference_EV = values_EJV.mean(axis=1) - random_RV.mean(axis=0)
    gain_E = difference_EV.mean(axis=1)
    v_E = difference_EV.var(axis=1, ddof=1) / num_samples
    if num_random == 1:
        return [Standing(float(gain), math.inf, 1.0) for gain in gain_E]
    b = max(0.0, _spread(random_RV) / num_random)
    a, a_freedom, b_freedom = each * b, num_random - 1.0, num_random - 1.0
    own_E = np.full(len(gain_E), a)
    if num_judges > 1:
        own_E = np.array([_spread(values_JV) for values_JV in values_EJV]) / num_judges
        is_near_E = gain_E > -3 * np.sqrt(v_E) - FAR_BEHIND
        if is_near_E.any():
            a = max(0.0, float(own_E[is_near_E].mean()))
            a_freedom = float(is_near_E.sum() * (num_judges - 1))
        b = max(a / each, b)
    a_E = np.maximum(a, own_E) if own_spread else np.full(len(gain_E), a)
    variance_E = v_E + a_E + b
    parts_E = v_E**2 / (num_samples - 1) + a_E**2 / a_freedom + b**2 / b_freedom
    return [
        Standing(float(gain), math.sqrt(variance), variance**2 / part if part else math.inf)
        for gain, variance, part in zip(gain_E, variance_E, parts_E, strict=True)
    ]


def _spread(values_JV: Floats) -> float:
    """Return the variance of the means of trainings, without that by single answers."""
    of_means = values_JV.mean(axis=1).var(ddof=1)
    of_answers = values_JV.var(axis=0, ddof=1).mean() / values_JV.shape[1]
    return float(of_means - of_answers)
