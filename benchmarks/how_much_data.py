"""Does the band of *How much data?* hold what is measured afterwards?

    python -m benchmarks.how_much_data measure digits-vectors --out how_much_data.csv

The first form trains a model on random subsets of growing sizes, of several splits of the data and
from several random seeds, and appends a row for each training: what it reaches on validation. A
split that is in the file already is not measured again, so a broken-off series goes on.
"""

import argparse
import csv
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks import clones
from benchmarks.generated import ROOT
from stages.shared import artifacts
from stages.shared.artifacts.formats import load_json
from stages.shared.choosing.sampling import unscored
from stages.shared.sizes import Size, num_picks

HEADER = ("series", "split", "size", "seed", "samples", "accuracy")


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
    "mnist-cnn": Series(
        "default",
        "resnet8_quarter",
        ("dataset.name=mnist", "train_subset_model.length.updates=150"),
        COUNTS,
        splits=5,
    ),
}


def main() -> None:
    """Measure what is missing."""
    arguments = _parse()
    for name in arguments.series:
        for split in range(SERIES[name].splits)[: arguments.splits]:
            if not _is_there(arguments.out, name, split):
                folder = arguments.work.absolute() / f"{name}-{split}"
                _append(arguments.out, measure(name, split, folder, arguments.raw))
                shutil.rmtree(folder)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("series", nargs="+", choices=SERIES)
    parser.add_argument("--work", type=Path, default=Path(".how_much_data"))
    parser.add_argument("--raw", type=Path, help="your data/raw, if MNIST is there already")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file")
    parser.add_argument("--splits", type=int, help="so many of them")
    return parser.parse_args()


def measure(name: str, split: int, folder: Path, raw: Path | None) -> list[list[object]]:
    """Return a row for each size and random seed, of stages that run in a folder.

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
        f"compare.models=[{series.model}]",
        *series.changes,
        *([f"dataset.root={raw.absolute()}"] if raw else []),
    ]
    (folder / "params.yaml").write_text(clones.changed(text, changes), encoding="utf-8")
    _stage(folder, "prepare", "prepared", "scratch")
    numbers = artifacts.load_meta(folder / "prepared").num_samples
    names = [f"seed-{len(cells) * split + number}" for number in range(len(cells))]
    picks = [num_picks(size, numbers["train"]) for _, size in cells]
    for draw, count, (seed, _) in zip(names, picks, cells, strict=True):
        order_N = np.random.default_rng([split, seed]).permutation(numbers["train"])
        artifacts.save_subset(folder / f"subsets/{draw}.csv", unscored(order_N[:count]))
    _stage(
        folder,
        *("train_subset_model", series.model, "prepared", "subsets", "scratch", "model", "history"),
    )
    _stage(folder, "evaluate", "prepared", "model", "evaluation")
    return [
        [name, split, count, seed, numbers["validation"], f"{100 * accuracy:.4f}"]
        for draw, count, (seed, _) in zip(names, picks, cells, strict=True)
        for accuracy in [
            load_json(folder / f"evaluation/{draw}/metrics.json")["mean"]["validation_accuracy"]
        ]
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
    return any(row["series"] == name and row["split"] == str(split) for row in rows_of(path))


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of the CSV file; none where there is no such file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _append(path: Path, rows: Sequence[Sequence[object]]) -> None:
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER] if is_new else [])
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
