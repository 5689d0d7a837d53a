"""The results of a run, read from the files that params.yaml names.

Shapes: N train samples, V validation samples, M voters or members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stages.report.run.results import Alike, Results, Round, Target, Votes
from stages.shared import artifacts
from stages.shared.artifacts import ENSEMBLE, Evaluation, Meta, Subset
from stages.shared.artifacts.races import RaceResult, load_race
from stages.shared.artifacts.saved_embeddings import load_flops, load_shown_to_embed
from stages.shared.artifacts.shown_images import Shown, load_shown
from stages.shared.artifacts.tracking import load_tracked
from stages.shared.artifacts.user_lists import INCLUDE_HEADER
from stages.shared.samples.randomness import uniform_by_id
from stages.shared.settings.params import Params


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

    @classmethod
    def below(cls, data: Path) -> Self:
        """Return those of a folder `data`."""
        return cls(*(data / name for name in cls.__annotations__))


def drawing_of(gallery: str) -> Any:
    """Return the module that draws samples, as the rules of a task name it."""
    return import_module(f"stages.report.pictures.gallery_of_{gallery}")


def load_draws(params: Params, folders: Folders) -> list[Results]:
    """Read what params.yaml names, of each draw.

    Raises:
        ArtifactError: a file is missing or does not fit the others.
    """
    meta = artifacts.load_meta(folders.prepared)
    num_train = meta.num_samples["train"]
    sample_ids = artifacts.load_sample_ids(folders.prepared, "train")
    of_all: dict[str, Any] = {
        "meta": meta,
        "sample_ids": sample_ids,
        "inputs_N": drawing_of(params.rules.gallery).load(folders.prepared),
        "targets_N": artifacts.load_targets(folders.prepared, "train"),
        "boxes": artifacts.load_train_boxes(folders.prepared),
        "is_excluded_N": _is_excluded(Path(params.select.exclude), sample_ids),
        "validation_targets_V": artifacts.load_targets(folders.prepared, "validation"),
        "alike": Alike.load(folders.near_duplicates),
        "embedding_flops": load_flops(folders.embeddings),
        "validation_ids": artifacts.load_sample_ids(folders.prepared, "validation"),
        "has_groups": artifacts.has_groups(folders.prepared, "train"),
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
            shown=_load_shown(draw, folders),
        )
        for draw in params.draws
    ]


def _load_shown(params: Params, folders: Folders) -> list[Shown]:
    """Return what networks with preprocessing of their own were shown, each once."""
    first = params.compare.subsets[0]
    evaluations = [folders.evaluation / f"{model}-{first}" for model in params.compare.models]
    found = [
        load_shown_to_embed(folders.embeddings),
        *(load_shown(evaluation / params.draw) for evaluation in evaluations),
    ]
    return [one for place, one in enumerate(found) if one and one not in found[:place]]


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
    dynamics = folders.dynamics / source / params.draw
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
        votes=_load_votes(signals, dynamics, numbers) if params.rules.has_labels else None,
        validation=artifacts.load_validation(signals),
        history=artifacts.load_history(history),
        features_ND=artifacts.load_signal(signals, "features_ND", numbers["train"])
        if has_features
        else None,
        gradient_batches=artifacts.load_gradient_batches(signals) if has_norms else [],
        tracked=load_tracked(dynamics) if is_tracked else None,
        heat_maps=artifacts.load_heat_maps(signals, acquisition, numbers["train"])
        if artifacts.has_heat_maps(signals, acquisition)
        else None,
    )


def _load_votes(signals: Path, dynamics: Path, numbers: Mapping[str, int]) -> Votes:
    votes_MV = artifacts.load_validation_signal(
        signals, "validation_votes_MV", numbers["validation"]
    )
    votes_MN, predicted_N, confidence_N, label_probability_N = (
        artifacts.load_signal(signals, name, numbers["train"])
        for name in ("votes_MN", "predicted_class_N", "confidence_N", "label_probability_N")
    )
    learnt = artifacts.load_dynamics(dynamics, numbers["train"])
    return Votes(
        votes_MN,
        predicted_N,
        confidence_N,
        label_probability_N,
        votes_MV,
        learnt.row_R,
        learnt.label_probability_MR.sum(axis=0) / max(len(learnt.label_probability_MR), 1),
    )


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
