"""Runs of benchmarks/groceries.py: the stages as they are, one random seed at a time."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import clones, stages_here
from benchmarks.generated import ROOT
from benchmarks.stages_here import stage
from stages.shared import artifacts
from stages.shared.choosing.sampling import unscored

NETWORK, HEAD = "efficientnet_lite0", "linear_probe"
SIZES = (0.0625, 0.125, 0.25, 0.5)  # of the rounds
ENTRANTS = (
    "{hardest: {}, window: {rule: window, window: {start: 0.1}}, "
    "stratified: {rule: stratified, stratified: {cut: 0.1}}}"
)
IMAGE_SIZE = 160
# Of the network that is fine-tuned, where the preset is quicker.
EPOCHS, UPDATES = 5, 315  # the same on everything
FINE_TUNED = (
    "batch_size=32",
    "optimizer.learning_rate=0.003",
    "validations=5",
    "el2n_epoch=5",
)
# Of a head that is a target: as the preset's ensemble is trained, for longer.
AS_A_HEAD = (
    "batch_size=128",
    "batch_norm=batch",
    "optimizer={name: sgd, learning_rate: 0.05, backbone: 1.0, momentum: 0.9, nesterov: true, "
    "weight_decay: 0.0005}",
    "label_smoothing=0.0",
    "augmentation={border: black, crop_padding: 0, horizontal_flip: false, scale: [1.0, 1.0]}",
    "validations=1",
    "length={updates: 600}",
)


class Target(NamedTuple):
    """What is trained: `heads`, `fine_tuned`, or that for the updates of everything."""

    kind: str
    size: float
    subset: str
    seed: int

    @property
    def name(self) -> str:
        """Of its subset, as in paths."""
        return f"{self.subset}-{self.size}"

    @property
    def model(self) -> str:
        """The file of the model."""
        return HEAD if self.kind == "heads" else NETWORK


class Measured(NamedTuple):
    """Accuracy on test in percent, and the updates of the training."""

    accuracy: float
    updates: int


@dataclass(frozen=True)
class Work:
    """A folder with the prepared images and their embeddings; it is entered."""

    folder: Path
    images: Path
    weights: Path
    image_size: int = IMAGE_SIZE

    def __post_init__(self) -> None:
        """Prepare and embed the images unless that was done before."""
        stages_here.enter(self.folder, "here", self.images)
        self._write(Target("heads", 1.0, "everything", 0), races=False)
        for name, arguments in (
            ("listing", ("listing.csv", "weight_files.csv")),
            ("prepare", ("prepared", "ensembles/scratch")),
            ("weights", ("prepared", "weights")),
            ("embed", ("prepared", f"weights/{NETWORK}.safetensors", "embeddings")),
            ("near_duplicates", ("prepared", "embeddings", "near_duplicates")),
        ):
            if not Path("data", arguments[-1]).exists():
                stage(name, *arguments)

    def measured(self, target: Target) -> Measured:
        """Train a target on its subset, and measure it on test."""
        here = f"seed-{target.seed}"
        if not Path("data", here, "race/subsets/0.5").exists():
            for races in (False, True):
                self._choose(target.seed, races=races)
        self._write(target, races=False)
        self._save_subset(target, Path("data", here, "comparison", target.name, here))
        return self.trained(target)

    def trained(self, target: Target) -> Measured:
        """Train a target on the subset that lies there, as params.yaml says, and measure it."""
        here, name = f"seed-{target.seed}", target.name
        trained = f"{here}/{target.kind}/{name}"
        shutil.rmtree(Path("data", trained), ignore_errors=True)
        stage(
            *("train_subset_model", target.model, "prepared", "embeddings"),
            *(f"{here}/comparison/{name}", "ensembles/scratch"),
            *(f"weights/{target.model}.safetensors", f"{trained}/models", f"{trained}/histories"),
        )
        stage("evaluate", "prepared", "embeddings", f"{trained}/models", f"{trained}/evaluation")
        num = artifacts.load_meta(Path("data/prepared")).num_samples
        found = artifacts.load_evaluation(
            Path("data", trained, "evaluation", here), ["accuracy"], num
        )
        history = artifacts.load_history(Path("data", trained, "histories", f"{here}.csv"))
        return Measured(100 * found.mean["accuracy"], history[-1].updates)

    def _choose(self, seed: int, *, races: bool) -> None:
        """Choose round by round, hardest first or by races."""
        self._write(Target("heads", 1.0, "everything", seed), races=races)
        here = f"seed-{seed}/{'race' if races else 'selected'}"
        stage("seed_subset", str(SIZES[0]), "prepared", f"{here}/subsets/{SIZES[0]}")
        for before, after in pairwise(map(str, SIZES)):
            subset, signals, dynamics, scores = (
                f"{here}/{name}/{before}" for name in ("subsets", "signals", "dynamics", "scores")
            )
            proposals, ensemble = f"{here}/proposals/{after}", f"{here}/ensembles/{before}"
            weights = f"weights/{HEAD}.safetensors"
            stage(
                *("train_ensemble", "prepared", "embeddings", subset, weights, ensemble),
                *(f"{here}/histories/{before}", dynamics),
            )
            stage("predict_pool", "prepared", "embeddings", ensemble, signals)
            stage(
                *("score", after, "prepared", signals, dynamics, scores),
                f"{here}/correlations/{before}",
            )
            stage(
                *("select", before, after, "prepared", signals, dynamics, scores, subset),
                *("near_duplicates/train", proposals, f"{here}/orders/{after}"),
            )
            stage(
                *("race", after, "prepared", "embeddings", proposals, weights),
                *(f"{here}/subsets/{after}", f"{here}/races/{after}"),
            )

    def _save_subset(self, target: Target, path: Path) -> None:
        """Write the picks of a target."""
        here = f"seed-{target.seed}"
        num = artifacts.load_meta(Path("data/prepared")).num_samples["train"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path = path.with_name(f"{path.name}.csv")
        if target.subset == "everything":
            artifacts.save_subset(path, unscored(np.arange(num)))
            return
        if target.subset != "random":
            source = Path("data", here, target.subset, "subsets", str(target.size), f"{here}.csv")
            shutil.copyfile(source, path)
            return
        stage("comparison_subsets", "0.5", "prepared", f"{here}/selected/subsets", f"{here}/drawn")
        name = "random" if target.size == SIZES[-1] else f"random-{target.size}"
        shutil.copyfile(Path("data", here, "drawn", name, f"{here}.csv"), path)

    def _write(self, target: Target, *, races: bool, more: Sequence[str] = ()) -> None:
        """Write params.yaml, with more changes as in dvc's -S."""
        rounds = ", ".join(f"{{from: {a}, to: {b}}}" for a, b in pairwise(SIZES))
        sized = [f"{kind}-{size}" for kind in ("selected", "random") for size in SIZES[1:-1]]
        changes = [
            f"random_seed={target.seed}",
            "random_seeds=1",
            f"seed_size={SIZES[0]}",
            f"rounds=[{rounds}]",
            f"dataset.root={self.images}",
            f"dataset.image_size={self.image_size}",
            f"weights={{{NETWORK}: {self.weights}}}",
            "train_ensemble.members=4",
            f"compare.subsets=[selected, random, full, {', '.join(sized)}]",
            f"compare.models=[{target.model}]",
            f"race.judge={HEAD}",
            f"race.entrants={ENTRANTS if races else '{}'}",
        ]
        text = clones.settings(ROOT / "presets/images_pretrained_cpu.yaml")
        text = clones.changed(text, [*changes, *self._trained(target), *more])
        Path("params.yaml").write_text(text, encoding="utf-8")

    @staticmethod
    def _trained(target: Target) -> list[str]:
        """Return what differs from the preset in the training of a target."""
        here = "train_subset_model"
        if target.model == HEAD:
            return [f"{here}.{change}" for change in AS_A_HEAD]
        length = f"epochs: {EPOCHS}" if target.kind == "fine_tuned" else f"updates: {UPDATES}"
        return [f"{here}.{change}" for change in (*FINE_TUNED, f"length={{{length}}}")]
