"""Decisions of benchmarks/race_table.py that were measured worse than random, measured again.

    OMP_NUM_THREADS=1 python -m benchmarks.race_again --work .race_table --raw data/raw

Of each decision whose target was more than the margin below the mean of random, the subset that
the race handed on is taken from the series' folder. More targets are trained on it, and one each on
random subsets that neither a judge nor the table saw: no training is one of the table's.
What was picked because it looks bad looks better the second time, whatever it is worth: the second
measurement alone counts. Its error has the three parts of `Decision.error` in race_counts.py:
trainings, random subsets, and test samples. A decision that is in the file is not measured again.

Shapes: M targets, K random subsets, T test samples (or groups of them).
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np

from benchmarks import race_runs, rows
from benchmarks.race_counts import AGAIN, MARGIN, Cell, Decision, cells
from benchmarks.race_series import SERIES
from benchmarks.race_table import RESULTS
from stages.shared import artifacts
from stages.shared.artifacts import Array
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.sizes import num_picks

HEADER = (
    *("series", "budget", "seed", "winner", "first_gain", "first_error"),
    *("targets", "random_subsets", "gain", "error"),
)
TARGETS, RANDOM = 8, 16  # M and K
FIRST_RANDOM = race_runs.NUM_RANDOM  # those before it are the table's


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--work", type=Path, required=True, help="of benchmarks.race_table")
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="where the data lie")
    parser.add_argument("--name", default="amd-epyc-2-cores_2026-11-29", help="of the CSV files")
    arguments = parser.parse_args()
    table = [
        rows.load(RESULTS / f"race-table-{kind}_{arguments.name}.csv")
        for kind in ("races", "targets")
    ]
    out = RESULTS / f"race-table-again_{arguments.name}.csv"
    work, raw = arguments.work.absolute(), arguments.raw.absolute()
    for cell, seed, winner, first in looks_worse(cells(*table)):
        key = [cell.name, str(cell.budget), seed]
        if any([row[name] for name in HEADER[:3]] == key for row in rows.load(out)):
            continue
        race_runs.begin(work, cell.name, SERIES[cell.name], raw)
        gain, error = measured(cell, int(seed))
        told = [f"{value:.3f}" for value in (first.gain, first.error)]
        found = [*key, winner, *told, TARGETS, RANDOM, f"{gain:.3f}", f"{error:.3f}"]
        rows.append(out, HEADER, [found])
        print(*found, flush=True)


def looks_worse(found: list[Cell]) -> Iterator[tuple[Cell, str, str, Decision]]:
    """Yield cell, seed, winner and decision of each that was measured worse by over the margin."""
    for cell in found:
        if not cell.name.endswith(AGAIN):
            for row, decision in zip(cell.races, cell.decisions(), strict=True):
                if decision.gain < -MARGIN:
                    yield cell, row["seed"], row["winner"], decision


def measured(cell: Cell, seed: int) -> tuple[float, float]:
    """Return the gain of a decision and its standard error, points; in the series' folder.

    The first member on the raced subset was trained for the table, and is left out.
    """
    values_RT = _values(cell, f"race-again-{seed}", seed, TARGETS + 1)[1:]
    randoms_KT = np.concatenate(
        [
            _values(cell, f"random-again-{seed}-{place}", seed, 1)
            for place in range(FIRST_RANDOM, FIRST_RANDOM + RANDOM)
        ]
    )
    difference_T = values_RT.mean(axis=0) - randoms_KT.mean(axis=0)
    parts = [values.mean(axis=1).var(ddof=1) / len(values) for values in (values_RT, randoms_KT)]
    of_test = difference_T.var(ddof=1) / len(difference_T)
    return float(difference_T.mean()), sqrt(sum(parts) + of_test)


def _values(cell: Cell, name: str, seed: int, members: int) -> Array:
    """Return what each test sample says of each target on a subset, [M, T], points."""
    series = replace(SERIES[cell.name], seeds=1, members=members)
    draw = race_runs.Cell(series, cell.budget).write(races=True, seed=seed)
    if name.startswith("race"):
        race_runs.copy(Path(f"data/subsets/{cell.budget}/{draw.draw}.csv"), name, draw.draw)
    else:
        ids = artifacts.load_sample_ids(Path("data/prepared"), "train")
        place = int(name.rpartition("-")[2])
        order_N = permutation_by_id(ids, seed, "race table", place)
        race_runs.save(name, draw.draw, order_N[: num_picks(cell.budget, len(ids))])
    race_runs.train(draw, name)
    return race_runs.values(draw, name, draw.draw)


if __name__ == "__main__":
    main()
