"""A preset with several random seeds: what was selected against what was not, paired by seed.

    python -m benchmarks.random_seeds presets/cifar10_cpu.yaml --random-seeds 0 1 2 --raw data/raw

Runs `dvc repro` once for each random seed in a clone of the committed project, and compares the
test accuracies of every compared subset (or what report.metric names, mean over the members) with
those of the random subset of the same size and with those of everything. Over the seeds: mean,
standard error (sd / sqrt(seeds)), and the half width of the 95 % t-interval, which few seeds make
wide.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML
from scipy import stats

from benchmarks import clones
from stages.shared import artifacts, tasks

Values = npt.NDArray[np.float64]  # one for each random seed


def main() -> None:
    """Run the series and print its table."""
    arguments = _parse()
    clone = arguments.work.absolute()
    clones.prepare(clone, arguments.raw)
    preset = clones.committed(clone, arguments.preset)
    runs = []
    for seed in arguments.random_seeds:
        changes = [f"random_seed={seed}", *arguments.set]
        name = "-".join([Path(arguments.preset).stem, *changes])
        runs.append(clones.run(clone, name, clones.changed(preset, changes), read))
    minutes = ", ".join(f"{run['seconds'] / 60:.1f}" for run in runs)
    print(f"random seeds {arguments.random_seeds}, {minutes} minutes")
    print(table(runs))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("preset", help="as it is committed")
    parser.add_argument("--random-seeds", type=int, nargs="+", required=True)
    parser.add_argument("--set", nargs="*", default=[], help="other settings, as dvc's -S")
    parser.add_argument("--raw", type=Path, help="your data/raw, if the data set is there already")
    parser.add_argument("--work", type=Path, default=Path(".random_seeds"), help="the clone")
    return parser.parse_args()


def read(clone: Path) -> clones.Shown:
    """Return, by model and subset, `report.metric` on test and size, and what it all cost."""
    content = YAML(typ="safe").load((clone / "params.yaml").read_text())
    compare = content["compare"]
    num = artifacts.load_meta(clone / "data/prepared").num_samples
    metrics = tasks.rules(content["task"]).metrics
    accuracy = {
        f"{model}-{subset}": artifacts.load_evaluation(
            clone / f"data/evaluation/{model}-{subset}", metrics, num["test"]
        ).mean[content["report"]["metric"]]
        for model in compare["models"]
        for subset in compare["subsets"]
    }
    size = {
        subset: len(artifacts.load_subset(clone / f"data/comparison/{subset}.csv", num["train"]))
        for subset in compare["subsets"]
    }
    summary = artifacts.load_json(clone / "metrics/summary.json")
    return {"accuracy": accuracy, "size": size, "cost": summary["cost"]}


def table(runs: list[clones.Shown]) -> str:
    """Return the accuracies by model and subset, in points, with paired differences, as Markdown.

    A selected subset stands beside the random one of as many picks, if there is one.
    """
    lines = [
        "| subset | picks | accuracy | minus random | minus full |",
        "|---|---|---|---|---|",
    ]
    sizes = runs[0]["size"]
    for key in runs[0]["accuracy"]:
        model, _, subset = key.partition("-")
        random = next(
            (
                name
                for name, size in sizes.items()
                if name.startswith("random") and size == sizes[subset] and name != subset
            ),
            None,
        )
        minus_random = _difference(runs, key, f"{model}-{random}") if random else ""
        minus_full = _difference(runs, key, f"{model}-full") if subset != "full" else ""
        accuracy = f"{values(runs, key).mean():.2f}"
        lines.append(f"| {key} | {sizes[subset]} | {accuracy} | {minus_random} | {minus_full} |")
    return "\n".join(lines)


def values(runs: list[clones.Shown], key: str) -> Values:
    """Return the accuracy of a model on a subset in each run, in points."""
    return np.array([100 * run["accuracy"][key] for run in runs])


def _difference(runs: list[clones.Shown], key: str, other: str) -> str:
    if other not in runs[0]["accuracy"]:
        return ""
    difference = values(runs, key) - values(runs, other)
    if len(runs) == 1:
        return f"{difference[0]:+.2f}"
    error = float(difference.std(ddof=1) / np.sqrt(len(runs)))
    half = float(stats.t.ppf(0.975, len(runs) - 1)) * error
    return f"{difference.mean():+.2f} ± {error:.2f} (95 %: ± {half:.2f})"


if __name__ == "__main__":
    main()
