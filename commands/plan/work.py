"""What each stage does, counted from the settings: updates of trainings, samples to predict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.plan.graph import Stage
from stages.shared.artifacts import Meta
from stages.shared.prediction.cost import TRAINING_COST
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import Training
from stages.shared.sizes import MATCHED, kind_and_size, num_picks, parse_size
from stages.shared.training import schedules


@dataclass(frozen=True)
class Trainings:
    """Members of one model, those of all draws, that are trained on subsets of one size."""

    model: str
    settings: Training
    num_picks: int
    num_validation: int
    num_members: int
    as_long_as: int | None = None  # picks of the subset whose updates a member gets; None: its own

    @property
    def epochs(self) -> int:
        """Epochs that a member begins; at most, where a plateau ends the training."""
        return -(-self.updates // self._updates_per_epoch)

    @property
    def updates(self) -> int:
        """Updates of one member."""
        paced = -(-(self.as_long_as or self.num_picks) // self.settings.batch_size)
        return schedules.made_updates(self.settings, paced)

    @property
    def images(self) -> float:
        """Draws of one member's training."""
        return self.updates * self.num_picks / self._updates_per_epoch

    @property
    def validated(self) -> int:
        """Samples that one member is validated on, each time counted."""
        wanted = self.settings.validations
        times = min(wanted, self.epochs) if isinstance(wanted, int) else self.epochs
        return times * self.num_validation

    @property
    def _updates_per_epoch(self) -> int:
        return -(-self.num_picks // self.settings.batch_size)


@dataclass(frozen=True)
class Predictions:
    """Models that look at some samples without being trained."""

    like: Trainings  # how the model is trained, from which follows how fast it predicts
    num_models: int
    num_samples: int  # each view counts, and a gradient's passes


Work = Trainings | Predictions | None  # most stages neither train nor predict


def work_of(stage: Stage, params: Params, meta: Meta) -> Work:
    """Return what a stage has to do when it runs."""
    count = COUNTS.get(stage.kind)
    return count(stage.arguments, params, meta) if count else None


def _full_training(model: str, params: Params, meta: Meta) -> Trainings:
    """Return one member of a target model on everything."""
    num = meta.num_samples
    return Trainings(model, params.train_subset_model, num["train"], num["validation"], 1)


def size_of_subset(name: str, params: Params, num_train: int) -> int:
    """Return how many picks a compared subset has.

    At most, where only different ones count, or where some are excluded from everything.
    """
    kind, text = kind_and_size(name)
    if kind in {"full", MATCHED}:
        return num_train
    return _picks(params, text, num_train)


def _picks(params: Params, text: str, num_train: int) -> int:
    """Return how many picks a size is; without one, that of the last round."""
    is_whole = not text or text == "unique"
    return num_picks(params.sizes[-1] if is_whole else parse_size(text), num_train)


def _train_ensemble(arguments: Sequence[str], params: Params, meta: Meta) -> Work:
    if params.train_ensemble.train == "none":
        return None
    return _ensemble(Path(arguments[2]).name, params, meta)


def _ensemble(size: str, params: Params, meta: Meta) -> Trainings:
    settings, num = params.train_ensemble, meta.num_samples
    picks = num_picks(parse_size(size), num["train"])
    num_members = settings.members * params.random_seeds
    return Trainings(settings.model, settings, picks, num["validation"], num_members)


def _predict_pool(arguments: Sequence[str], params: Params, meta: Meta) -> Work:
    settings, num = params.predict_pool, meta.num_samples
    num_samples = len(settings.views) * (num["train"] + num["validation"])
    if "gradient_norm" in settings.signals and settings.gradient_norm.needs_backward:
        num_samples += TRAINING_COST * num["train"]
    ensemble = _ensemble(Path(arguments[2]).name, params, meta)
    return Predictions(ensemble, params.num_voters * params.random_seeds, num_samples)


def _race(arguments: Sequence[str], params: Params, meta: Meta) -> Work:
    """Return the judges of a race, at most: nobody is taken to drop out."""
    race, num = params.race, meta.num_samples
    if not race.entrants:
        return None
    picks = num_picks(parse_size(arguments[0]), num["train"])
    num_members = params.random_seeds * race.judges * (len(race.entrants) + race.random)
    return Trainings(race.judge, params.judging, picks, num["validation"], num_members)


def _train_subset_model(arguments: Sequence[str], params: Params, meta: Meta) -> Work:
    settings, num = params.train_subset_model, meta.num_samples
    name, num_members = Path(arguments[3]).name, settings.members * params.random_seeds
    picks, (kind, text) = size_of_subset(name, params, num["train"]), kind_and_size(name)
    paced = _picks(params, text, num["train"]) if kind == MATCHED else None
    return Trainings(arguments[0], settings, picks, num["validation"], num_members, paced)


def _evaluate(arguments: Sequence[str], params: Params, meta: Meta) -> Work:
    num, key = meta.num_samples, Path(arguments[2]).name
    model = next(name for name in params.compare.models if key.startswith(f"{name}-"))
    num_samples = len(params.evaluate.views) * (num["validation"] + num["test"])
    like = _full_training(model, params, meta)
    num_models = params.train_subset_model.members * params.random_seeds
    return Predictions(like, num_models, num_samples)


def _evaluate_ensemble(arguments: Sequence[str], params: Params, meta: Meta) -> Work:
    num, settings = meta.num_samples, params.train_ensemble
    like = _ensemble(Path(arguments[2]).name, params, meta)
    kept = min(like.epochs, settings.checkpoints.last + settings.checkpoints.best)
    num_samples = len(params.evaluate.views) * (num["validation"] + num["test"])
    return Predictions(like, kept * like.num_members, num_samples)


def _embed(arguments: Sequence[str], params: Params, meta: Meta) -> Work:
    """Return the passes of the frozen network, at most: what it embedded before is kept."""
    if params.embed.model == "none":
        return None
    num = meta.num_samples
    like = Trainings(params.embed.model, params.train_ensemble, num["train"], num["validation"], 1)
    return Predictions(like, 1, sum(num.values()))


COUNTS: Mapping[str, Callable[[Sequence[str], Params, Meta], Work]] = {
    "embed": _embed,
    "evaluate": _evaluate,
    "evaluate_ensemble": _evaluate_ensemble,
    "predict_pool": _predict_pool,
    "race": _race,
    "train_ensemble": _train_ensemble,
    "train_subset_model": _train_subset_model,
}
