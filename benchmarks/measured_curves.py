"""Learning curves to check the band of *How much data?* by: small models on random subsets.

    python -m benchmarks.measured_curves digits-svc digits-mlp --out measured_curves.csv

Of several splits of the data and from several random seeds, a model is trained on nested random
subsets of growing sizes; a row of the CSV file has what the seeds reach on validation at a size of
a split. A split that is in the file already is not measured again, so a broken-off series goes on.
`python -m benchmarks.how_much_data` reads the file.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from benchmarks import clones, rows
from benchmarks.generated import ROOT
from stages.shared import artifacts
from stages.shared.artifacts import Ints
from stages.shared.artifacts.formats import load_json
from stages.shared.choosing.sampling import unscored
from stages.shared.sizes import Size, num_picks

HEADER = ("series", "split", "size", "samples", "accuracies")


@dataclass(frozen=True)
class Series:
    """A data set and a model: what differs from a preset, and the sizes of the subsets."""

    preset: str
    model: str
    changes: tuple[str, ...]
    sizes: tuple[Size, ...]
    splits: int = 25
    seeds: int = 6


SHARES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
COUNTS = (60, 120, 240, 480, 960, 1920, 3840)
SHORT = ("train_subset_model.length.updates=300", "train_subset_model.batch_size=64")
DIGITS, MNIST = "dataset.name=digits", "dataset.name=mnist"
SERIES = {
    "digits-mlp": Series(
        "embeddings_cpu", "mlp_probe", ("dataset.name=digit_vectors", *SHORT), SHARES
    ),
    "digits-linear": Series(
        "embeddings_cpu", "linear_probe", ("dataset.name=digit_vectors", *SHORT), SHARES
    ),
    "digits-cnn": Series(
        "default", "resnet8_quarter", ("train_subset_model.length.updates=150",), SHARES
    ),
    "digits-svc": Series("default", "svc", (DIGITS,), SHARES),
    "digits-neighbour": Series("default", "neighbour", (DIGITS,), SHARES),
    "digits-bayes": Series("default", "bayes", (DIGITS,), SHARES),
    "mnist-neighbour": Series("default", "neighbour", (MNIST,), COUNTS, splits=10),
    "mnist-bayes": Series("default", "bayes", (MNIST,), COUNTS, splits=10),
}
# Models of scikit-learn, whose curves take a second: of other shapes than those of networks.
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "svc": lambda: SVC(C=5),
    "neighbour": lambda: KNeighborsClassifier(1),
    "bayes": lambda: GaussianNB(var_smoothing=0.01),
}
MOST_VALIDATION = 1000  # samples that those are measured on


def main() -> None:
    """Measure what is missing."""
    arguments = _parse()
    for name in arguments.series:
        for split in range(SERIES[name].splits)[: arguments.splits]:
            if not _is_there(arguments.out, name, split):
                folder = arguments.work.absolute() / f"{name}-{split}"
                rows.append(arguments.out, HEADER, measure(name, split, folder, arguments.raw))
                shutil.rmtree(folder)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("series", nargs="+", choices=SERIES)
    parser.add_argument("--work", type=Path, default=Path(".measured_curves"))
    parser.add_argument("--raw", type=Path, help="your data/raw, if MNIST is there already")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file")
    parser.add_argument("--splits", type=int, help="so many of them")
    return parser.parse_args()


def measure(name: str, split: int, folder: Path, raw: Path | None) -> list[list[object]]:
    """Return a row for each size, of stages that run in a folder.

    Each size of each seed is a draw of its own, so that all are trained by one process.
    """
    series = SERIES[name]
    cells = list(product(range(series.seeds), series.sizes))
    shutil.copytree(ROOT / "lists", folder / "lists", dirs_exist_ok=True)
    text = clones.settings(ROOT / f"presets/{series.preset}.yaml")
    changes = [
        f"random_seeds={len(cells)}",
        f"random_seed={len(cells) * split}",
        f"dataset.split_seed={split}",
        "train_subset_model.members=1",
        "train_subset_model.validations=1",
        "train_subset_model.checkpoints.best=false",
        *([] if series.model in CLASSIFIERS else [f"compare.models=[{series.model}]"]),
        *series.changes,
        *([f"dataset.root={raw.absolute()}"] if raw else []),
    ]
    (folder / "params.yaml").write_text(clones.changed(text, changes), encoding="utf-8")
    _stage(folder, "prepare", "prepared", "scratch")
    numbers = artifacts.load_meta(folder / "prepared").num_samples
    picks = [num_picks(size, numbers["train"]) for _, size in cells]
    orders = [
        np.random.default_rng([split, seed]).permutation(numbers["train"])
        for seed in range(series.seeds)
    ]
    rows_of_cells = [orders[seed][:count] for count, (seed, _) in zip(picks, cells, strict=True)]
    by_model = _of_classifier if series.model in CLASSIFIERS else _of_network
    accuracies = by_model(series.model, folder, rows_of_cells, len(cells) * split)
    num_samples = numbers["validation"]
    if series.model in CLASSIFIERS:
        num_samples = min(num_samples, MOST_VALIDATION)
    by_size: dict[int, list[str]] = {}
    for count, accuracy in zip(picks, accuracies, strict=True):
        by_size.setdefault(count, []).append(f"{100 * accuracy:.3f}")
    return [
        [name, split, count, num_samples, " ".join(reached)] for count, reached in by_size.items()
    ]


def _of_network(
    model: str, folder: Path, rows_of_cells: Sequence[Ints], first_seed: int
) -> list[float]:
    """Return the accuracies on validation of the project's own trainings."""
    names = [f"seed-{first_seed + number}" for number in range(len(rows_of_cells))]
    for draw, index_P in zip(names, rows_of_cells, strict=True):
        artifacts.save_subset(folder / f"subsets/{draw}.csv", unscored(index_P))
    paths = ("prepared", "subsets", "scratch", "model", "history")
    _stage(folder, "train_subset_model", model, *paths)
    _stage(folder, "evaluate", "prepared", "model", "evaluation")
    found = [load_json(folder / f"evaluation/{draw}/metrics.json") for draw in names]
    return [one["mean"]["validation_accuracy"] for one in found]


def _of_classifier(model: str, folder: Path, rows_of_cells: Sequence[Ints], _: int) -> list[float]:
    """Return the accuracies on validation of a model of scikit-learn."""
    (train, labels), (held, known) = (
        (
            artifacts.load_inputs(folder / "prepared", split)[:].reshape(num[split], -1) / 255,
            artifacts.load_targets(folder / "prepared", split),
        )
        for num in [artifacts.load_meta(folder / "prepared").num_samples]
        for split in ("train", "validation")
    )
    held, known = held[:MOST_VALIDATION], known[:MOST_VALIDATION]
    return [
        float((CLASSIFIERS[model]().fit(train[row_P], labels[row_P]).predict(held) == known).mean())
        for row_P in rows_of_cells
    ]


def _stage(folder: Path, stage: str, *paths: str) -> None:
    with (folder / "runs.log").open("a", encoding="utf-8") as log:
        subprocess.run(
            ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", f"stages.{stage}", *paths],
            cwd=folder,
            check=True,
            stdout=log,
            stderr=log,
        )


def _is_there(path: Path, name: str, split: int) -> bool:
    return any(row["series"] == name and row["split"] == str(split) for row in rows.load(path))


if __name__ == "__main__":
    main()
