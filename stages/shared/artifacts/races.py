"""Races of strategies, data/races/<size>: which proposal became a round's subset, and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stages.shared.artifacts.csv_files import save_records
from stages.shared.artifacts.formats import load_record, no_other_keys, save_json


@no_other_keys
@dataclass(frozen=True)
class Runner:
    """How an entrant did, in points of `report.metric` as its judges measured it."""

    judges: int  # that were trained on its proposal
    gain: float  # minus the mean of the random subsets
    standard_error: float | None  # None: a single random subset tells of no other
    lowest: float | None  # the gain's lower bound, corrected for others; None: it dropped out
    dropped_after: int | None  # so many judges; None: it came to the end


@no_other_keys
@dataclass(frozen=True)
class RaceResult:
    """Which proposal a round's subset is."""

    winner: str  # the name of the proposal: an entrant, random-<i>, or the rule where none raced
    runners: dict[str, Runner]  # the entrants by name; none: there was no race
    num_samples: int  # that judged, validation and held out
    random_score: float | None  # of the random subsets, the mean in points
    winner_gain: float | None  # of the winner, minus that
    smallest_gain: float | None  # that this race could have seen
    trainings: int  # judges, those of random subsets too
    most_trainings: int  # that they would have been had nobody dropped out
    flops: float  # of all judges: training and measuring


@dataclass(frozen=True)
class Judgement:
    """What one judge reached, in points."""

    proposal: str
    judge: int
    score: float


def save_race(folder: Path, draw: str, result: RaceResult, judged: Sequence[Judgement]) -> None:
    """Write how a draw's race ended, and what each judge said."""
    save_json(folder / f"{draw}.json", asdict(result))
    save_records(folder / f"{draw}.csv", Judgement, judged)


def load_race(folder: Path, draw: str) -> RaceResult:
    """Return how a draw's race ended.

    Raises:
        ArtifactError: the file says something else.
    """
    return load_record(folder / f"{draw}.json", RaceResult)
