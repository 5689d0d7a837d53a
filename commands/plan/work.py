"""What each stage does, counted: trainings, images and forward passes.

A pass is a forward pass of one image through one model; one that is trained on costs three.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from commands.plan.data_sets import Data
from commands.plan.graph import Stage
from stages.report.speedups import training_passes
from stages.shared.prediction.cost import TRAINING_COST
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import Training
from stages.shared.sizes import num_picks, parse_size

# Their gradients take a backward pass; the others follow from the forward pass.
NEED_BACKWARD = ("all", "biases", "weights")


@dataclass(frozen=True)
class Trainings:
    """Members of one model that are trained on one subset."""

    model: str
    settings: Training
    num_picks: int
    num_validation: int
    num_members: int

    @property
    def passes(self) -> int:
        """Forward passes that one member costs; at most, where a plateau ends the training."""
        return training_passes(self.settings, self.num_picks, self.num_validation)

    @property
    def images(self) -> int:
        """Draws of one member's training."""
        return training_passes(self.settings, self.num_picks, 0) // TRAINING_COST


@dataclass(frozen=True)
class Predictions:
    """Models that look at some samples without being trained."""

    model: str
    num_models: int
    num_samples: int
    passes_per_model: int
    batch_size: int
    views: tuple[str, ...]
    precision: str

    @property
    def images(self) -> int:
        """Samples, counted once for each model that looks at them."""
        return self.num_samples * self.num_models

    @property
    def passes(self) -> int:
        """Forward passes of all models."""
        return self.passes_per_model * self.num_models


@dataclass(frozen=True)
class Work:
    """What a stage does beside starting; most stages neither train nor predict."""

    trainings: Trainings | None = None
    predictions: Predictions | None = None

    @property
    def num_trainings(self) -> int:
        """How many members are trained."""
        return self.trainings.num_members if self.trainings else 0

    @property
    def images(self) -> int:
        """Draws of all trainings, and samples that each model predicts."""
        trained = self.trainings.images * self.trainings.num_members if self.trainings else 0
        return trained + (self.predictions.images if self.predictions else 0)

    @property
    def passes(self) -> int:
        """Forward passes of all models."""
        trained = self.trainings.passes * self.trainings.num_members if self.trainings else 0
        return trained + (self.predictions.passes if self.predictions else 0)


def work_of(stage: Stage, params: Params, data: Data) -> Work:
    """Return what a stage has to do when it runs."""
    count = COUNTS.get(stage.kind)
    return count(stage.arguments, params, data) if count else Work()


def full_training(model: str, params: Params, data: Data) -> Trainings:
    """Return one member of a target model on everything: the yardstick."""
    settings = params.train_subset_model
    return Trainings(model, settings, data.num_train, data.meta.num_samples["validation"], 1)


def num_voters(params: Params) -> int:
    """Return how many checkpoints vote."""
    voters = params.predict_pool.voters
    return (1 if voters.members == "best" else params.train_ensemble.members) * voters.count


def size_of_subset(name: str, params: Params, num_train: int) -> int:
    """Return how many picks a compared subset has; at most, where only different ones count."""
    if name == "full":
        return num_train
    kind, _, text = name.partition("-")
    is_whole = not text or kind not in ("selected", "random") or text == "unique"
    return num_picks(params.sizes[-1] if is_whole else parse_size(text), num_train)


def _train_ensemble(arguments: list[str], params: Params, data: Data) -> Work:
    settings = params.train_ensemble
    if settings.weights == "pretrained":
        return Work()
    picks = num_picks(parse_size(Path(arguments[1]).stem), data.num_train)
    num_validation = data.meta.num_samples["validation"]
    return Work(Trainings(settings.model, settings, picks, num_validation, settings.members))


def _predict_pool(arguments: list[str], params: Params, data: Data) -> Work:
    settings, num = params.predict_pool, data.meta.num_samples
    num_samples = num["train"] + num["validation"]
    passes = num_samples * len(settings.views)
    if "gradient_norm" in settings.signals and settings.gradient_norm.parameters in NEED_BACKWARD:
        passes += TRAINING_COST * num["train"]
    return Work(
        predictions=Predictions(
            params.train_ensemble.model,
            num_voters(params),
            num_samples,
            passes,
            settings.batch_size,
            tuple(settings.views),
            settings.precision,
        )
    )


def _train_subset_model(arguments: list[str], params: Params, data: Data) -> Work:
    settings, name = params.train_subset_model, Path(arguments[2]).stem
    picks = size_of_subset(name, params, data.num_train)
    num_validation = data.meta.num_samples["validation"]
    return Work(Trainings(arguments[0], settings, picks, num_validation, settings.members))


def _evaluate(arguments: list[str], params: Params, data: Data) -> Work:
    settings, key, num = params.evaluate, Path(arguments[1]).name, data.meta.num_samples
    model = next(name for name in params.compare.models if key.startswith(f"{name}-"))
    num_samples = num["validation"] + num["test"]
    return Work(
        predictions=Predictions(
            model,
            params.train_subset_model.members,
            num_samples,
            num_samples * len(settings.views),
            settings.batch_size,
            tuple(settings.views),
            "fp32",
        )
    )


COUNTS: Mapping[str, Callable[[list[str], Params, Data], Work]] = {
    "evaluate": _evaluate,
    "predict_pool": _predict_pool,
    "train_ensemble": _train_ensemble,
    "train_subset_model": _train_subset_model,
}
