"""One target of benchmarks/cifar10_table.py, with the search that its subset comes from.

All work of a model, its length and a random seed shares a folder: what was trained for one budget
serves the others.

Shapes: P picks, K train samples in the order of random subsets.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import clones, side_by_side
from benchmarks.generated import ROOT
from benchmarks.stages_here import stage
from stages.comparison_subsets.comparison import order_of_random_subsets
from stages.shared import artifacts
from stages.shared.artifacts.formats import load_json
from stages.shared.choosing.limits import load_limits
from stages.shared.choosing.sampling import unscored
from stages.shared.networks.batches import num_batches
from stages.shared.settings.params import Params, load_params
from stages.shared.sizes import num_picks

PROXY = "airbench_quarter"
RACE = (
    "{hardest: {}, window: {rule: window, window: {start: 0.1}},"
    " stratified: {rule: stratified, stratified: {cut: 0.1}}}"
)
EVERYTHING, RANDOM = "everything", "random"
SELECTED, RACED = "selected", "race"
_DUAL = "acquisition=dual"
_D2 = ("select.rule=message_passing", "select.balanced=true")
# Chosen from everything at once, by one training of the target's network and the area under the
# margin unless it says otherwise.
RULES: Mapping[str, Sequence[str]] = {
    "hardest": [],
    "most_unsure": [_DUAL],  # DUAL without its sampling
    "window": ["select.rule=window", "select.window.start=0.1"],
    "ccs_10": ["select.rule=stratified", "select.stratified.cut=0.1"],
    "ccs_30": ["select.rule=stratified", "select.stratified.cut=0.3"],
    "d2_10": [*_D2, "select.outliers.fraction=0.1"],
    "d2_30": [*_D2, "select.outliers.fraction=0.3"],
    "dual": [_DUAL, "select.rule=beta"],
    "half_random": ["select.rule=mixed"],
    "moderate": ["select.rule=moderate"],
    "prototypes": ["select.rule=prototypes"],
}
# Chitta et al. 2020: chosen from everything at once as well, by an ensemble of proxies.
PRETRAIN = "pretrain"
SCHEMES: Mapping[str, Sequence[str]] = {
    "compress": [],
    PRETRAIN: [],  # the targets start from the proxies' weights, so both are of one network
    "outliers": ["select.outliers.fraction=0.125"],  # Table IV
}
TARGET, PROXIES = "target", "proxies"  # which were trained on everything
BY_PROXY = (SELECTED, RACED, *SCHEMES)
# Settings that random subsets and everything know nothing of begin so.
OF_SEARCH = (
    *("acquisition", "predict_pool.", "race.", "score.", "select.outliers", "select.rule"),
    "train_ensemble.",
)
BETWEEN = "; "  # changes of a preset


@dataclass(frozen=True)
class Found:
    """One target: a row of the CSV file."""

    preset: str
    changes: str  # of the preset, as dvc's -S, where they concern the arm
    model: str
    epochs: int  # that everything gets
    budget: float
    arm: str
    proxy_epochs: int  # 0 where no proxy chose
    length: str  # `epochs` of its own, or as many `updates` as everything gets
    seed: int
    picks: int
    updates: int
    accuracy: float  # points on test, in the mean over members
    ensemble_accuracy: float  # of the members' mean probabilities
    training_seconds: float  # of a processor, of all members, with evaluation on test
    search_seconds: float
    machine: str  # whose seconds these are


@dataclass(frozen=True)
class Cell:
    """A budget and a random seed; the stages run in the current folder."""

    preset: str
    model: str
    epochs: int
    proxy_epochs: int
    budget: float
    seed: int
    changes: Sequence[str] = ()

    @property
    def sizes(self) -> list[float]:
        """Of the growing subsets, round by round."""
        return [self.budget / 4, self.budget / 2, self.budget]

    @property
    def draw(self) -> str:
        """The name of the only draw."""
        return f"seed-{self.seed}"

    def changes_of(self, arm: str) -> str:
        """Return what was changed of the preset, where it concerns the arm."""
        changes = BETWEEN.join(sorted(self.changes))
        return of_target(changes) if arm in {RANDOM, EVERYTHING} else changes

    def target(self, arm: str, length: str) -> Found:
        """Search where the arm does, then train a target on its subset and measure it."""
        if arm == PRETRAIN and self.model != PROXY:
            raise SystemExit(f"error: {PRETRAIN} starts from {PROXY}; --model is {self.model}")
        self._begin()
        searched = self._subset_of(arm)
        params = self._write_target(arm, length)
        trained = self._first_with_the_subset_of(arm)
        name = (
            f"{trained}-{length}" if trained == EVERYTHING else f"{self.budget}-{trained}-{length}"
        )
        seconds = self._once(name, lambda: self._train(trained, name))
        metrics = load_json(Path(f"data/evaluation/{name}/{self.draw}/metrics.json"))
        history = artifacts.load_history(Path(f"data/histories/{name}/{self.draw}.csv"))
        num = artifacts.load_meta(Path("data/prepared")).num_samples["train"]
        picks = len(artifacts.load_subset(self._subset(arm), num, once=params.picks_once))
        return Found(
            self.preset,
            self.changes_of(arm),
            self.model,
            self.epochs,
            1.0 if arm == EVERYTHING else self.budget,
            arm,
            self.proxy_epochs if arm in BY_PROXY else 0,
            length,
            self.seed,
            picks,
            history[-1].updates,
            *(_points(metrics["mean"]), _points(metrics["ensemble"])),
            *(round(seconds, 1), round(searched, 1)),
            side_by_side.device(),
        )

    def _begin(self) -> None:
        """Prepare the data and the first weights, unless that was done before."""
        self._write(self.sizes)
        if not Path("data/prepared").exists():
            prepared = Path("../prepared").absolute()  # by all cells
            if not prepared.exists():
                stage("prepare", "prepared", "ensembles/scratch")
                Path("data/prepared").rename(prepared)
            Path("data/prepared").symlink_to(prepared)
        Path("data/ensembles/scratch").mkdir(parents=True, exist_ok=True)
        if not Path("data/weights").exists():
            stage("weights", "prepared", "weights")

    def _subset_of(self, arm: str) -> float:
        """Write an arm's subset, unless that was done before; return the seconds of its search."""
        if arm in {RANDOM, EVERYTHING}:
            if not self._subset(arm).exists():
                self._take(arm)
            return 0.0
        if arm in RULES:
            return self._at_once(arm, TARGET, self.model, self._of_rule(), RULES[arm])
        if arm in SCHEMES:
            return self._at_once(arm, PROXIES, PROXY, [], SCHEMES[arm])
        seconds = self._once(f"{self.budget}-search", self._search)
        if arm == RACED:
            seconds += self._once(f"{self.budget}-race", self._race)
        return seconds

    def _take(self, arm: str) -> None:
        """Write what is compared without a search."""
        params = self._write(self.sizes)
        ids = artifacts.load_sample_ids(Path("data/prepared"), "train")
        if arm == EVERYTHING:
            index_P = np.arange(len(ids))
        else:
            limits = load_limits(Path("data/prepared"), ids, params.select)
            order_K = order_of_random_subsets(params.draws[0], ids, limits)
            index_P = order_K[: num_picks(self.budget, len(ids))]
        artifacts.save_subset(self._subset(arm), unscored(index_P))

    def _write(self, sizes: Sequence[float], *changes: str) -> Params:
        """Write params.yaml and return what it says."""
        rounds = ", ".join(f"{{from: {a}, to: {b}}}" for a, b in pairwise(sizes))
        changed = [
            *(f"random_seed={self.seed}", "random_seeds=1"),
            *(f"seed_size={sizes[0]}", f"rounds=[{rounds}]"),
            *(f"train_ensemble.model={PROXY}", f"race.judge={PROXY}"),
            f"train_ensemble.length={{epochs: {self.proxy_epochs}}}",
            f"race.length={{epochs: {self.proxy_epochs}}}",
            f"train_subset_model.length={{epochs: {self.epochs}}}",
            *(f"compare.models=[{self.model}]", "compare.subsets=[selected, random, full]"),
            *("train_subset_model.validations=1", "train_subset_model.members=1"),
        ]
        preset = ROOT / f"presets/{self.preset}.yaml"
        text = clones.changed(clones.settings(preset), [*changed, *self.changes, *changes])
        Path("params.yaml").write_text(text, encoding="utf-8")
        return load_params()

    def _write_target(self, arm: str, length: str) -> Params:
        """Write how an arm's targets are trained."""
        changes = self._of_length(length)
        if arm != PRETRAIN:
            return self._write(self.sizes, *changes)
        source = "train_subset_model.initialize_from=1.0"
        return self._write([1.0, self.budget], source, *changes)

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
        return self._compared(arm) / f"{self.draw}.csv"

    def _compared(self, arm: str) -> Path:
        """Return the folder of an arm's subset; the stage fine-tunes on selected ones alone."""
        name = arm if arm == EVERYTHING else f"{self.budget}-{arm}"
        return Path("data/comparison") / (f"{SELECTED}-{name}" if arm == PRETRAIN else name)

    # --- searches ---------------------------------------------------------------------------------

    def _search(self) -> None:
        """Grow a subset in two rounds, each by an ensemble of proxies."""
        self._write(self.sizes)
        first = str(self.sizes[0])
        stage("seed_subset", first, "prepared", self._at("subsets", first))
        for before, after in pairwise(map(str, self.sizes)):
            self._predicted(PROXY, before)
            self._choose(before, after)
        self._keep(SELECTED)

    def _race(self) -> None:
        self._write(self.sizes, f"race.entrants={RACE}")
        self._choose(*map(str, self.sizes[-2:]))
        self._keep(RACED)

    def _at_once(
        self, arm: str, by: str, model: str, settings: Sequence[str], changes: Sequence[str]
    ) -> float:
        """Choose by models that were trained on everything; return the seconds of both."""
        sizes = [1.0, self.budget]

        def train() -> None:
            self._write(sizes, *settings)
            stage("seed_subset", "1.0", "prepared", self._at("subsets", "1.0", by))
            self._predicted(model, "1.0", by)

        def choose() -> None:
            self._write(sizes, *settings, *changes)
            self._choose("1.0", str(self.budget), by)
            self._keep(arm)

        return self._once(f"signals-{by}", train) + self._once(f"{self.budget}-{arm}", choose)

    def _of_rule(self) -> list[str]:
        return [
            *(f"train_ensemble.model={self.model}", "train_ensemble.members=1"),
            f"train_ensemble.length={{epochs: {self.epochs}}}",
            *("predict_pool.signals=[features]", "acquisition=aum"),
        ]

    def _predicted(self, model: str, size: str, by: str = "") -> None:
        ensemble = self._at("ensembles", size, by)
        stage(
            *("train_ensemble", "prepared", "embeddings", self._at("subsets", size, by)),
            *(f"weights/{model}.safetensors", ensemble),
            *(self._at("histories/ensemble", size, by), self._at("dynamics", size, by)),
        )
        stage("predict_pool", "prepared", "embeddings", ensemble, self._at("signals", size, by))

    def _choose(self, before: str, after: str, by: str = "") -> None:
        """Score, select and race for a round; without entrants the race hands on the selection."""
        known = [self._at(kind, before, by) for kind in ("signals", "dynamics", "scores")]
        stage("score", after, "prepared", *known, self._at("correlations", before, by))
        proposals, subset = self._at("proposals", after), self._at("subsets", after)
        stage(
            *("select", before, after, "prepared", *known, self._at("subsets", before, by)),
            *("near_duplicates/train", proposals, self._at("orders", after)),
        )
        stage(
            *("race", after, "prepared", "embeddings", proposals),
            *(f"weights/{PROXY}.safetensors", subset, self._at("races", after)),
        )

    def _at(self, kind: str, size: str, by: str = "") -> str:
        """Return where something of a size lies: two budgets may have a size in common.

        What serves all budgets is named after who was trained on everything.
        """
        return f"{kind}/{by or self.budget}/{size}"

    def _keep(self, arm: str) -> None:
        """Take the last round's subset as what is compared."""
        subsets = Path("data") / self._at("subsets", str(self.budget))
        shutil.copytree(subsets, self._compared(arm), dirs_exist_ok=True)

    def _train(self, arm: str, name: str) -> None:
        first = self._at("ensembles", "1.0", PROXIES) if arm == PRETRAIN else "ensembles/scratch"
        stage(
            *("train_subset_model", self.model, "prepared", "embeddings"),
            str(self._compared(arm).relative_to("data")),
            *(first, f"weights/{self.model}.safetensors"),
            *(f"subset_models/{name}", f"histories/{name}"),
        )
        stage("evaluate", "prepared", "embeddings", f"subset_models/{name}", f"evaluation/{name}")


def of_target(changes: str) -> str:
    """Return the changes that are not of the search alone."""
    return BETWEEN.join(
        change for change in changes.split(BETWEEN) if not change.startswith(OF_SEARCH)
    )


def _seconds(work: Callable[[], None]) -> float:
    """Return the processor seconds that something takes in this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _points(metrics: dict[str, float]) -> float:
    return round(100 * metrics["accuracy"], 2)
