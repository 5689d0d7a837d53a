"""Take the winner of a race as the round's subset, or the only proposal."""

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from stages.shared import artifacts, models
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.races import Judgement, RaceResult, save_race
from stages.shared.choosing.absent_classes import warn_of_absent_classes
from stages.shared.errors import ArtifactError
from stages.shared.running import command
from stages.shared.settings.params import load_params


def main(  # noqa: PLR0913, PLR0917 - the arguments are those of dvc.yaml
    to_size: str,
    prepared: Path,
    embeddings: Path,
    proposals: Path,
    weights: Path,
    subsets: Path,
    races: Path,
) -> None:
    """Take the winner's proposal of each draw."""
    params = load_params()
    found: Sequence[tuple[RaceResult, Sequence[Judgement]]]
    if params.race.entrants:
        from stages.race.judging import run_races  # here: without a race no training is imported

        data = models.data_of(params.task, params.race.judge, prepared, embeddings)
        found = run_races(params, data, proposals, weights)
        winners = Counter(result.winner.partition("-")[0] for result, _ in found)
        told = ", ".join(f"{name} in {num}" for name, num in winners.most_common())
        sys.stdout.write(f"race to {to_size}: of {len(found)} draws won {told}\n")
    else:
        found = [(unraced(params.select.rule), [])] * params.random_seeds
    with atomic_folder(subsets) as subset_folder, atomic_folder(races) as race_folder:
        for draw, (result, judged) in zip(params.draws, found, strict=True):
            winner = proposals / draw.draw / f"{result.winner}.csv"
            if not winner.exists():
                raise ArtifactError(f"{winner}: missing; run `dvc repro`")
            shutil.copyfile(winner, subset_folder / f"{draw.draw}.csv")
            save_race(race_folder, draw.draw, result, judged)
    if params.race.entrants and params.rules.has_labels:
        # Without a race `select` has warned of its only proposal.
        meta, targets_N = artifacts.load_meta(prepared), artifacts.load_targets(prepared, "train")
        chosen = [
            artifacts.load_subset(subsets / f"{draw.draw}.csv", len(targets_N)).index_P
            for draw in params.draws
        ]
        warn_of_absent_classes(chosen, targets_N, meta.class_names)


def unraced(rule: str) -> RaceResult:
    """Return the result where there is a single proposal."""
    return RaceResult(
        winner=rule,
        runners={},
        num_samples=0,
        random_score=None,
        winner_gain=None,
        smallest_gain=None,
        trainings=0,
        most_trainings=0,
        flops=0.0,
    )


if __name__ == "__main__":
    command.run(main)
