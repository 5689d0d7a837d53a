"""How often the band of *How much data?* holds what is measured afterwards.

    python -m benchmarks.how_much_data measured_curves.csv --out coverage.csv
    python -m benchmarks.how_much_data --races

The curves of benchmarks/measured_curves.py, and simulated ones whose truth is known, are shown to
stages/report/formulas/learning_curve.py in part: the largest sizes are hidden (`beyond`: the first
four or more are known), or one between others is (`between`). The table has, for each hidden size,
in how many runs the 90 % band holds the mean that was measured there, how often it lies below or
above, and how wide the band is in the mean, in points. A run is three draws of one split, or one
draw.

`--races` does the same with the targets of benchmarks/race_table.py, which no constant was chosen
by: networks of this project on what races handed on and on random subsets, both up to everything,
measured on test. Those runs share test samples, and the random ones of a seed everything.

The simulated shapes, with 500 samples of validation and three draws each:

power    to a floor, of exponents from 0.2 to 1.2
kink     a power law whose exponent changes in the middle, from 0.3 to 0.9 or back
log      the error falls by as much with each doubling
flat     more samples bring nothing
sigmoid  chance at first, then steep: what a curve through small sizes foresees least
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import race_counts, rows
from benchmarks.race_table import RESULTS
from stages.report.formulas.learning_curve import FEWEST, Point, Values, fitted
from stages.shared.artifacts import save_table

SIZES = (32, 64, 128, 256, 512, 1024, 2048)
DRAWS = 3
NUM_SAMPLES = 500
DRAW_NOISE = 0.15  # of the error: one random subset differs from the next
MOST_RUNS = 2  # of one split, which share its validation samples
RACES = "race-table-[rt]a*s_*.csv"  # races, targets
NUM_RANDOM = 4  # targets of each seed
NUM_TEST = {"digit": 359, "mnist": 10_000, "cifar10": 10_000}  # samples, by how a series begins
SMALLEST_KNOWN = 2  # where a size between others is hidden: of those below it


class Run(NamedTuple):
    """A curve that was measured or simulated."""

    points: list[Point]
    num_samples: int  # of validation


class Hidden(NamedTuple):
    """A hidden size: where it lies, what was measured there, and the band."""

    place: str
    known: int  # sizes
    times: float  # as large as the largest known, or as the one below it
    value: float
    low: float
    high: float


def main() -> None:
    """Write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("curves", type=Path, nargs="?", help="of benchmarks/measured_curves.py")
    parser.add_argument("--races", action="store_true", help="curves of benchmarks/race_table.py")
    parser.add_argument("--simulations", type=int, default=100, help="of each shape")
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    arguments = parser.parse_args()
    sources: list[Callable[[int], dict[str, list[Run]]]] = []
    if arguments.curves:
        sources.append(lambda draws: measured(arguments.curves, draws))
    if arguments.races:
        tables = [rows.load(path) for path in sorted(RESULTS.glob(RACES))]
        sources.append(lambda draws: raced(race_counts.cells(*tables), draws))
    series = {
        f"{name}, {told}": runs
        for draws, told in ((DRAWS, "three draws"), (1, "one draw"))
        for source in sources
        for name, runs in source(draws).items()
    }
    for shape in SHAPES if arguments.curves else ():
        rng = np.random.default_rng([7, len(shape), ord(shape[0])])
        series[f"simulated {shape}"] = [simulated(shape, rng) for _ in range(arguments.simulations)]
    found = table(series)
    for row in found:
        print(*row.values(), sep=",", flush=True)
    if arguments.out:
        save_table(arguments.out, list(found[0]), [list(row.values()) for row in found])


# --- curves ---------------------------------------------------------------------------------------


def measured(path: Path, draws: int) -> dict[str, list[Run]]:
    """Return the runs of each series of the CSV file, of so many draws each."""
    by_split: dict[tuple[str, str], list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_split.setdefault((row["series"], row["split"]), []).append(row)
    found: dict[str, list[Run]] = {}
    for (name, _), of_split in by_split.items():
        reached = [tuple(map(float, row["accuracies"].split())) for row in of_split]
        for first in range(0, len(reached[0]) - draws + 1, draws)[:MOST_RUNS]:
            points = [
                Point(int(row["size"]), values[first : first + draws])
                for row, values in zip(of_split, reached, strict=True)
            ]
            found.setdefault(name, []).append(Run(points, int(of_split[0]["samples"])))
    return found


def raced(cells: Sequence[race_counts.Cell], draws: int) -> dict[str, list[Run]]:
    """Return the runs of races and of random subsets, of so many draws each, to everything.

    None of a series with fewer than FEWEST budgets. Several draws are those of the first seeds.
    """
    found: dict[str, list[Run]] = {}
    for name, some in groupby(cells, lambda cell: cell.name):
        by_size = {int(cell.races[0]["picks"]): cell for cell in some}
        if len(by_size) < FEWEST or name.endswith(race_counts.AGAIN):
            continue
        last = by_size[max(by_size)]
        (num_test,) = (num for data, num in NUM_TEST.items() if name.startswith(data))
        for subset in (race_counts.RACE, *(f"{race_counts.RANDOM}{k}" for k in range(NUM_RANDOM))):
            points_KS = [cell.points(subset) for cell in by_size.values()]
            points_KS.append(last.points(race_counts.EVERYTHING))
            sizes = [*by_size, round(max(by_size) / last.budget)]
            kind = "race" if subset == race_counts.RACE else "random"
            for first in range(0, len(last.seeds) - draws + 1, draws):
                points = [
                    Point(size, tuple(points_S[first : first + draws].tolist()))
                    for size, points_S in zip(sizes, points_KS, strict=True)
                ]
                found.setdefault(f"{name} {kind}", []).append(Run(points, num_test))
    return found


def _power(share: Values, rng: np.random.Generator) -> Values:
    floor, begin, exponent = rng.uniform(0, 0.1), rng.uniform(0.15, 0.5), rng.uniform(0.2, 1.2)
    return floor + begin * share**-exponent


def _kink(share: Values, rng: np.random.Generator) -> Values:
    first, then = (0.3, 0.9) if rng.random() < 0.5 else (0.9, 0.3)  # noqa: PLR2004 - a coin
    middle = share[len(share) // 2]
    before, after = np.minimum(share, middle) ** -first, np.maximum(share / middle, 1) ** -then
    return rng.uniform(0.2, 0.5) * before * after


def _log(share: Values, rng: np.random.Generator) -> Values:
    begin = rng.uniform(0.3, 0.6)
    return begin - begin * rng.uniform(0.05, 0.13) * np.log2(share)


def _flat(share: Values, rng: np.random.Generator) -> Values:
    return np.full_like(share, rng.uniform(0.02, 0.3))


def _sigmoid(share: Values, rng: np.random.Generator) -> Values:
    return 0.03 + 0.6 / (1 + share / rng.uniform(2, 5))


SHAPES: Mapping[str, Callable[[Values, np.random.Generator], Values]] = {
    "power": _power,
    "kink": _kink,
    "log": _log,
    "flat": _flat,
    "sigmoid": _sigmoid,
}


def simulated(shape: str, rng: np.random.Generator) -> Run:
    """Return a run whose expected error has a shape: answers counted, subsets and samples drawn."""
    sizes = np.array(SIZES, dtype=np.float64)
    error_K = SHAPES[shape](sizes / sizes[0], rng)
    noise_KR = (
        1
        + DRAW_NOISE
        * rng.standard_normal((len(SIZES), DRAWS))
        * (sizes[:, np.newaxis] / sizes[0]) ** -0.25
    )
    shares_KR = np.clip(error_K[:, np.newaxis] * noise_KR, 0.001, 0.999)
    wrong_KR = rng.binomial(NUM_SAMPLES, shares_KR) / NUM_SAMPLES
    points = [
        Point(size, tuple((100 - 100 * wrong_R).tolist()))
        for size, wrong_R in zip(SIZES, wrong_KR, strict=True)
    ]
    return Run(points, NUM_SAMPLES)


# --- coverage -------------------------------------------------------------------------------------


def hidden(run: Run) -> Iterator[Hidden]:
    """Yield each hidden size with the band that the others give it."""
    points = run.points
    for known in range(FEWEST, len(points)):
        curve = fitted(tuple(points[:known]), run.num_samples)
        assert curve is not None
        bands = curve.bands([point.size for point in points[known:]])
        for point, band in zip(points[known:], bands, strict=True):
            times = point.size / points[known - 1].size
            yield Hidden("beyond", known, times, point.mean, band.low, band.high)
    for place in range(SMALLEST_KNOWN, len(points) - 1):
        others = tuple(point for point in points if point is not points[place])
        curve = fitted(others, run.num_samples)
        assert curve is not None
        point, [band] = points[place], curve.bands([points[place].size])
        times = point.size / points[place - 1].size
        yield Hidden("between", len(others), times, point.mean, band.low, band.high)


def table(series: Mapping[str, Sequence[Run]]) -> list[dict[str, object]]:
    """Return coverage and width for each series, what was hidden, and how many sizes were known."""
    lines: list[dict[str, object]] = []
    for name, runs in series.items():
        found: dict[tuple[str, int], list[Hidden]] = {}
        for run in runs:
            for one in hidden(run):
                found.setdefault((one.place, one.known), []).append(one)
        for (place, known), ones in found.items():
            below = np.mean([one.value < one.low for one in ones])
            above = np.mean([one.value > one.high for one in ones])
            lines.append(
                {
                    "series": name,
                    "hidden": place,
                    "known_sizes": known,
                    "times_as_large": f"up to {max(one.times for one in ones):.3g}",
                    "runs": len(runs),
                    "covered": round(100 * float(1 - below - above), 1),
                    "below": round(100 * float(below), 1),
                    "above": round(100 * float(above), 1),
                    "mean_width": round(float(np.mean([one.high - one.low for one in ones])), 2),
                }
            )
    return lines


if __name__ == "__main__":
    main()
