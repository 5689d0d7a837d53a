"""CIFAR-10 by networks of the speed records: selected, raced, by known rules, random, everything.

    OMP_NUM_THREADS=1 python -m benchmarks.cifar10_table --model airbench_half --epochs 8
    python -m benchmarks.cifar10_table --show

On a GPU, against the rules that others publish, from the data set as torchvision loads it:

    python -m benchmarks.cifar10_table --preset cifar10_fast --model airbench --epochs 10 \
        --arms random selected race hardest ccs_10 ccs_30 d2_10 d2_30 dual most_unsure \
        --budgets 0.7 0.5 0.3 0.2 0.1 --lengths updates --seeds 0 1 2 3 4 --out anchor.csv

One draw for each random seed: an ensemble of a quarter of the width chooses in two rounds, from a
quarter of the budget on (`selected`, `race`), or one training of the target's network on everything
does (the rules of cifar10_runs.py). A target is trained on each subset twice, for `--epochs` of its
own (`epochs`) and for as many updates as everything gets in so many (`updates`). A row of the CSV
file is one target: its accuracy on test, and the processor seconds of its training and, of what was
chosen, of its search. Rows are appended as they are finished and are not made again, so a
broken-off series goes on; of a training that was broken off, the seconds are those of the rest
(those of four rows of the committed file are nan, and left out of the costs).
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import rows, stages_here
from benchmarks.cifar10_runs import (
    BY_PROXY,
    EVERYTHING,
    RACED,
    RANDOM,
    RULES,
    SCHEMES,
    SELECTED,
    Cell,
    Found,
    of_target,
)

OUT = Path(__file__).parent.absolute() / "results/cifar10-table.csv"
ARMS = (RANDOM, SELECTED, RACED, *SCHEMES, *RULES)
LENGTHS = ("epochs", "updates")
METRICS = ("accuracy", "ensemble_accuracy")
PRESET = "cifar10_airbench_cpu"
# Points of ResNet-18 on the original pixels. Selected, everything, the first of random: ensembles
# of eight, Chitta et al. 2020 (arXiv 1905.12737), Table I. The others: single networks, read off
# the figure in the repository of Cho et al. 2025 (arXiv 2502.06905), to about 0.2 points; there CCS
# has a cut for each budget. D2 has 94.1, 93.3, 92.3, 90.4, 86.2 there, by other scores and graphs.
PUBLISHED = {
    (0.5, SELECTED): "96.30",
    (0.5, RANDOM): "94.30; 93.1",
    (1.0, EVERYTHING): "96.18",
    (0.5, "compress"): "95.77",
    (0.5, "outliers"): "94.85",
    **{
        (budget, arm): points
        for arm, published in {
            RANDOM: {0.7: "94.3", 0.3: "90.4", 0.2: "88.2", 0.1: "83.7"},
            "ccs_10": {0.7: "95.3", 0.5: "95.1", 0.3: "92.7"},
            "ccs_30": {0.2: "91.2", 0.1: "85.9"},
            "dual": {0.7: "95.5", 0.5: "95.2", 0.3: "93.0", 0.2: "91.4", 0.1: "87.1"},
        }.items()
        for budget, points in published.items()
    },
}


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
    parser.add_argument(
        "--preset",
        default=PRESET,
        help="where all other settings come from",
    )
    parser.add_argument("--model", default="airbench_half", help="of the targets")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--proxy-epochs", type=int, help="as --epochs unless given")
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.5, 0.1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--arms",
        nargs="*",
        default=[RANDOM, SELECTED, RACED],
        choices=[*ARMS],
        help="without a name: everything alone",
    )
    parser.add_argument("--lengths", nargs="+", default=LENGTHS, choices=LENGTHS)
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="where cifar10/ lies")
    parser.add_argument("--work", type=Path, default=Path(".cifar10_table"), help="its own folder")
    parser.add_argument("--out", type=Path, default=OUT, help="the CSV file")
    parser.add_argument("--set", nargs="*", default=[], help="changes of the preset, as dvc's -S")
    parser.add_argument("--show", action="store_true", help="run nothing")
    parsed = parser.parse_args(arguments)
    parsed.proxy_epochs = parsed.proxy_epochs or parsed.epochs
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
            proxies = parsed.proxy_epochs if arm in BY_PROXY else 0
            series = parsed.model, parsed.epochs
            cell = Cell(parsed.preset, *series, parsed.proxy_epochs, budget, seed, parsed.set)
            changes = cell.changes_of(arm)
            key = map(str, (parsed.preset, changes, *series, of, arm, proxies, length, seed))
            if tuple(key) in {tuple(row[name] for name in KEY) for row in rows.load(parsed.out)}:
                continue
            stages_here.enter(
                _folder(parsed), "-".join(map(str, (*series, parsed.proxy_epochs, seed))), raw
            )
            found = cell.target(arm, length)
            rows.append(parsed.out, HEADER, [astuple(found)])
            print(found, flush=True)


def _folder(parsed: argparse.Namespace) -> Path:
    """Return the folder of all that has the same settings: what one trained another may use."""
    work: Path = parsed.work
    return work / re.sub(r"[^\w.=]+", "_", "-".join([parsed.preset, *sorted(parsed.set)]))


# --- what comes out -------------------------------------------------------------------------------


def table(found: Sequence[rows.Row]) -> str:
    """Return means over the random seeds, paired differences with their 95 % t-intervals, costs.

    *Cost* is search and training together, in trainings on everything by processor seconds of the
    same machine; *as good* is what a training on everything costs that is cut down to the same
    accuracy, between the lengths that were trained. A search pays back at once where the first is
    below the second.
    """
    lines = [
        "| target, epochs | kept | subset | proxies' epochs | equal | seeds | accuracy "
        "| minus random | minus everything | cost | everything, as good | published |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for preset, changes, model, epochs in sorted({target(row) for row in found}):
        of_model = [row for row in found if target(row)[:3] == (preset, changes, model)]
        own = [row for row in of_model if int(row["epochs"]) == epochs]
        one = seconds_on_everything(own)
        more = "".join(f", {what}" for what in (preset, changes) if what not in {PRESET, ""})
        for key, metric in product(sorted({subset(row) for row in own}), measured_by(own)):
            cells = _cells(own, key, metric, one, lengths_of_everything(of_model, one, metric))
            lines.append(f"| `{model}`, {epochs}{more} | {cells} |")
    return "\n".join(lines)


def target(row: rows.Row) -> tuple[str, str, str, int]:
    """Return what was trained, and how long on everything, whatever the subset."""
    return row["preset"], of_target(row["changes"]), row["model"], int(row["epochs"])


def subset(row: rows.Row) -> tuple[str, ...]:
    """Return what a target was trained on, and for how long, whatever the random seed."""
    return tuple(row[name] for name in ("budget", "arm", "proxy_epochs", "length", "changes"))


def measured_by(own: Sequence[rows.Row]) -> list[str]:
    """Return by what targets are measured: ensembles too where there are several members."""
    one, ensemble = METRICS
    return [*METRICS] if any(row[one] != row[ensemble] for row in own) else [one]


def seconds_on_everything(own: Sequence[rows.Row]) -> dict[str, float]:
    """Return what a training on everything takes in the mean, by machine."""
    seconds: dict[str, list[float]] = {}
    for row in own:
        known = float(row["training_seconds"])
        if row["arm"] == EVERYTHING and not np.isnan(known):
            seconds.setdefault(row["machine"], []).append(known)
    return {machine: float(np.mean(found)) for machine, found in seconds.items()}


def cost(row: rows.Row, one: Mapping[str, float]) -> float:
    """Return search and training together, in trainings on everything; nan where not known."""
    seconds = float(row["training_seconds"]) + float(row["search_seconds"])
    return seconds / one.get(row["machine"], np.nan)


def lengths_of_everything(
    found: Sequence[rows.Row], one: Mapping[str, float], metric: str = "accuracy"
) -> list[tuple[float, float]]:
    """Return the accuracy and cost of each length that everything was trained for, rising."""
    by_epochs: dict[str, list[tuple[float, float]]] = {}
    for row in found:
        known = cost(row, one)
        if row["arm"] == EVERYTHING and not np.isnan(known):
            by_epochs.setdefault(row["epochs"], []).append((float(row[metric]), known))
    return sorted(tuple(np.mean(pairs, axis=0)) for pairs in by_epochs.values())


def as_good(accuracy: float, lengths: Sequence[tuple[float, float]]) -> str:
    """Return for what cost everything gets so accurate; `<` and `>` beyond the lengths known.

    Linear in the logarithm of the cost between two lengths.
    """
    accuracies, costs = np.array(lengths).T
    sign = "<" if accuracy < accuracies[0] else ">" if accuracy > accuracies[-1] else ""
    return f"{sign}{np.exp(np.interp(accuracy, accuracies, np.log(costs))):.2f}"


def _cells(
    own: Sequence[rows.Row],
    key: tuple[str, ...],
    metric: str,
    one: Mapping[str, float],
    lengths: Sequence[tuple[float, float]],
) -> str:
    budget, arm, proxies, length, changes = key
    here = _by_seed(own, *key)
    random = _by_seed(own, budget, RANDOM, "0", length, of_target(changes))
    everything = _by_seed(own, "1.0", EVERYTHING, "0", "epochs", of_target(changes))
    accuracy = float(np.mean([float(row[metric]) for row in here.values()]))
    costs = [known for row in here.values() if not np.isnan(known := cost(row, one))]
    of_search = f", {changes}" if changes != of_target(changes) else ""
    cells = [
        f"{float(budget):.0%}",
        f"{arm}{of_search}{'' if metric == METRICS[0] else ', ensemble'}",
        *(proxies if arm in BY_PROXY else "", length),
        str(len(here)),
        f"{accuracy:.2f}",
        difference(here, random, metric) if arm not in {RANDOM, EVERYTHING} else "",
        difference(here, everything, metric) if arm != EVERYTHING else "",
        f"{np.mean(costs):.2f}" if costs else "",
        as_good(accuracy, lengths) if arm != EVERYTHING and lengths else "",
        PUBLISHED.get((float(budget), arm), "") if not of_search else "",
    ]
    return " | ".join(cells)


def _by_seed(own: Sequence[rows.Row], *key: str) -> dict[str, rows.Row]:
    return {row["seed"]: row for row in own if subset(row) == key}


def difference(
    here: dict[str, rows.Row], other: dict[str, rows.Row], metric: str = "accuracy"
) -> str:
    """Return the mean difference of the seeds that both have, ± half of its 95 % t-interval."""
    found = [
        float(row[metric]) - float(other[seed][metric])
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
