"""CIFAR-10 in small, by networks of the speed records: selected, raced, random and everything.

    OMP_NUM_THREADS=1 python -m benchmarks.cifar10_table --model airbench_half --epochs 4
    python -m benchmarks.cifar10_table --show

`presets/cifar10_airbench_cpu.yaml` with one draw for each random seed: an ensemble of a quarter of
the width chooses in two rounds, from a quarter of the budget on. A target is trained on each subset
twice, for `--epochs` of its own (`epochs`) and for as many updates as everything gets in so many
(`updates`). A row of the CSV file is one target: its accuracy on test, and the processor seconds of
its training and, of what was chosen, of its search. Rows are appended as they are finished and are
not made again, so a broken-off series goes on; of a training that was broken off, the seconds are
those of the rest.
"""

import argparse
from collections.abc import Sequence
from dataclasses import astuple, fields
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import rows, stages_here
from benchmarks.cifar10_runs import EVERYTHING, RACED, RANDOM, SELECTED, Cell, Found

OUT = Path(__file__).parent.absolute() / "results/cifar10-table_amd-epyc-2-cores_2026-11-29.csv"
LENGTHS = ("epochs", "updates")
# Ensembles of eight ResNet-18, points: Chitta et al. 2020 (arXiv 1905.12737), Table I.
PAPER = {(0.5, SELECTED): 96.30, (0.5, RANDOM): 94.30, (1.0, EVERYTHING): 96.18}


HEADER = tuple(field.name for field in fields(Found))
KEY = HEADER[: HEADER.index("picks")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, or show what there is."""
    parsed = _parse(arguments)
    if not parsed.show:
        run(parsed)
    print(table(rows.load(parsed.out)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--model", default="airbench_half", help="of the targets")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.5, 0.1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=[RANDOM, SELECTED, RACED])
    parser.add_argument("--lengths", nargs="+", default=LENGTHS, choices=LENGTHS)
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="where cifar10/ lies")
    parser.add_argument("--work", type=Path, default=Path(".cifar10_table"), help="its own folder")
    parser.add_argument("--out", type=Path, default=OUT, help="the CSV file")
    parser.add_argument("--set", nargs="*", default=[], help="other settings, as dvc's -S")
    parser.add_argument("--show", action="store_true", help="run nothing")
    parsed = parser.parse_args(arguments)
    parsed.out, parsed.work = parsed.out.absolute(), parsed.work.absolute()
    return parsed


# --- running --------------------------------------------------------------------------------------


def run(parsed: argparse.Namespace) -> None:
    """Train and measure the targets that the file lacks, a random seed after the other."""
    raw = parsed.raw.absolute()
    for seed in parsed.seeds:
        first = parsed.budgets[0]
        asked = [
            (first, EVERYTHING, "epochs"),
            *product(parsed.budgets, parsed.arms, parsed.lengths),
        ]
        for budget, arm, length in asked:
            of = 1.0 if arm == EVERYTHING else budget
            key = tuple(map(str, (parsed.model, parsed.epochs, of, arm, length, seed)))
            if key in {tuple(row[name] for name in KEY) for row in rows.load(parsed.out)}:
                continue
            name = f"{parsed.model}-{parsed.epochs}-{budget}-{seed}"
            stages_here.enter(parsed.work, name, raw)
            cell = Cell(parsed.model, parsed.epochs, budget, seed, tuple(parsed.set))
            found = cell.target(arm, length)
            rows.append(parsed.out, HEADER, [astuple(found)])
            print(found, flush=True)


# --- what comes out -------------------------------------------------------------------------------


def table(found: Sequence[rows.Row]) -> str:
    """Return means over the random seeds, paired differences with their 95 % t-intervals, costs.

    *Cost* is search and training together, in trainings on everything by processor seconds.
    """
    lines = [
        "| target, epochs | kept | subset | equal | seeds | accuracy | minus random "
        "| minus everything | cost | published |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    series = {(row["model"], row["epochs"]) for row in found}
    for model, epochs in sorted(series):
        own = [row for row in found if (row["model"], row["epochs"]) == (model, epochs)]
        everything = _by_seed(own, "1.0", EVERYTHING, "epochs")
        lines += [
            f"| `{model}`, {epochs} | {float(budget):.0%} | {arm} | {length} "
            f"| {_cells(own, budget, arm, length, everything)} |"
            for budget, arm, length in sorted({tuple(row[k] for k in KEY[2:5]) for row in own})
        ]
    return "\n".join(lines)


def _cells(
    own: Sequence[rows.Row],
    budget: str,
    arm: str,
    length: str,
    everything: dict[str, rows.Row],
) -> str:
    here = _by_seed(own, budget, arm, length)
    random = _by_seed(own, budget, RANDOM, length)
    accuracies = [float(row["accuracy"]) for row in here.values()]
    costs = [
        (float(row["training_seconds"]) + float(row["search_seconds"]))
        / float(everything[seed]["training_seconds"])
        for seed, row in here.items()
        if seed in everything
    ]
    cells = [
        str(len(here)),
        f"{np.mean(accuracies):.2f}",
        difference(here, random) if arm not in {RANDOM, EVERYTHING} else "",
        difference(here, everything) if arm != EVERYTHING else "",
        f"{np.mean(costs):.2f}" if costs else "",
        f"{PAPER[key]:.2f}" if (key := (float(budget), arm)) in PAPER else "",
    ]
    return " | ".join(cells)


def _by_seed(own: Sequence[rows.Row], budget: str, arm: str, length: str) -> dict[str, rows.Row]:
    wanted = (budget, arm, length)
    return {row["seed"]: row for row in own if tuple(row[k] for k in KEY[2:5]) == wanted}


def difference(here: dict[str, rows.Row], other: dict[str, rows.Row]) -> str:
    """Return the mean difference of the seeds that both have, ± half of its 95 % t-interval."""
    found = [
        float(row["accuracy"]) - float(other[seed]["accuracy"])
        for seed, row in here.items()
        if seed in other
    ]
    if not found:
        return ""
    if len(found) == 1:
        return f"{found[0]:+.2f}"
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    return f"{np.mean(found):+.2f} ± {stats.t.ppf(0.975, len(found) - 1) * error:.2f}"


if __name__ == "__main__":
    main()
