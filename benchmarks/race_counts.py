"""What the rows of benchmarks/race_table.py say: cells, decisions and winners.

A *decision* is what one draw's race handed on. Its gain is the target's accuracy on test on that
subset minus the mean of targets on random subsets that no judge saw. Targets are noisy, so a
decision is counted three times: as it was measured; by whether it is *shown* to be worse than
random by more than the margin (the one-sided 95 % bound of its gain is below minus the margin);
and beside it how many would be measured so by noise alone if every decision were worth just the
mean of random. The noise of a gain has two parts: that of test samples, from the answers, and that
of a training together with its random subset, from how the targets of random subsets differ,
pooled over a cell's draws.

*Attainable* is the gain of the best entrant in hindsight, or 0 where none is above random. The
best of noisy values is too good, so the share that is captured is rather too low. `all` leaves out
the series whose draws raced in another series too.

Shapes: S draws of a cell, K random subsets of a draw.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt

import numpy as np
from scipy.special import ndtr
from scipy.stats import beta, t

from stages.shared.artifacts import Floats

Row = Mapping[str, str]
RANDOM, RACE, TOP, EVERYTHING = "random-target-", "race", "top", "everything"
MARGIN = 0.3  # points, as presets/default.yaml has it
AGAIN = (
    "-many",
    "-each",
    "-last",
    "-judge",
)  # ends of series whose draws raced in another series too
ONE_SIDED = 1.645  # standard errors of a bound that holds with 95 %


@dataclass(frozen=True)
class Decision:
    """What a draw's race handed on, in points."""

    gain: float
    error: float  # standard error of the gain
    attainable: float


@dataclass(frozen=True)
class Cell:
    """The rows of a series at a budget."""

    name: str
    budget: float
    races: Sequence[Row]
    targets: Sequence[Row]

    @property
    def seeds(self) -> list[str]:
        """The draws."""
        return [row["seed"] for row in self.races]

    def points(self, subset: str) -> Floats:
        """Return what the targets of a subset reach in each draw, nan where none was trained."""
        found = {row["seed"]: _mean(row) for row in self.targets if row["subset"] == subset}
        return np.array([found.get(seed, np.nan) for seed in self.seeds])

    def randoms(self) -> Floats:
        """Return what the targets of random subsets reach, [S, K]."""
        names = dict.fromkeys(
            row["subset"] for row in self.targets if row["subset"].startswith(RANDOM)
        )
        return np.stack([self.points(name) for name in names], axis=1)

    def gains(self, subset: str) -> Floats:
        """Return the points above the mean of random in each draw."""
        return self.points(subset) - self.randoms().mean(axis=1)

    def entrants(self) -> list[str]:
        """Return who raced and has a target."""
        names = dict.fromkeys(row["subset"] for row in self.targets)
        return [
            name for name in names if name not in {RACE, EVERYTHING} and not name.startswith(RANDOM)
        ]

    def decisions(self) -> list[Decision]:
        """Return each draw's decision."""
        randoms_SK = self.randoms()
        of_training = float(randoms_SK.var(axis=1, ddof=1).mean())
        of_training *= 1 + 1 / randoms_SK.shape[1]
        of_test = {row["seed"]: float(row["of_test"]) for row in self.targets_of(RACE)}
        best_S = np.nanmax([self.gains(name) for name in self.entrants()], axis=0)
        return [
            Decision(float(gain), sqrt(of_training + of_test[seed]), max(0.0, float(best)))
            for seed, gain, best in zip(self.seeds, self.gains(RACE), best_S, strict=True)
        ]

    def targets_of(self, subset: str) -> list[Row]:
        """Return the rows of a subset."""
        return [row for row in self.targets if row["subset"] == subset]

    def winners(self) -> Counter[str]:
        """Return how many draws each proposal won."""
        return Counter(row["winner"] for row in self.races)


def cells(races: Sequence[Row], targets: Sequence[Row]) -> list[Cell]:
    """Return the cells, by series in the order of the rows and by budget."""
    order = list(dict.fromkeys(row["series"] for row in races))

    def key(row: Row) -> tuple[int, float]:
        return order.index(row["series"]), float(row["budget"])

    of_targets = {cell: list(found) for cell, found in groupby(sorted(targets, key=key), key)}
    return [
        Cell(order[place], budget, list(found), of_targets[place, budget])
        for (place, budget), found in groupby(sorted(races, key=key), key)
    ]


def interval(values_S: Floats) -> tuple[float, float]:
    """Return the mean over the draws, and half of its 95 % t-interval; nan of one draw."""
    num = len(values_S)
    if num == 1:
        return float(values_S[0]), np.nan
    reach = t.ppf(0.975, num - 1) * values_S.std(ddof=1) / np.sqrt(num)
    return float(values_S.mean()), float(reach)


def count(decisions: Sequence[Decision], margin: float = MARGIN) -> dict[str, float]:
    """Return how many decisions are worse than random by more than the margin, and what they gain.

    `upper` is the one-sided 95 % bound of the share that is shown (Clopper and Pearson 1934),
    percent; `captured` the share of the attainable gain, percent.
    """
    gains, errors, attainable = (
        np.array([getattr(one, name) for one in decisions])
        for name in ("gain", "error", "attainable")
    )
    num, shown = len(decisions), int(np.sum(gains + ONE_SIDED * errors < -margin))
    upper = 1.0 if shown == num else beta.ppf(0.95, shown + 1, num - shown)
    mean, reach = interval(gains)
    return {
        "decisions": num,
        "measured": int(np.sum(gains < -margin)),
        "by_noise": float(ndtr(-margin / errors).sum()),
        "shown": shown,
        "upper": 100 * float(upper),
        "gain": mean,
        "reach": reach,
        "attainable": float(attainable.mean()),
        "captured": 100 * float(gains.sum() / attainable.sum()) if attainable.any() else np.nan,
    }


def _mean(row: Row) -> float:
    return float(np.mean([float(value) for value in row["points"].split()]))
