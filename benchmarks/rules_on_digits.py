"""Each selection rule against random on digits, by budget: the default's networks, one round.

    python -m benchmarks.rules_on_digits --out rules_on_digits.csv

For each budget an ensemble is trained on a random subset of half of it (`grow`), or on everything
(`shrink`); each rule chooses the subset, and in each random seed a target is trained on it.
The stages run as they are, in the folder `--work`. A row is appended when a rule has been measured
at a budget, and one that is there is not measured again; so a broken-off series goes on.

The CSV file has one row for each rule, budget and random seed: accuracy in points on test and on
validation, mean of the members. `--show` prints, of the rows that there are, each rule's accuracy
on test minus that of random, mean and standard error over the random seeds.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import clones, rows
from benchmarks.generated import ROOT
from commands.preset import presets
from stages.shared.artifacts.formats import load_json

HEADER = ("scheme", "budget", "rule", "seed", "test", "validation")
RANDOM = "random"
# What differs from presets/digits.yaml, and by which acquisition function.
RULES: dict[str, tuple[str, Sequence[str]]] = {
    "top": ("label_probability", ["select.rule=top"]),
    "top by mutual information": ("mutual_information", ["select.rule=top"]),
    "window from 0.1": ("label_probability", ["select.rule=window", "select.window.start=0.1"]),
    "window from 0.3": ("label_probability", ["select.rule=window", "select.window.start=0.3"]),
    "strata, cut 0.1": (
        "label_probability",
        ["select.rule=stratified", "select.stratified.cut=0.1"],
    ),
    "strata, cut 0.3": (
        "label_probability",
        ["select.rule=stratified", "select.stratified.cut=0.3"],
    ),
    "mixed, half top": ("label_probability", ["select.rule=mixed"]),
    "proportional": ("mutual_information", ["select.rule=proportional"]),
    "beta": ("mutual_information", ["select.rule=beta"]),
    "class_quotas": ("mutual_information", ["select.rule=class_quotas"]),
    "moderate": ("mutual_information", ["select.rule=moderate"]),
    "prototypes": ("mutual_information", ["select.rule=prototypes"]),
    "uncertainty_herding": ("mutual_information", ["select.rule=uncertainty_herding"]),
    "message_passing": ("label_probability", ["select.rule=message_passing"]),
    "message_passing, without the hardest 0.1": (
        "label_probability",
        ["select.rule=message_passing", "select.outliers.fraction=0.1"],
    ),
    "facility_location": ("mutual_information", ["select.rule=facility_location"]),
}


def main() -> None:
    """Measure what is missing, and show all."""
    arguments = _parse()
    for budget in arguments.budgets if not arguments.show else ():
        missing = _missing(arguments, budget)
        if missing:
            series = Series(arguments, budget)
            for rule in missing:
                rows.append(arguments.out, HEADER, series.measure(rule))
    print(table(rows.load(arguments.out)))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--scheme", choices=["grow", "shrink"], default="grow")
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.05, 0.125, 0.25, 0.5])
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    parser.add_argument("--random-seeds", type=int, default=5)
    parser.add_argument("--members", type=int, default=1, help="targets of each random seed")
    parser.add_argument("--work", type=Path, default=Path(".rules_on_digits"))
    parser.add_argument("--out", type=Path, required=True, help="the CSV file")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    return parser.parse_args()


def _missing(arguments: argparse.Namespace, budget: float) -> list[str]:
    there = {(row["scheme"], row["budget"], row["rule"]) for row in rows.load(arguments.out)}
    wanted = [RANDOM, *arguments.rules]
    return [rule for rule in wanted if (arguments.scheme, str(budget), rule) not in there]


class Series:
    """All that is measured at one budget, by stages that run in a folder."""

    def __init__(self, arguments: argparse.Namespace, budget: float) -> None:
        self._arguments, self._budget = arguments, budget
        self._begin = budget / 2 if arguments.scheme == "grow" else 1.0
        self._work = arguments.work.absolute() / f"{arguments.scheme}-{budget}"
        (self._work / "lists").mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "lists").glob("*.csv"):
            shutil.copy(path, self._work / "lists")
        self._write("mutual_information", [])
        begin = str(self._begin)
        self._stage("prepare", "prepared", "scratch")
        self._stage("seed_subset", begin, "prepared", "begin")
        self._stage("weights", "prepared", "weights")
        self._stage(
            *("train_ensemble", "prepared", "none", "begin", "weights/resnet8_quarter.safetensors"),
            *("ensemble", "history", "dynamics"),
        )
        self._stage("predict_pool", "prepared", "none", "ensemble", "signals")

    def measure(self, rule: str) -> list[list[object]]:
        """Return a row for each random seed."""
        acquisition, changes = RULES.get(rule, ("mutual_information", []))
        if acquisition == "mutual_information" and rule == "beta" and self._begin == 1:
            acquisition = "dual"
        self._write(acquisition, changes)
        sizes, name = (str(self._begin), str(self._budget)), rule.replace(" ", "_")
        self._stage(
            *("score", sizes[1], "prepared", "signals", "dynamics", "scores", "correlations")
        )
        self._stage(
            *("select", *sizes, "prepared", "signals", "dynamics", "scores", "begin"),
            *("none", f"subsets/{name}", "orders"),
        )
        subset = f"subsets/{name}"
        if rule == RANDOM:
            self._stage("comparison_subsets", sizes[1], "prepared", subset, "comparison")
            subset = "comparison/random"
        self._stage(
            *("train_subset_model", "resnet8", "prepared", "none", subset, "scratch"),
            *("weights/resnet8.safetensors", name, "history"),
        )
        self._stage("evaluate", "prepared", "none", name, f"{name}-evaluation")
        return [self._row(rule, folder) for folder in self._evaluations(name)]

    def _evaluations(self, name: str) -> list[Path]:
        return sorted((self._work / f"{name}-evaluation").glob("seed-*"))

    def _row(self, rule: str, folder: Path) -> list[object]:
        mean = load_json(folder / "metrics.json")["mean"]
        points = [f"{100 * mean[key]:.3f}" for key in ("accuracy", "validation_accuracy")]
        seed = folder.name.removeprefix("seed-")
        return [self._arguments.scheme, self._budget, rule, seed, *points]

    def _write(self, acquisition: str, changes: Sequence[str]) -> None:
        common = [
            "random_seed=100",
            f"random_seeds={self._arguments.random_seeds}",
            f"seed_size={self._begin}",
            f"rounds=[{{from: {self._begin}, to: {self._budget}}}]",
            f"acquisition={acquisition}",
            "predict_pool.signals=[features]",
            f"train_subset_model.members={self._arguments.members}",
            "compare.subsets=[random]",
        ]
        text = presets.text("digits")
        (self._work / "params.yaml").write_text(
            clones.changed(text, [*common, *changes]), encoding="utf-8"
        )

    def _stage(self, stage: str, *paths: str) -> None:
        command = [sys.executable, "-m", f"stages.{stage}", *paths]
        with (self._work / "runs.log").open("a", encoding="utf-8") as log:
            subprocess.run(
                ["env", f"PYTHONPATH={ROOT}", *command],
                cwd=self._work,
                check=True,
                stdout=log,
                stderr=log,
            )


# --- the table ------------------------------------------------------------------------------------


def table(measured: Sequence[dict[str, str]]) -> str:
    """Return each rule minus random on test by scheme and budget, in points, as Markdown."""
    by_cell: dict[tuple[str, float], dict[str, dict[str, float]]] = {}
    for row in measured:
        cell = by_cell.setdefault((row["scheme"], float(row["budget"])), {})
        cell.setdefault(row["rule"], {})[row["seed"]] = float(row["test"])
    cells = sorted(by_cell)
    names = list(dict.fromkeys(row["rule"] for row in measured))
    head = " | ".join(f"{scheme} {budget:g}" for scheme, budget in cells)
    lines = [f"| rule | {head} |", "|---" * (len(cells) + 1) + "|"]
    lines += [
        f"| {name} | {' | '.join(_shown(by_cell[cell], name) for cell in cells)} |"
        for name in names
    ]
    return "\n".join(lines)


def _shown(by_rule: dict[str, dict[str, float]], name: str) -> str:
    """Return the difference to random over the random seeds of both, or random's own accuracy."""
    values, others = by_rule.get(name, {}), by_rule.get(RANDOM, {})
    seeds = sorted({*values} & {*others})
    if not seeds:
        return ""
    difference_S = np.array([values[seed] - others[seed] for seed in seeds])
    if name == RANDOM:
        return f"{np.mean([others[seed] for seed in seeds]):.2f}"
    error = difference_S.std(ddof=1) / np.sqrt(len(seeds)) if len(seeds) > 1 else np.nan
    return f"{difference_S.mean():+.2f} ± {error:.2f}"


if __name__ == "__main__":
    main()
