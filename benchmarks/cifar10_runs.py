"""One budget and random seed of benchmarks/cifar10_table.py: its search and its targets."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import clones
from benchmarks.generated import ROOT
from benchmarks.stages_here import stage
from stages.comparison_subsets.comparison import order_of_random_subsets
from stages.shared import artifacts
from stages.shared.artifacts import Ints
from stages.shared.artifacts.formats import load_json
from stages.shared.choosing.limits import load_limits
from stages.shared.choosing.sampling import unscored
from stages.shared.networks.batches import num_batches
from stages.shared.settings.params import Params, load_params
from stages.shared.sizes import num_picks

PRESET = ROOT / "presets/cifar10_airbench_cpu.yaml"
PROXY = "airbench_quarter"
RACE = (
    "{hardest: {}, window: {rule: window, window: {start: 0.1}},"
    " stratified: {rule: stratified, stratified: {cut: 0.1}}}"
)
EVERYTHING, RANDOM, SELECTED, RACED = "everything", "random", "selected", "race"
TRAINED = ("train_ensemble", "train_subset_model")


@dataclass(frozen=True)
class Found:
    """One target."""

    model: str
    epochs: int  # of the series
    budget: float
    arm: str
    length: str  # `epochs` of its own, or as many `updates` as everything gets
    seed: int
    picks: int
    updates: int
    accuracy: float  # points on test
    training_seconds: float  # of a processor, with validation
    search_seconds: float


@dataclass(frozen=True)
class Cell:
    """A budget and a random seed; the stages run in the current folder."""

    model: str
    epochs: int
    budget: float
    seed: int
    changes: tuple[str, ...]

    @property
    def sizes(self) -> list[float]:
        """Of the subsets, round by round."""
        return [self.budget / 4, self.budget / 2, self.budget]

    @property
    def draw(self) -> str:
        """The name of the only draw."""
        return f"seed-{self.seed}"

    def target(self, arm: str, length: str) -> Found:
        """Search where the arm does, then train a target on its subset and measure it."""
        self._begin()
        searched = 0.0
        if arm in {SELECTED, RACED}:
            searched = self._once("search", self._search)
        if arm == RACED:
            searched += self._once("race", self._race)
        params = self._write(*self._of_length(length))
        trained = self._first_with_the_subset_of(arm)
        name = f"{self.model}-{trained}-{length}"
        seconds = self._once(name, lambda: self._train(trained, name))
        metrics = load_json(Path(f"data/evaluation/{name}/{self.draw}/metrics.json"))
        history = artifacts.load_history(Path(f"data/histories/{name}/{self.draw}.csv"))
        num = artifacts.load_meta(Path("data/prepared")).num_samples["train"]
        picks = len(artifacts.load_subset(self._subset(arm), num, once=params.picks_once))
        return Found(
            *(self.model, self.epochs, 1.0 if arm == EVERYTHING else self.budget, arm, length),
            *(self.seed, picks, history[-1].updates, round(100 * metrics["mean"]["accuracy"], 2)),
            *(round(seconds, 1), round(searched, 1)),
        )

    def _begin(self) -> None:
        """Prepare the data, and what is compared without a search, unless that was done before."""
        params = self._write()
        if not Path("data/prepared").exists():
            prepared = Path("../prepared").absolute()  # by all cells
            if not prepared.exists():
                stage("prepare", "prepared", "ensembles/scratch")
                Path("data/prepared").rename(prepared)
            Path("data/prepared").symlink_to(prepared)
        Path("data/ensembles/scratch").mkdir(parents=True, exist_ok=True)
        if not Path("data/comparison").exists():
            stage("weights", "prepared", "weights")
            stage("seed_subset", str(self.sizes[0]), "prepared", f"subsets/{self.sizes[0]}")
            ids = artifacts.load_sample_ids(Path("data/prepared"), "train")
            limits = load_limits(Path("data/prepared"), ids, params.select)
            order_K = order_of_random_subsets(params.draws[0], ids, limits)
            _save(RANDOM, self.draw, order_K[: num_picks(self.budget, len(ids))])
            _save(EVERYTHING, self.draw, np.arange(len(ids)))

    def _write(self, *changes: str) -> Params:
        """Write params.yaml and return what it says."""
        rounds = ", ".join(f"{{from: {a}, to: {b}}}" for a, b in pairwise(self.sizes))
        changed = [
            *(f"random_seed={self.seed}", "random_seeds=1"),
            *(f"seed_size={self.sizes[0]}", f"rounds=[{rounds}]"),
            *(f"train_ensemble.model={PROXY}", f"race.judge={PROXY}"),
            *(f"{section}.length={{epochs: {self.epochs}}}" for section in TRAINED),
            *(f"compare.models=[{self.model}]", "compare.subsets=[selected, random, full]"),
            "train_subset_model.validations=1",
        ]
        text = clones.changed(clones.settings(PRESET), [*changed, *self.changes, *changes])
        Path("params.yaml").write_text(text, encoding="utf-8")
        return load_params()

    def _of_length(self, length: str) -> list[str]:
        if length == "epochs":
            return []
        params = load_params()
        num = artifacts.load_meta(Path("data/prepared")).num_samples["train"]
        updates = self.epochs * num_batches(num, params.train_subset_model.batch_size)
        return [f"train_subset_model.length={{updates: {updates}}}"]

    def _once(self, name: str, work: Callable[[], None]) -> float:
        """Do something unless that was done before; return the processor seconds that it took."""
        path = Path(f"{name}.txt")
        if not path.exists():
            path.write_text(str(_seconds(work)), encoding="utf-8")
        return float(path.read_text(encoding="utf-8"))

    def _first_with_the_subset_of(self, arm: str) -> str:
        """Return the arm whose target serves this one too: a race may hand on what was selected."""
        wanted, known = self._subset(arm).read_bytes(), self._subset(SELECTED)
        return SELECTED if known.exists() and known.read_bytes() == wanted else arm

    def _subset(self, arm: str) -> Path:
        return Path(f"data/comparison/{arm}/{self.draw}.csv")

    def _search(self) -> None:
        for before, after in pairwise(map(str, self.sizes)):
            stage(
                *("train_ensemble", "prepared", "embeddings", f"subsets/{before}"),
                *(f"weights/{PROXY}.safetensors", f"ensembles/{before}"),
                *(f"histories/ensemble-{before}", f"dynamics/{before}"),
            )
            stage(
                "predict_pool", "prepared", "embeddings", f"ensembles/{before}", f"signals/{before}"
            )
            found = (
                f"{kind}/{before}" for kind in ("signals", "dynamics", "scores", "correlations")
            )
            stage("score", after, "prepared", *found)
            self._choose(before, after)
        self._keep(SELECTED)

    def _race(self) -> None:
        self._write(f"race.entrants={RACE}")
        self._choose(*map(str, self.sizes[-2:]))
        self._keep(RACED)

    def _choose(self, before: str, after: str) -> None:
        stage(
            *("select", before, after, "prepared", f"signals/{before}", f"dynamics/{before}"),
            *(f"scores/{before}", f"subsets/{before}", "near_duplicates/train"),
            *(f"proposals/{after}", f"orders/{after}"),
        )
        stage(
            *("race", after, "prepared", "embeddings", f"proposals/{after}"),
            *(f"weights/{PROXY}.safetensors", f"subsets/{after}", f"races/{after}"),
        )

    def _keep(self, arm: str) -> None:
        """Take the last round's subset as what is compared."""
        target = Path(f"data/comparison/{arm}")
        shutil.copytree(f"data/subsets/{self.budget}", target, dirs_exist_ok=True)

    def _train(self, arm: str, name: str) -> None:
        stage(
            *("train_subset_model", self.model, "prepared", "embeddings", f"comparison/{arm}"),
            *("ensembles/scratch", f"weights/{self.model}.safetensors"),
            *(f"subset_models/{name}", f"histories/{name}"),
        )
        stage("evaluate", "prepared", "embeddings", f"subset_models/{name}", f"evaluation/{name}")


def _seconds(work: Callable[[], None]) -> float:
    """Return the processor seconds that something takes in this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _save(arm: str, draw: str, index_P: Ints) -> None:
    path = Path(f"data/comparison/{arm}/{draw}.csv")
    artifacts.save_subset(path, unscored(index_P))
