"""Everything that the report is made of, read from the files that params.yaml names.

Shapes: N train samples, V validation samples, T test samples, M voters or members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.report.labels import Labels
from stages.report.statistics import Measured
from stages.shared import artifacts
from stages.shared.artifacts import (
    ENSEMBLE,
    Array,
    BoxList,
    Correlations,
    Epoch,
    Evaluation,
    Floats,
    GradientBatch,
    HeatMaps,
    Ints,
    Meta,
    Subset,
    ValidationResult,
    Voter,
)
from stages.shared.artifacts.duplicate_groups import (
    Found,
    Grouped,
    load_blank,
    load_found,
    load_grouped,
)
from stages.shared.artifacts.races import RaceResult, load_race
from stages.shared.artifacts.saved_embeddings import load_flops
from stages.shared.artifacts.tracking import Tracked, load_tracked
from stages.shared.artifacts.user_lists import INCLUDE_HEADER
from stages.shared.samples.randomness import uniform_by_id
from stages.shared.settings.params import Params
from stages.shared.settings.sections import OutlierFraction, Select
from stages.shared.settings.training_sections import EpochLength
from stages.shared.sizes import MATCHED, kind_and_size, num_picks, parse_size

KINDS = ("selected", "random", "full")  # of compared subsets


@dataclass(frozen=True)
class Votes:
    """The class that each voter gives each sample, and that of their mean probability."""

    votes_MN: Array
    predicted_class_N: Array
    confidence_N: Array  # the mean probability of that class
    label_probability_N: Array  # and of the given label
    validation_votes_MV: Array
    validation_predicted_V: Array


@dataclass(frozen=True)
class Round:
    """One round's ensemble, which was trained on the subset `source` and chose `target`."""

    number: int  # from 1
    source: str  # the size as it stands in paths
    target: str
    acquisition: str
    score_N: Floats
    tie_N: Floats  # what `select` orders equal scores by, the smallest first
    correlations: Correlations
    voters: list[Voter]
    votes: Votes | None  # None: the voters do not vote for one class of each sample
    validation: ValidationResult
    history: list[Epoch]
    features_ND: Array | None  # None: predict_pool.signals does not name them
    gradient_batches: list[GradientBatch]  # none without the signal gradient_norm
    tracked: Tracked | None  # with train_ensemble.track: gradient_norm
    # Of the acquisition function, in the images that it scores highest; None: it has none.
    heat_maps: HeatMaps | None


@dataclass(frozen=True)
class Target:
    """One target model, trained on one compared subset."""

    history: list[Epoch]
    evaluation: Evaluation

    @property
    def member_flops(self) -> float:
        """What training one member cost, mean over the members."""
        return float(np.mean(list(training_flops(self.history).values())))

    def measured(self, metric: str) -> Measured:
        """Return what each member reaches by a metric, or their ensemble, in points."""
        values_M = np.array(self.evaluation.reached(metric))
        samples_MT = self.evaluation.values[metric].astype(np.float64)
        return Measured(100 * values_M, 100 * samples_MT)


def measured(draws: Sequence[Target], metric: str) -> Measured:
    """Return what a model reaches, in points: each draw, or each member of a single one.

    An ensemble is one row of its draw.
    """
    return over_draws([draw.measured(metric) for draw in draws])


def over_draws(draws: Sequence[Measured]) -> Measured:
    """Return the mean over the members of each draw; a single draw keeps its members."""
    if len(draws) == 1:
        return draws[0]
    return Measured(
        np.array([draw.values_R.mean() for draw in draws]),
        np.stack([draw.samples_RT.mean(axis=0) for draw in draws]),
        len(draws),
    )


@dataclass(frozen=True)
class Alike:
    """Near duplicates and blank samples of all splits."""

    found: Found
    grouped: list[Grouped]
    blank: list[str]  # ids

    @classmethod
    def load(cls, folder: Path) -> "Alike":
        """Return what `near_duplicates` wrote."""
        return cls(load_found(folder), load_grouped(folder), load_blank(folder))


@dataclass(frozen=True)
class Results:
    """What all stages before this one found of one draw; params.yaml says which of it there is."""

    params: Params
    meta: Meta
    sample_ids: list[str]  # N
    inputs_N: Any  # what the train samples are, as the file that draws them reads them
    targets_N: Ints
    boxes: BoxList | None  # the objects in the train images, where the task is to find them
    is_excluded_N: npt.NDArray[np.bool_]  # by the user's list: no subset holds it
    validation_targets_V: Ints
    subsets: Mapping[str, Subset]  # by size, in the order of the rounds
    rounds: list[Round]
    comparison: Mapping[str, Subset]  # by name, as params name them
    targets: Mapping[tuple[str, str], Target]  # by model and name of the subset
    ensembles: Mapping[str, Evaluation]  # by size, those that evaluate.ensembles names
    races: Mapping[str, RaceResult]  # by the size of the round's subset
    alike: Alike
    embedding_flops: float  # of all splits

    def selecting(self, entry: Round) -> Select:
        """Return the settings that chose a round's subset: those of its race's winner."""
        if not self.params.race.entrants:
            return self.params.select
        # A random subset skips nothing.
        random = self.params.select.model_copy(update={"outliers": OutlierFraction(fraction=0)})
        return self.params.entrants.get(self.races[entry.target].winner, random)

    @property
    def labels(self) -> Labels:
        """What the train samples show."""
        return Labels(self.meta.class_names, self.targets_N, self.boxes)

    @property
    def last_subset(self) -> Subset:
        """The subset that the last round chose."""
        return self.subsets[str(self.params.sizes[-1])]

    def compared_by_size(self) -> dict[int, dict[str, str]]:
        """Return, by number of picks, the compared subset of each kind: selected, random, matched.

        Ascending; every round's size is there, compared or not.
        """
        found: dict[int, dict[str, str]] = {len(subset): {} for subset in self.subsets.values()}
        for name, subset in self.comparison.items():
            kind, size = kind_and_size(name)
            if kind == MATCHED:
                picks = num_picks(parse_size(size or str(self.params.sizes[-1])), len(subset))
                found.setdefault(picks, {}).setdefault(kind, name)
            elif kind != "full":
                found.setdefault(len(subset), {}).setdefault(kind, name)
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class Folders:
    """Where the results lie."""

    prepared: Path
    subsets: Path
    signals: Path
    scores: Path
    correlations: Path
    dynamics: Path
    histories: Path
    comparison: Path
    evaluation: Path
    races: Path
    near_duplicates: Path
    embeddings: Path


def load_draws(params: Params, folders: Folders) -> list[Results]:
    """Read what params.yaml names, of each draw.

    Raises:
        ArtifactError: a file is missing or does not fit the others.
    """
    meta = artifacts.load_meta(folders.prepared)
    drawing = import_module(f"stages.report.gallery_of_{params.rules.gallery}")
    num_train = meta.num_samples["train"]
    sample_ids = artifacts.load_sample_ids(folders.prepared, "train")
    of_all: dict[str, Any] = {
        "meta": meta,
        "sample_ids": sample_ids,
        "inputs_N": drawing.load(folders.prepared),
        "targets_N": artifacts.load_targets(folders.prepared, "train"),
        "boxes": artifacts.load_boxes(folders.prepared, "train")
        if artifacts.has_boxes(folders.prepared, "train")
        else None,
        "is_excluded_N": _is_excluded(Path(params.select.exclude), sample_ids),
        "validation_targets_V": artifacts.load_targets(folders.prepared, "validation"),
        "alike": Alike.load(folders.near_duplicates),
        "embedding_flops": load_flops(folders.embeddings),
    }
    return [
        Results(
            **of_all,
            params=draw,
            subsets={
                str(size): artifacts.load_subset(
                    folders.subsets / str(size) / f"{draw.draw}.csv", num_train
                )
                for size in draw.sizes
            },
            rounds=[
                _load_round(draw, meta, sample_ids, folders, number)
                for number in range(1, len(draw.rounds) + 1)
            ],
            comparison=load_comparison(draw, meta, folders),
            targets=load_targets(draw, meta, folders),
            ensembles=_load_ensembles(draw, meta, folders),
            races=load_races(draw, folders),
        )
        for draw in params.draws
    ]


def _is_excluded(path: Path, sample_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    is_excluded_N = np.zeros(len(sample_ids), dtype=np.bool_)
    for listed in artifacts.load_sample_list(path, INCLUDE_HEADER, sample_ids):
        if listed.row is not None:
            is_excluded_N[listed.row] = True
    return is_excluded_N


def _load_round(
    params: Params, meta: Meta, sample_ids: Sequence[str], folders: Folders, number: int
) -> Round:
    source, target = (str(size) for size in params.sizes[number - 1 : number + 1])
    acquisition, numbers = params.acquisition_of(target), meta.num_samples
    signals = folders.signals / source / params.draw
    history = folders.histories / f"ensemble-{source}" / f"{params.draw}.csv"
    has_norms = "gradient_norm" in params.predict_pool.signals
    has_features = "features" in params.predict_pool.signals
    is_tracked = params.train_ensemble.track == "gradient_norm"
    return Round(
        number=number,
        source=source,
        target=target,
        acquisition=acquisition,
        score_N=artifacts.load_scores(
            folders.scores / source / f"{params.draw}.npy", numbers["train"]
        ),
        tie_N=uniform_by_id(sample_ids, params.first_seed, "ties", number),
        correlations=artifacts.load_correlations(folders.correlations / source / params.draw),
        voters=artifacts.load_voters(signals),
        votes=_load_votes(signals, numbers) if params.rules.has_labels else None,
        validation=artifacts.load_validation(signals),
        history=artifacts.load_history(history),
        features_ND=artifacts.load_signal(signals, "features_ND", numbers["train"])
        if has_features
        else None,
        gradient_batches=artifacts.load_gradient_batches(signals) if has_norms else [],
        tracked=load_tracked(folders.dynamics / source / params.draw) if is_tracked else None,
        heat_maps=artifacts.load_heat_maps(signals, acquisition, numbers["train"])
        if artifacts.has_heat_maps(signals, acquisition)
        else None,
    )


def _load_votes(signals: Path, numbers: Mapping[str, int]) -> Votes:
    votes_MV, predicted_V = (
        artifacts.load_validation_signal(signals, name, numbers["validation"])
        for name in artifacts.VALIDATION_SIGNALS
    )
    votes_MN, predicted_N, confidence_N, label_probability_N = (
        artifacts.load_signal(signals, name, numbers["train"])
        for name in ("votes_MN", "predicted_class_N", "confidence_N", "label_probability_N")
    )
    return Votes(votes_MN, predicted_N, confidence_N, label_probability_N, votes_MV, predicted_V)


def load_comparison(params: Params, meta: Meta, folders: Folders) -> dict[str, Subset]:
    """Return the compared subsets of a draw, by name.

    Raises:
        ArtifactError: a file is missing or does not fit the others.
    """
    num_train = meta.num_samples["train"]
    return {
        name: artifacts.load_subset(folders.comparison / name / f"{params.draw}.csv", num_train)
        for name in params.compare.subsets
    }


def load_targets(params: Params, meta: Meta, folders: Folders) -> dict[tuple[str, str], Target]:
    """Return what is known of each target model of a draw, by its name and that of its subset.

    Raises:
        ArtifactError: a file is missing or does not fit the others.
    """
    of_test = params.rules.metrics
    of_ensemble = [f"{ENSEMBLE}{metric}" for metric in of_test]
    metrics = (*of_test, *of_ensemble, params.rules.validation_metric, "above_chance")
    return {
        (model, subset): Target(
            artifacts.load_history(folders.histories / key / f"{params.draw}.csv"),
            artifacts.load_evaluation(
                folders.evaluation / key / params.draw, metrics, meta.num_samples
            ),
        )
        for model in params.compare.models
        for subset in params.compare.subsets
        for key in [f"{model}-{subset}"]
    }


def _load_ensembles(params: Params, meta: Meta, folders: Folders) -> dict[str, Evaluation]:
    metrics = (*params.rules.metrics, params.rules.validation_metric)
    return {
        str(size): artifacts.load_evaluation(
            folders.evaluation / f"ensemble-{size}" / params.draw, metrics, meta.num_samples
        )
        for size in params.evaluate.ensembles
    }


def load_races(params: Params, folders: Folders) -> dict[str, RaceResult]:
    """Return how a draw's race for each round's subset ended, by its size.

    Raises:
        ArtifactError: a file is missing or says something else.
    """
    return {
        str(entry.to): load_race(folders.races / str(entry.to), params.draw)
        for entry in params.rounds
    }


def last_epochs(history: Sequence[Epoch]) -> list[Epoch]:
    """Return where each member's training ended."""
    by_epoch = sorted(history, key=lambda epoch: epoch.epoch)
    return list({epoch.member: epoch for epoch in by_epoch}.values())


def training_flops(history: Sequence[Epoch]) -> dict[int, float]:
    """Return what each member's whole training cost, in floating-point operations."""
    return {epoch.member: epoch.flops for epoch in last_epochs(history)}


def has_matched(results: Results) -> bool:
    """Whether everything was also trained for as many updates as a subset, of any size."""
    return any(kind_and_size(name)[0] == MATCHED for name in results.comparison)


def training_length(params: Params) -> str:
    """Say how long the target models were trained, the same for every subset."""
    length, stop = params.train_subset_model.length, params.train_subset_model.stop_after
    if isinstance(length, EpochLength):
        return f"{stop} of {length.epochs} epochs" if stop else f"{length.epochs} epochs"
    return f"{length.updates} updates"
