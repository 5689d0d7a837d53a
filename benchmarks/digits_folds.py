"""Every one of the 1,797 digits is tested once: `presets/digits.yaml` on all five folds.

    python -m benchmarks.digits_folds --random-seeds 100 101 102 103 104 --out results.json

Runs `dvc repro` once for each fold and random seed in a clone of the committed project, with
presets/digits.yaml but for these two, and compares, digit by digit, the share of the trained
members that are right: selected minus random and full minus selected, with sd / sqrt(1797).
Finished runs are kept in the clone, so a broken-off series goes on where it stopped.
`--split validation` shows the validation accuracies instead, by which recipe and size are chosen.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from benchmarks import clones
from stages.shared import artifacts

NUM_FOLDS = 5
SUBSETS = ("selected", "random", "full")
Shares = dict[str, npt.NDArray[np.float64]]


def main() -> None:
    """Run the series and print its table."""
    arguments = _parse()
    clone = arguments.work.absolute()
    clones.prepare(clone)
    runs = [
        _run(clone, fold, seed, arguments.set)
        for seed in arguments.random_seeds
        for fold in range(NUM_FOLDS)
    ]
    print(f"random seeds {arguments.random_seeds}, settings {arguments.set or 'of the default'}")
    print(_validation_table(runs))
    if arguments.split == "test":
        print(_test_table(runs))
    if arguments.out:
        arguments.out.write_text(json.dumps(runs) + "\n", encoding="utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--random-seeds", type=int, nargs="+", required=True)
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--set", nargs="*", default=[], help="other settings, as dvc's -S")
    parser.add_argument("--work", type=Path, default=Path(".digits_folds"), help="the clone")
    parser.add_argument("--out", type=Path, help="write the shares of each run as JSON")
    return parser.parse_args()


def _run(clone: Path, fold: int, seed: int, settings: list[str]) -> clones.Shown:
    changes = [f"random_seed={seed}", "random_seeds=1", f"dataset.fold={fold}", *settings]
    params = clones.changed(clones.committed(clone, "presets/digits.yaml"), changes)
    return clones.run(clone, "-".join([f"seed{seed}", f"fold{fold}", *settings]), params, _read)


def _read(clone: Path) -> clones.Shown:
    content = YAML(typ="safe").load((clone / "params.yaml").read_text(encoding="utf-8"))
    model = content["compare"]["models"][0]
    sample_ids = artifacts.load_sample_ids(clone / "data/prepared", "test")
    draw, num_samples = f"seed-{content['random_seed']}", {"test": len(sample_ids)}
    evaluations = {
        subset: artifacts.load_evaluation(
            clone / f"data/evaluation/{model}-{subset}/{draw}",
            ["accuracy"],
            num_samples,
        )
        for subset in SUBSETS
    }
    return {
        "sample_ids": sample_ids,
        "share": {
            name: evaluation.values["accuracy"].mean(axis=0).tolist()
            for name, evaluation in evaluations.items()
        },
        "validation": {
            name: evaluation.mean["validation_accuracy"] for name, evaluation in evaluations.items()
        },
    }


def _shares(runs: list[clones.Shown]) -> Shares:
    """Return, for each subset, the share of right members of each digit, mean over the seeds."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in SUBSETS}
    for run in runs:
        for name in SUBSETS:
            for sample_id, share in zip(run["sample_ids"], run["share"][name], strict=True):
                found[name].setdefault(sample_id, []).append(share)
    ids = sorted(found["full"], key=int)
    return {name: np.array([np.mean(found[name][key]) for key in ids]) for name in SUBSETS}


def _test_table(runs: list[clones.Shown]) -> str:
    shares = _shares(runs)
    rows = {
        **{name: shares[name] for name in SUBSETS},
        "selected minus random": shares["selected"] - shares["random"],
        "full minus selected": shares["full"] - shares["selected"],
    }
    lines = ["| points on test | mean | standard error |", "|---|---|---|"]
    for name, values in rows.items():
        error = values.std(ddof=1) / np.sqrt(len(values))
        lines.append(f"| {name} | {100 * values.mean():.2f} | {100 * error:.2f} |")
    return "\n".join([*lines, f"{len(shares['full'])} digits"])


def _validation_table(runs: list[clones.Shown]) -> str:
    lines = ["| points on validation | mean | sd over runs / sqrt(runs) |", "|---|---|---|"]
    for name in SUBSETS:
        values = np.array([run["validation"][name] for run in runs])
        error = values.std(ddof=1) / np.sqrt(len(values))
        lines.append(f"| {name} | {100 * values.mean():.2f} | {100 * error:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
