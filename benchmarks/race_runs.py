"""Runs of one series of benchmarks/race_table.py.

Shapes: M members, T test samples (or groups of them), K random subsets.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import changed_data, clones, learnable, stages_here
from benchmarks.generated import ROOT
from benchmarks.race_design import LEARNABLE, OF_ALL, Series
from benchmarks.stages_here import stage
from stages.shared import artifacts
from stages.shared.artifacts import Array
from stages.shared.artifacts.races import load_race
from stages.shared.choosing.sampling import unscored
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import Params, load_params
from stages.shared.sizes import num_picks

NUM_RANDOM = 4  # random subsets of each draw that targets are trained on; no judge saw them
RANDOM = [f"random-target-{place}" for place in range(NUM_RANDOM)]
EVERYTHING = "everything"
FAR_BEHIND = -3.0  # points, as judged: no target is trained on such a proposal, but on `top`
Row = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """A budget of a series; the stages run in the current folder."""

    series: Series
    budget: float

    @property
    def sizes(self) -> list[float]:
        """Of the subsets, round by round."""
        return self.series.sizes(self.budget)

    def run(self) -> tuple[list[Row], list[Row]]:
        """Return a row for each draw's race, and one for each subset that a target was trained on.

        The judges' seconds are those of this process, in the mean over the draws.
        """
        params = self.write(races=False)
        stage("seed_subset", str(self.sizes[0]), "prepared", f"subsets/{self.sizes[0]}")
        seconds = 0.0
        for number in range(1, len(self.sizes)):
            is_last = number == len(self.sizes) - 1
            params = self.write(races=self.series.every_round or is_last)
            seconds += self._round(params, *map(str, self.sizes[number - 1 : number + 1]))
        full_seconds = self._targets(params)
        races = self._races(params, seconds, full_seconds)
        return races, self._rows(params, races)

    def write(self, *, races: bool, seed: int | None = None) -> Params:
        """Write params.yaml and return what it says."""
        rounds = ", ".join(
            f"{{from: {a}, to: {b}}}" for a, b in zip(self.sizes, self.sizes[1:], strict=False)
        )
        entrants = ", ".join(f"{name}: {how}" for name, how in self.series.entrants.items())
        changes = [
            *OF_ALL,
            *self.series.changes,
            f"seed_size={self.sizes[0]}",
            f"rounds=[{rounds}]",
            f"random_seed={self.series.first_seed if seed is None else seed}",
            f"random_seeds={self.series.seeds}",
            f"train_subset_model.members={self.series.members}",
            "compare.subsets=[selected, random, full]",
            f"race.entrants={{{entrants if races else ''}}}",
        ]
        text = clones.changed(clones.settings(ROOT / f"presets/{self.series.preset}.yaml"), changes)
        Path("params.yaml").write_text(text, encoding="utf-8")
        return load_params()

    def _round(self, params: Params, before: str, after: str) -> float:
        """Run a round; return the seconds of its race."""
        last = Path(f"data/signals/{before}") / params.draws[-1].draw
        if not (before == "1.0" and last.exists()):
            stage(
                *("train_ensemble", "prepared", "embeddings", f"subsets/{before}"),
                _weights(params.train_ensemble.model),
                *(f"ensembles/{before}", f"histories/{before}", f"dynamics/{before}"),
            )
            ensemble = f"ensembles/{before}"
            stage("predict_pool", "prepared", "embeddings", ensemble, f"signals/{before}")
        signals, dynamics, scores = (
            f"{name}/{before}" for name in ("signals", "dynamics", "scores")
        )
        stage("score", after, "prepared", signals, dynamics, scores, f"correlations/{before}")
        proposals = f"proposals/{after}"
        stage(
            *("select", before, after, "prepared", signals, dynamics, scores),
            *(f"subsets/{before}", "near_duplicates/train", proposals, f"orders/{after}"),
        )
        start = time.process_time()
        if LEARNABLE in params.race.entrants:
            learnable.propose(params, Path("data"), before, after)
        stage(
            *("race", after, "prepared", "embeddings", proposals, _weights(params.race.judge)),
            *(f"subsets/{after}", f"races/{after}"),
        )
        return time.process_time() - start

    def _targets(self, params: Params) -> float:
        """Train and measure targets on all subsets; return the seconds of one on everything."""
        meta = artifacts.load_meta(Path("data/prepared"))
        ids = artifacts.load_sample_ids(Path("data/prepared"), "train")
        shutil.rmtree("data/comparison", ignore_errors=True)
        for draw in params.draws:
            here = Path(f"data/proposals/{self.budget}/{draw.draw}")
            count = num_picks(self.budget, len(ids))
            for place, name in enumerate(RANDOM):
                order_N = permutation_by_id(ids, draw.random_seed, "race table", place)
                save(name, draw.draw, order_N[:count])
            save(EVERYTHING, draw.draw, np.arange(meta.num_samples["train"]))
            for name in self.series.entrants:
                copy(here / f"{name}.csv", name, draw.draw)
            copy(Path(f"data/subsets/{self.budget}/{draw.draw}.csv"), "race", draw.draw)
        for name in ("race", *self._measured(params), *RANDOM):
            train(params, name)
        start = time.process_time()
        num_trained = train(params, EVERYTHING)
        return (time.process_time() - start) / num_trained

    def _measured(self, params: Params) -> list[str]:
        """Return the entrants that targets are trained on: `top`, and who is not far behind."""
        folder = Path(f"data/races/{self.budget}")
        runners = [load_race(folder, draw.draw).runners for draw in params.draws]
        return [
            name
            for name in self.series.entrants
            if name == "top" or max(found[name].gain for found in runners) > FAR_BEHIND
        ]

    def _races(self, params: Params, seconds: float, full_seconds: float) -> list[Row]:
        full_flops = _history_flops(EVERYTHING, params)
        num_train = artifacts.load_meta(Path("data/prepared")).num_samples["train"]
        rows = []
        for draw in params.draws:
            found = load_race(Path(f"data/races/{self.budget}"), draw.draw)
            flops, trainings = found.flops, found.trainings
            for size in self.sizes[1:-1] if self.series.every_round else ():
                earlier = load_race(Path(f"data/races/{size}"), draw.draw)
                flops, trainings = flops + earlier.flops, trainings + earlier.trainings
            rows.append(
                {
                    "seed": draw.random_seed,
                    "picks": num_picks(self.budget, num_train),
                    "winner": found.winner.partition("-")[0],
                    "judged_samples": found.num_samples,
                    "judged_gain": round(found.winner_gain or 0.0, 3),
                    "smallest_gain": round(found.smallest_gain or 0.0, 3),
                    "trainings": trainings,
                    "full_trainings": round(flops / full_flops, 2),
                    "seconds": round(seconds / len(params.draws), 1),
                    "full_seconds": round(full_seconds, 2),
                }
            )
        return rows

    def _rows(self, params: Params, races: Sequence[Row]) -> list[Row]:
        rows = []
        for draw, race in zip(params.draws, races, strict=True):
            judged = load_race(Path(f"data/races/{self.budget}"), draw.draw).runners
            found = {
                name: values(params, name, draw.draw)
                for name in ("race", *self._measured(params), *RANDOM, EVERYTHING)
            }
            random_T = np.mean([found[name].mean(axis=0) for name in RANDOM], axis=0)
            for name, values_MT in found.items():
                difference_T = values_MT.mean(axis=0) - random_T
                gain = round(judged[name].gain, 3) if name in judged else ""
                rows.append(
                    {
                        "seed": race["seed"],
                        "subset": name,
                        "judged_gain": race["judged_gain"] if name == "race" else gain,
                        "points": " ".join(f"{value:.3f}" for value in values_MT.mean(axis=1)),
                        "of_test": round(float(difference_T.var(ddof=1) / len(difference_T)), 5),
                    }
                )
        return rows


def begin(work: Path, name: str, series: Series, raw: Path) -> None:
    """Make the series' folder, enter it, and prepare its data."""
    stages_here.enter(work, name, raw)
    Cell(series, series.budgets[0]).write(races=True)
    if not Path("data/prepared").exists():
        stage("prepare", "prepared", "ensembles/scratch")
        if series.halved:
            changed_data.halve(Path("data/prepared"))
        if series.wrong:
            changed_data.plant(Path("data/prepared"), series.wrong)
    stage("weights", "prepared", "weights")  # random ones
    stage("embed", "prepared", _weights("none"), "embeddings")  # nothing


def train(params: Params, name: str) -> int:
    """Train and measure the targets on a subset; return how many."""
    (model,) = params.compare.models
    stage(
        *("train_subset_model", model, "prepared", "embeddings", f"comparison/{name}"),
        *("ensembles/scratch", _weights(model), f"subset_models/{name}", f"histories/{name}"),
    )
    trained = f"subset_models/{name}"
    stage("evaluate", "prepared", "embeddings", trained, f"evaluation/{name}")
    return len(params.draws) * params.train_subset_model.members


def _weights(model: str) -> str:
    return f"weights/{model}.safetensors"


def _history_flops(name: str, params: Params) -> float:
    """Return what one training on a subset takes."""
    history = artifacts.load_history(Path(f"data/histories/{name}/{params.draws[0].draw}.csv"))
    return max(epoch.flops for epoch in history)


def values(params: Params, name: str, draw: str) -> Array:
    """Return what each test sample says of each target, float64 [M, T], points."""
    meta, metric = artifacts.load_meta(Path("data/prepared")), params.report.metric
    found = artifacts.load_evaluation(
        Path(f"data/evaluation/{name}/{draw}"), [metric], meta.num_samples
    )
    return 100.0 * found.values[metric].astype(np.float64)


def save(name: str, draw: str, index_P: Array) -> None:
    """Write a subset for targets."""
    artifacts.save_subset(Path(f"data/comparison/{name}/{draw}.csv"), unscored(index_P))


def copy(source: Path, name: str, draw: str) -> None:
    """Take a subset for targets."""
    target = Path(f"data/comparison/{name}/{draw}.csv")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
