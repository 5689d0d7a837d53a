"""Train the judges of all draws' races side by side, step by step, and measure them.

Shapes: M judges of a step, H held-out rows of train, V judged samples, K random subsets.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np

from stages.race.rule import Race, Standing
from stages.shared import artifacts
from stages.shared.artifacts import Ensemble, Floats, Ints, Meta
from stages.shared.artifacts.races import Judgement, RaceResult, Runner
from stages.shared.errors import ArtifactError
from stages.shared.members import finished_members, members
from stages.shared.networks.determinism import deterministic
from stages.shared.prediction.flops import forward_flops
from stages.shared.prediction.forward_passes import Voters
from stages.shared.running import engine
from stages.shared.samples.randomness import stream_seed
from stages.shared.settings.params import Params
from stages.shared.training.job import Job, Parallel

LEAST_SAMPLES = 2  # of which a variance can be taken


@dataclass
class DrawnRace:
    """The race of one draw."""

    params: Params
    prepared: Path
    proposals: Path  # of this draw
    weights: Path  # that a judge starts from; an empty file: random ones
    race: Race
    judgements: list[Judgement] = field(default_factory=list)
    training_flops: float = 0.0
    num_samples: int = 0  # that judge

    @property
    def is_over(self) -> bool:
        """Whether nobody is left, or all judges have spoken."""
        return not self.race.left or self.race.num_judges == self.params.race.judges

    def to_judge(self) -> list[str]:
        """Return the proposals that the next judge is trained on: entrants, then random subsets."""
        count = self.params.race.random
        first = count * self.race.num_judges
        return [*self.race.left, *(f"random-{first + place}" for place in range(count))]

    def jobs(self, meta: Meta) -> list[Job]:
        """Return the next judge's trainings, in the order of `to_judge`."""
        judge = self.race.num_judges
        return [members.job_of(self._plan(name, meta), judge) for name in self.to_judge()]

    def add(self, folders: Sequence[Path], meta: Meta) -> None:
        """Take what the next judge's trainings, which lie in these folders, are worth."""
        names, judge = self.to_judge(), self.race.num_judges
        trained = [
            finished_members.load_member(folder, "none", meta.num_samples["train"])
            for folder in folders
        ]
        self.training_flops += sum(member.history[-1].flops for member in trained)
        last = [member.checkpoints[-1] for member in trained]
        ensemble = Ensemble(self.params.race.judge, meta.num_classes, meta.input_shape, last)
        paths = [folder / entry.path for folder, entry in zip(folders, last, strict=True)]
        values_MV = self._measured(Voters(ensemble, paths), meta)
        for name, values_V in zip(names, values_MV, strict=True):
            self.judgements.append(Judgement(name, judge, float(values_V.mean())))
        num = len(self.race.left)
        self.race.add(dict(zip(names, values_MV[:num], strict=False)), values_MV[num:])

    def result(self, meta: Meta) -> RaceResult:
        """Return how the race ended."""
        race, settings = self.race, self.params.race
        decision = race.decide()
        winner = decision.winner or f"random-{decision.best_random}"
        scores: dict[str, list[float]] = {}
        for one in self.judgements:
            scores.setdefault(one.proposal, []).append(one.score)
        random_score = _mean_of([name for name in scores if name.startswith("random-")], scores)
        of_each = settings.judges * (len(settings.entrants) + settings.random)
        measuring = forward_flops(settings.judge, meta) * self.num_samples * len(self.judgements)
        return RaceResult(
            winner=winner,
            runners={
                name: _runner(standing, len(scores[name]), decision.bound.get(name), race, name)
                for name, standing in race.standings.items()
            },
            num_samples=self.num_samples,
            random_score=random_score,
            winner_gain=_mean_of([winner], scores) - random_score,
            smallest_gain=decision.smallest_gain,
            trainings=len(self.judgements),
            most_trainings=of_each,
            flops=self.training_flops + measuring,
        )

    def _plan(self, name: str, meta: Meta) -> members.Plan:
        params, settings = self.params, self.params.judging
        judged = self.proposals / "judged" / f"{name}.csv"
        path = judged if judged.exists() else self.proposals / f"{name}.csv"
        seed = stream_seed(params.random_seed, "judge")
        return members.Plan(
            params=params.model_copy(update={"random_seed": seed}),
            model=params.race.judge,
            settings=settings,
            learning_rate=settings.optimizer.learning_rate,
            prepared=self.prepared,
            meta=meta,
            subset=artifacts.load_subset(path, meta.num_samples["train"], once=params.picks_once),
            initial_weights=members.given_weights(self.weights, settings),
            track="none",
            parallel=Parallel(settings.processes, settings.sync_batch_norm),
        )

    def _measured(self, voters: Voters, meta: Meta) -> Floats:
        """Return what each judged sample, or group of them, says of each judge, [M, V], points."""
        held_out_H = self._held_out(meta)
        self.num_samples = meta.num_samples["validation"] + len(held_out_H)
        measuring = import_module(f"stages.race.judged_by_{self.params.rules.evaluation}")
        params = self.params
        with deterministic(params.judging.deterministic, engine.device_name()):
            values_MV: Floats = measuring.values(
                self.prepared, voters, held_out_H, params.report.metric, params.evaluate
            )
        if values_MV.shape[1] < LEAST_SAMPLES:
            raise ArtifactError(
                f"{self.prepared}: {values_MV.shape[1]} sample or group judges a race; there must "
                f"be {LEAST_SAMPLES} at least"
            )
        return 100 * values_MV

    def _held_out(self, meta: Meta) -> Ints:
        if self.params.race.holdout == 0:
            return np.empty(0, dtype=np.int64)
        return artifacts.load_order(self.proposals / "held_out.npy", meta.num_samples["train"])


def run_races(
    params: Params, prepared: Path, proposals: Path, weights: Path
) -> list[tuple[RaceResult, list[Judgement]]]:
    """Return how each draw's race ended and what its judges said; all draws race side by side."""
    meta, settings = artifacts.load_meta(prepared), params.race
    races = [
        DrawnRace(
            draw,
            prepared,
            proposals / draw.draw,
            weights,
            Race(list(params.entrants), level=settings.level, margin=settings.margin),
        )
        for draw in params.draws
    ]
    while running := [race for race in races if not race.is_over]:
        jobs = [race.jobs(meta) for race in running]
        step = f"judge {running[0].race.num_judges + 1}/{settings.judges}"
        folders = iter(members.train_jobs([job for some in jobs for job in some], step))
        for race, some in zip(running, jobs, strict=True):
            race.add([next(folders) for _ in some], meta)
    return [(race.result(meta), race.judgements) for race in races]


def _mean_of(names: Sequence[str], scores: dict[str, list[float]]) -> float:
    return float(np.mean([score for name in names for score in scores[name]]))


def _runner(standing: Standing, judges: int, lowest: float | None, race: Race, name: str) -> Runner:
    error = standing.standard_error
    return Runner(
        judges=judges,
        gain=standing.gain,
        standard_error=error if math.isfinite(error) else None,
        lowest=lowest,
        dropped_after=race.dropped_after.get(name),
    )
