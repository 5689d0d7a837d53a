"""The race against random, and `top` against random, over data sets and budgets.

    OMP_NUM_THREADS=1 python -m benchmarks.race_table digits mnist --raw data/raw
    python -m benchmarks.race_table --show

For each data set and budget (race_series.py) strategies race against random subsets, on the scores
of an ensemble that saw everything, where taking the hardest fails most. Targets are then trained on
the subset that the race hands on, on every entrant's proposal and on random subsets that no judge
saw, all with the same random streams, and measured on test. Rows are appended to the two files in
benchmarks/results when a cell is finished; a cell that is there is not run again.

`--show` prints, of the rows that there are, the table of cells, the count of decisions, and who
won (race_counts.py, race_shown.py).
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import race_shown, rows
from benchmarks.race_series import SERIES

RESULTS = Path(__file__).parent.absolute() / "results"
CELL = ("series", "budget")
RACES = (
    *(*CELL, "seed", "picks", "winner", "judged_samples", "judged_gain", "smallest_gain"),
    *("trainings", "full_trainings", "seconds", "full_seconds"),
)
TARGETS = (*CELL, "seed", "subset", "judged_gain", "points", "of_test")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, or show what there is."""
    parsed = _parse(arguments)
    races, targets = (
        parsed.out / f"race-table-{kind}_{parsed.name}.csv" for kind in ("races", "targets")
    )
    if parsed.show:
        print(race_shown.shown(rows.load(races), rows.load(targets)))
        return
    from benchmarks.race_runs import Cell, begin  # here: to show needs no torch

    for name in parsed.series:
        series = SERIES[name]
        begin(parsed.work, name, series, parsed.raw)
        there = {(row["series"], row["budget"]) for row in rows.load(races)}
        for budget in parsed.budgets or series.budgets:
            if (name, str(budget)) in there:
                continue
            start = time.process_time()
            found = Cell(series, budget).run()
            for path, header, some in zip((races, targets), (RACES, TARGETS), found, strict=True):
                told = [{"series": name, "budget": budget, **row} for row in some]
                rows.append(path, header, [[row[key] for key in header] for row in told])
            sys.stderr.write(f"{name} {budget}: {time.process_time() - start:.0f} s\n")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("series", nargs="*", choices=[*SERIES, []])
    parser.add_argument("--budgets", type=float, nargs="+", help="other shares than the series'")
    parser.add_argument("--work", type=Path, default=Path(".race_table"), help="its own folder")
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="where the data lie")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the two CSV files")
    parser.add_argument("--name", default="amd-epyc-2-cores_2026-11-29", help="of the CSV files")
    parser.add_argument("--show", action="store_true", help="run nothing")
    parsed = parser.parse_args(arguments)
    parsed.out, parsed.raw = parsed.out.absolute(), parsed.raw.absolute()
    parsed.work = parsed.work.absolute()
    parsed.out.mkdir(exist_ok=True)
    return parsed


if __name__ == "__main__":
    main()
