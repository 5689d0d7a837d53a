"""The race against random, and `top` against random, over data sets and budgets.

    python -m benchmarks.race_table digits mnist --work .race_table --raw data/raw --out table.csv

For each data set and budget the pipeline runs twice in a clone of the committed project: with
select.rule top alone, and with a race of it against other strategies and random subsets. The scores
are those of an ensemble that saw everything (compress), where taking the hardest fails most. Both
runs share the ensembles, the random subsets and everything; a race hands on its winner. Prints the
differences on test in points, in the mean over the draws, with the 95 % t-interval over them.
Finished runs are kept in the clone, so a broken-off series goes on where it stopped.
"""

import argparse
import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t

from benchmarks import clones
from stages.report.results import Folders, load_races, load_targets
from stages.shared import artifacts
from stages.shared.artifacts import Floats
from stages.shared.settings.params import load_params

ENTRANTS = (
    "{top: {}, window_10: {rule: window, window: {start: 0.1}}, "
    "window_30: {rule: window, window: {start: 0.3}}, "
    "cut_10: {rule: stratified, stratified: {cut: 0.1}}, "
    "half_random: {rule: mixed, mixed: {random: 0.5, rule: top}}}"
)
COMMON = (
    "seed_size=1.0",
    "acquisition=label_probability",
    "compare.subsets=[selected, random, full]",
)


@dataclass(frozen=True)
class Series:
    """A data set, how it is trained on, and how much of it is kept."""

    preset: str
    changes: tuple[str, ...]
    budgets: tuple[float, ...]
    seeds: int


SERIES = {
    # A third of train judges: validation alone are 144 digits.
    "digits": Series("digits", ("race.holdout=0.33",), (0.05, 0.125, 0.25, 0.5), 5),
    "mnist": Series(
        "digits",
        (
            "dataset.name=mnist",
            "compare.models=[resnet8_quarter]",
            "race.judge=resnet8_quarter",
            "train_subset_model.length.updates=500",
        ),
        (0.003, 0.01, 0.03, 0.1),
        3,
    ),
}
HEADER = (
    *("data_set", "budget", "picks", "seeds", "random", "everything", "top", "top_minus_random"),
    *("top_reach", "race", "race_minus_random", "race_reach", "judged_samples", "winners"),
    *("race_trainings", "race_full_trainings"),
)


def main() -> None:
    """Run the series and print the table."""
    arguments = _parse()
    clone = arguments.work.absolute()
    clones.prepare(clone, arguments.raw)
    rows = []
    for name in arguments.series:
        for budget in SERIES[name].budgets:
            rows.append(_row(clone, name, budget))
            print(",".join(map(str, rows[-1])), flush=True)
    if arguments.out:
        with arguments.out.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("series", nargs="+", choices=SERIES)
    parser.add_argument("--work", type=Path, default=Path(".race_table"), help="the clone")
    parser.add_argument("--raw", type=Path, help="your data/raw, if MNIST is there already")
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    return parser.parse_args()


def _row(clone: Path, name: str, budget: float) -> list[object]:
    series = SERIES[name]
    rounds = f"rounds=[{{from: 1.0, to: {budget}}}]"
    common = [*COMMON, *series.changes, rounds, f"random_seeds={series.seeds}"]
    preset = clones.committed(clone, f"presets/{series.preset}.yaml")
    found = {}
    for kind, entrants in {"top": "{}", "race": ENTRANTS}.items():
        params = clones.changed(preset, [*common, f"race.entrants={entrants}"])
        found[kind] = clones.run(clone, f"{name}-{budget}-{kind}", params, read)
    top, race = found["top"], found["race"]
    cells: list[object] = [name, budget, top["picks"], series.seeds]
    cells += [_mean(top["random"]), _mean(top["full"])]
    for run in (top, race):
        differences = np.subtract(run["selected"], run["random"])
        cells += [_mean(run["selected"]), _mean(differences.tolist()), _reach(differences)]
    winners = Counter(winner.partition("-")[0] for winner in race["winners"])
    told = "; ".join(f"{winner} {num}" for winner, num in winners.most_common())
    return [*cells, race["judged_samples"], told, race["trainings"], race["full_trainings"]]


def read(clone: Path) -> clones.Shown:
    """Return the accuracies on test in points, one a draw, and how the races ended."""
    params = load_params(clone / "params.yaml")
    folders = Folders(*(clone / "data" / name for name in Folders.__annotations__))
    meta = artifacts.load_meta(folders.prepared)
    targets = [load_targets(draw, meta, folders) for draw in params.draws]
    races = [race for draw in params.draws for race in load_races(draw, folders).values()]
    (model,) = params.compare.models
    full_flops = targets[0][model, "full"].member_flops
    return {
        **{
            kind: [100 * found[model, kind].evaluation.mean["accuracy"] for found in targets]
            for kind in ("selected", "random", "full")
        },
        "picks": round(float(params.rounds[-1].to) * meta.num_samples["train"]),
        "winners": [race.winner for race in races],
        "judged_samples": races[0].num_samples,
        "trainings": round(float(np.mean([race.trainings for race in races])), 1),
        "full_trainings": round(float(np.mean([race.flops for race in races]) / full_flops), 1),
    }


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 2)


def _reach(differences: Floats) -> float:
    """Return half of the 95 % t-interval over the draws."""
    num = len(differences)
    return round(float(t.ppf(0.975, num - 1) * differences.std(ddof=1) / np.sqrt(num)), 2)


if __name__ == "__main__":
    main()
