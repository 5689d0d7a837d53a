"""How often a race goes wrong and what it gains, simulated: the rule of stages/race/rule.py.

    OMP_NUM_THREADS=1 python -m benchmarks.race_rule --samples 144 500 5000 --write

Each race has six entrants of which one or two are far behind, as the hardest samples of a small
subset are. An entrant's judges differ by their training, a random subset from the next by what was
drawn, and answers of two trainings to one sample are alike (correlation 0.4 to 0.55). The sizes of
all three are those of digits, MNIST and CIFAR-10, cell by cell; a training's own spread was seen
less often than the others and is a guess on the high side. In the cells of stress all entrants are
just below the margin, with judges as usual or with spreads of their own.

A failure is an entrant that wins although its judges are right less often than those of the mean
random subset by more than the margin. The gain is how much more often they are right, in the mean
over all races, random subsets that win counted as 0; captured is its share of the best entrant's
gain, or of nothing where all are worse. `random_failures` are random subsets that win and are worse
by so much, which one of them alone is in `single_random` percent; `whole_gain` counts what winning
random subsets gain, and `target_failures` are of a target, which has three quarters of the judges'
gain and something of its own. `best mean` takes whoever is best, unbounded.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from stages.race.rule import Race
from stages.shared.artifacts import Floats
from stages.shared.artifacts.csv_files import load_table, save_table
from stages.shared.samples.randomness import generator

RESULTS = Path(__file__).parent / "results/race_rule.csv"
JUDGES, RANDOM, LEVEL, MARGIN = 4, 2, 0.05, 0.3  # as the default but for its two judges
ENTRANTS = 6
ALIKE = 0.72  # of what decides an answer, the share that all trainings have in common
OF_ENTRANT = 0.06  # and the share that an entrant's judges have in common
TRANSFER = 0.75  # of the judges' gain, in the target
HEADER = [
    "samples",
    "cell",
    "rule",
    "races",
    "failures",
    "random_failures",
    "single_random",
    "target_failures",
    "gain",
    "whole_gain",
    "attainable",
    "captured",
    "trainings",
]


@dataclass(frozen=True)
class Cell:
    """What is true of the races of a cell, in points."""

    name: str
    accuracy: float
    of_subset: float  # sd of random subsets
    of_training: float
    of_target: float  # sd of a target's gain that judges do not see
    of_entrants: float  # sd of those that are not far behind
    stress: str = ""


CELLS = (
    Cell("digits 5 %", 85, 1.8, 0.9, 0.4, 1.2),
    Cell("digits 12.5 %", 94, 1.2, 0.6, 0.4, 0.9),
    Cell("digits 25 %", 97.5, 0.55, 0.35, 0.25, 0.7),
    Cell("MNIST 1 %", 95, 0.5, 0.3, 0.25, 0.7),
    Cell("CIFAR-10 5 %", 50, 0.6, 0.8, 0.9, 1.4),
    Cell("CIFAR-10 50 %", 72, 0.25, 0.5, 0.9, 1.2),
    Cell("all below the margin", 94, 0.55, 0.5, 0.4, 0.0, "below"),
    Cell("all below, uneven judges", 94, 0.55, 0.5, 0.4, 0.0, "uneven"),
)


@dataclass(frozen=True)
class Truth:
    """The gains of a race's entrants and random subsets, in points."""

    gain_E: Floats
    of_training_E: Floats  # sd of an entrant's judges
    gain_R: Floats


@dataclass
class Judges:
    """The answers of trainings to the judged samples."""

    cell: Cell
    truth: Truth
    rng: np.random.Generator
    num_samples: int

    def __post_init__(self) -> None:
        self._common_V = self.rng.standard_normal(self.num_samples)
        self._of_entrant_EV = self.rng.standard_normal((ENTRANTS, self.num_samples))

    def entrant(self, place: int) -> Floats:
        """Return one more judge's answers, float64 [V] of 0 or 100."""
        right = self.truth.gain_E[place] + self.rng.normal(0, self.truth.of_training_E[place])
        return self._answers(right, self._of_entrant_EV[place])

    def random(self, place: int) -> Floats:
        """Return the answers of the judge of a random subset."""
        right = self.truth.gain_R[place] + self.rng.normal(0, self.cell.of_training)
        return self._answers(right, self.rng.standard_normal(self.num_samples))

    def _answers(self, gain: float, own_V: Floats) -> Floats:
        accuracy = np.clip((self.cell.accuracy + gain) / 100, 0.01, 0.999)
        rest_V = self.rng.standard_normal(self.num_samples)
        latent_V = np.sqrt(ALIKE) * self._common_V + np.sqrt(OF_ENTRANT) * own_V
        latent_V += np.sqrt(1 - ALIKE - OF_ENTRANT) * rest_V
        return 100.0 * (latent_V < ndtri(accuracy))


def truth_of(cell: Cell, rng: np.random.Generator) -> Truth:
    """Draw what is true of a race."""
    gain_E = rng.normal(0.25 * cell.of_entrants, cell.of_entrants, ENTRANTS)
    of_training_E = np.full(ENTRANTS, cell.of_training)
    if cell.stress:
        gain_E[:] = -MARGIN - 0.01
        if cell.stress == "uneven":
            of_training_E *= np.exp(rng.normal(0, 0.5, ENTRANTS))
    else:
        far = rng.integers(1, 3)
        gain_E[:far] = -rng.uniform(2, min(40.0, cell.accuracy - 10), far)
        of_training_E[:far] *= 3
    return Truth(gain_E, of_training_E, rng.normal(0, cell.of_subset, JUDGES * RANDOM))


@dataclass(frozen=True)
class Outcome:
    """What a race chose, in points."""

    gain: float
    is_random: bool
    attainable: float
    single_random: float
    trainings: int


def race(cell: Cell, num_samples: int, rng: np.random.Generator) -> tuple[Outcome, Outcome]:
    """Run a race by the rule, and one that takes the best mean of all judges."""
    truth = truth_of(cell, rng)
    judges = Judges(cell, truth, rng, num_samples)
    running = Race([str(place) for place in range(ENTRANTS)], level=LEVEL, margin=MARGIN)
    trainings = 0
    while running.left and running.num_judges < JUDGES:
        first = running.num_judges * RANDOM
        judged = {name: judges.entrant(int(name)) for name in running.left}
        random_KV = np.array([judges.random(first + place) for place in range(RANDOM)])
        trainings += len(judged) + RANDOM
        running.add(judged, random_KV)
    decision = running.decide()
    of_random = truth.gain_R[decision.best_random]
    best = max(running.left or running.standings, key=lambda name: running.standings[name].gain)
    unbounded = best if running.standings[best].gain > 0 else None
    by_rule, by_mean = (
        Outcome(
            of_random if winner is None else truth.gain_E[int(winner)],
            winner is None,
            max(0.0, truth.gain_E.max()),
            truth.gain_R[0],
            trainings,
        )
        for winner in (decision.winner, unbounded)
    )
    return by_rule, by_mean


def simulate(
    cell: Cell, num_samples: int, num_races: int, random_seed: int = 0
) -> Iterator[list[object]]:
    """Yield a row of the table for each rule."""
    rng = generator(random_seed, "race rule", CELLS.index(cell), num_samples)
    races = [race(cell, num_samples, rng) for _ in range(num_races)]
    for rule, outcomes in zip(("the rule", "best mean"), zip(*races, strict=True), strict=True):
        yield [num_samples, cell.name, rule, num_races, *_row(cell, outcomes, rng)]


def _row(cell: Cell, outcomes: Sequence[Outcome], rng: np.random.Generator) -> list[object]:
    gain, is_random = (
        np.array([getattr(one, name) for one in outcomes]) for name in ("gain", "is_random")
    )
    is_worse, of_entrants = gain < -MARGIN, np.where(is_random, 0.0, gain)
    attainable = float(np.mean([one.attainable for one in outcomes]))
    target = TRANSFER * gain + rng.normal(0, cell.of_target, len(gain))
    return [
        _percent(is_worse & ~is_random),
        _percent(is_worse & is_random),
        _percent([one.single_random < -MARGIN for one in outcomes]),
        _percent(target < -MARGIN),
        round(float(of_entrants.mean()), 3),
        round(float(gain.mean()), 3),
        round(attainable, 3),
        round(100 * float(of_entrants.mean()) / attainable, 1) if attainable else "",
        round(float(np.mean([one.trainings for one in outcomes])), 1),
    ]


def _percent(which: Any) -> float:
    return round(100 * float(np.mean(which)), 2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every cell, show the table, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--samples", type=int, nargs="+", default=[144, 500, 5000])
    parser.add_argument("--races", type=int, default=2000, help="of each cell")
    parser.add_argument("--write", action="store_true", help="keep the rows in benchmarks/results")
    parsed = parser.parse_args(arguments)
    for num_samples in parsed.samples:
        for cell in CELLS:
            rows = list(simulate(cell, num_samples, parsed.races))
            for row in rows:
                print(*row, sep=", ", flush=True)
            if parsed.write:
                _keep(rows)


def _keep(rows: Sequence[list[Any]]) -> None:
    """Put the rows of a cell in the place of its earlier ones, or behind all others."""
    before: list[list[Any]] = load_table(RESULTS, HEADER) if RESULTS.exists() else []
    cell = [str(value) for value in rows[0][:2]]
    places = [place for place, row in enumerate(before) if row[:2] == cell]
    first = places[0] if places else len(before)
    others = [row for row in before if row[:2] != cell]
    save_table(RESULTS, HEADER, [*others[:first], *rows, *others[first:]])


if __name__ == "__main__":
    main()
