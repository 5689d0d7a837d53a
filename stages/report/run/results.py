"""Everything that the report is made of.

Shapes: N train samples, V validation samples, T test samples, M voters or members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.report.formulas.statistics import Measured
from stages.report.run.labels import Labels
from stages.shared.artifacts import (
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
    Split,
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
from stages.shared.artifacts.races import RaceResult
from stages.shared.artifacts.shown_images import Shown
from stages.shared.artifacts.tracking import Tracked
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
    # What the voters were trained on, rising, and how probable each label was meanwhile, in the
    # mean over epochs and members.
    learnt_row_R: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    learnt_probability_R: Floats = field(default_factory=lambda: np.empty(0))


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
        return Measured(100 * values_M, 100 * samples_MT, metrics_R=self.evaluation.rows_of(metric))


def validated_by(params: Params) -> str:
    """Return in words what is measured on validation."""
    return params.rules.validation_metric.removeprefix("validation_").replace("_", " ")


def num_independent(params: Params, meta: Meta, target: Target, split: Split) -> int:
    """Return how many samples a split has, or groups of the user's, which are right together."""
    rules, num = params.rules, meta.num_samples[split]
    if not rules.has_labels:  # values of boxes are of groups of images in any case
        return num
    metric = rules.validation_metric if split == "validation" else params.report.metric
    return min(num, target.evaluation.values[metric].shape[1])


def measured(draws: Sequence[Target], metric: str) -> Measured:
    """Return what a model reaches, in points: each draw, or each member of a single one.

    An ensemble is one row of its draw.
    """
    return over_draws([draw.measured(metric) for draw in draws])


def over_draws(draws: Sequence[Measured]) -> Measured:
    """Return the mean over the members of each draw; a single draw keeps its members."""
    if len(draws) == 1:
        return draws[0]
    known_D = [draw.metrics_R for draw in draws if draw.metrics_R]
    return Measured(
        np.array([draw.values_R.mean() for draw in draws]),
        np.stack([draw.samples_RT.mean(axis=0) for draw in draws]),
        len(draws),
        draws[0].unit,
        [_mean(members) for members in known_D] if len(known_D) == len(draws) else None,
    )


def _mean(members: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in members])) for name in members[0]}


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
    is_excluded_N: npt.NDArray[np.bool_]  # by the user's list: no subset holds it, nor everything
    validation_targets_V: Ints
    subsets: Mapping[str, Subset]  # by size, in the order of the rounds
    rounds: list[Round]
    comparison: Mapping[str, Subset]  # by name, as params name them
    targets: Mapping[tuple[str, str], Target]  # by model and name of the subset
    ensembles: Mapping[str, Evaluation]  # by size, those that evaluate.ensembles names
    races: Mapping[str, RaceResult]  # by the size of the round's subset
    alike: Alike
    embedding_flops: float  # of all splits
    shown: Sequence[Shown]  # to networks that have preprocessing of their own
    validation_ids: list[str]  # V
    has_groups: bool  # dataset.groups names samples, which stay together

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
    def num_everything(self) -> int:
        """How many train samples everything holds: those that the user's list does not exclude.

        Where everything was compared, as the list was then.
        """
        if "full" in self.comparison:
            return len(self.comparison["full"])
        return self.meta.num_samples["train"] - int(self.is_excluded_N.sum())

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
                wanted = parse_size(size or str(self.params.sizes[-1]))
                picks = num_picks(wanted, self.meta.num_samples["train"])
                found.setdefault(picks, {}).setdefault(kind, name)
            elif kind != "full":
                found.setdefault(len(subset), {}).setdefault(kind, name)
        return dict(sorted(found.items()))


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
