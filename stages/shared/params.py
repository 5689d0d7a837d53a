"""params.yaml, read and checked whole before any stage starts.

Every key must be there and no other may be: a misspelt name stops the first stage, not the last.
Checks that need two sections stand in `Params`. Validation decides no bytes of any output, so
this file is no dependency of a stage.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from stages.shared.errors import ParamsError
from stages.shared.params_errors import as_written, choice, describe, either, file_in, not_allowed
from stages.shared.sizes import Size, num_picks, parse_size

STAGES = Path(__file__).parent.parent

# Named here because every stage checks them and no stage may import another; a test requires that
# these are exactly the names that stages/score and stages/select list.
Acquisition = Literal[
    "aum",
    "el2n",
    "entropy",
    "error_count",
    "forgetting_events",
    "gradient_norm",
    "least_confidence",
    "margin",
    "mutual_information",
    "random",
    "variation_ratios",
]
NEED_TWO_VOTERS = ("mutual_information", "variation_ratios")
# They need every candidate to have been trained on.
NEED_DYNAMICS = ("aum", "el2n", "forgetting_events")
SelectionRule = Literal["facility_location", "k_centers", "proportional", "top"]
NEED_FEATURES = ("facility_location", "k_centers")

# Digits are other digits, or none, when they are mirrored.
NEVER_FLIPPED = ("digits", "mnist")


class Section(BaseModel):
    """A part of params.yaml: unknown keys are errors, nothing is converted, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Fraction = Annotated[float, Field(gt=0, lt=1)]
SizeParam = Annotated[
    PositiveInt | Annotated[float, Field(gt=0, le=1)],
    either("a fraction above 0 and up to 1.0, or a count from 1"),
]
DatasetName = Annotated[str, file_in(STAGES / "prepare/datasets")]
ModelName = Annotated[str, file_in(STAGES / "shared/models")]
TaskName = Annotated[str, file_in(STAGES / "shared/tasks")]


class Round(Section):
    """One round: the ensemble trained on the subset `from` chooses the subset `to`."""

    from_: SizeParam = Field(alias="from")
    to: SizeParam


class Dataset(Section):
    """Which data, and how it is split."""

    name: DatasetName
    root: str
    image_size: PositiveInt | None
    split_seed: int
    validation_fraction: Fraction
    num_folds: Annotated[int, Field(ge=2)]
    fold: NonNegativeInt
    manifest: str | None
    groups: str | None

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold >= self.num_folds:
            raise ValueError(f"fold is {self.fold}; it must be from 0 to {self.num_folds - 1}")
        return self


class SeedSubset(Section):
    """How the first subset is drawn."""

    stratified: bool
    file: str


class EpochLength(Section):
    """A training of so many passes over the model's own subset."""

    epochs: PositiveInt


class UpdateLength(Section):
    """A training of so many optimizer steps, whatever the size of the subset."""

    updates: PositiveInt


class Optimizer(Section):
    """SGD with momentum."""

    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]
    nesterov: bool
    weight_decay: NonNegativeFloat


class OneCycle(Section):
    """Linear from `start` x the rate up to it at `peak_at` of the training, then down to 0."""

    name: Literal["one_cycle"]
    peak_at: Fraction
    start: Annotated[float, Field(ge=0, le=1)]


class Plateau(Section):
    """x `factor` after `patience` epochs without a better validation accuracy.

    The training ends when a drop brought nothing for twice the patience.
    """

    name: Literal["plateau"]
    patience: PositiveInt
    factor: Fraction


class Steps(Section):
    """x `factor` after each of the epochs in `milestones`, after a warm-up.

    In the warm-up the rate rises linearly, or is `warmup` times the rate throughout.
    """

    name: Literal["steps"]
    milestones: list[PositiveInt]
    factor: Fraction
    warmup_epochs: NonNegativeInt
    warmup: Annotated[
        Fraction | Literal["linear"], either("linear, or a share of the rate above 0 and below 1")
    ]

    @field_validator("milestones")
    @classmethod
    def _rising(cls, milestones: list[int]) -> list[int]:
        if any(later <= earlier for earlier, later in pairwise(milestones)):
            raise not_allowed("it must rise from epoch to epoch")
        return milestones


Schedule = Annotated[OneCycle | Plateau | Steps, Field(discriminator="name")]


class Augmentation(Section):
    """Random changes of the training images; pixels beyond the border are 0."""

    crop_padding: NonNegativeInt
    horizontal_flip: bool
    scale: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]

    @field_validator("scale")
    @classmethod
    def _ordered(cls, scale: list[float]) -> list[float]:
        if scale[0] > scale[1]:
            raise not_allowed("it must be the least zoom, then the greatest")
        return scale


class Checkpoints(Section):
    """Which epochs' weights are kept, counted backwards from the last, and the best one."""

    last: PositiveInt
    every: PositiveInt
    best: bool


class Training(Section):
    """Everything that decides the weights of a member beside model, data and random seed."""

    members: PositiveInt
    length: Annotated[
        EpochLength | UpdateLength, either("{epochs: n} or {updates: n}, n a whole number from 1")
    ]
    stop_after: PositiveInt | None
    batch_size: Annotated[int, Field(ge=3)]  # with 2, an epoch could hold a batch of one
    optimizer: Optimizer
    schedule: Schedule
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation
    precision: Literal["bf16", "fp32"]
    num_threads: PositiveInt
    validations: Annotated[
        PositiveInt | Literal["every_epoch"], either("a whole number from 1, or every_epoch")
    ]
    checkpoints: Checkpoints
    el2n_epoch: PositiveInt

    @property
    def epochs(self) -> int | None:
        """The epochs of the whole schedule; None: the size of the subset decides."""
        return self.length.epochs if isinstance(self.length, EpochLength) else None

    @model_validator(mode="after")
    def _length_fits_schedule(self) -> Self:
        name = self.schedule.name
        if name != "one_cycle" and self.epochs is None:
            raise ValueError(f"length is in updates; schedule {name} needs {{epochs: n}}")
        if name == "plateau" and self.validations != "every_epoch":
            raise ValueError(
                f"validations is {self.validations}; schedule plateau needs every_epoch"
            )
        if self.stop_after is not None and self.stop_after > (self.epochs or 0):
            raise ValueError(
                f"stop_after is {self.stop_after}; it must lie within length {{epochs: n}}"
            )
        return self


class TrainEnsemble(Training):
    """The ensemble that chooses: its model is the proxy."""

    model: ModelName
    weights: Literal["pretrained", "trained"]
    track: Literal["gradient_norm", "none"]


class TrainSubsetModel(Training):
    """The target models that are trained on the subsets."""

    initialize_from: Annotated[
        SizeParam | Literal["scratch"], either("scratch, or the size that a round starts from")
    ]
    fine_tune_learning_rate: PositiveFloat


class Voters(Section):
    """Which checkpoints of which members vote, counted backwards from the last epoch."""

    members: Literal["all", "best"]
    checkpoints: Literal["best", "last"]
    count: PositiveInt
    stride: PositiveInt


class GradientNorm(Section):
    """Of which parameters' gradient which norm is taken."""

    norm: Literal["l1", "l2", "linf"]
    parameters: Literal["all", "biases", "last_layer", "last_layer_weights", "weights"]


class PredictPool(Section):
    """How the ensemble predicts all train samples, and which costlier signals it writes."""

    batch_size: PositiveInt
    precision: Literal["bf16", "fp32"]
    voters: Voters
    signals: list[Literal["features", "gradient_norm"]]
    gradient_norm: GradientNorm


class Score(Section):
    """What the scores are compared with."""

    reference: str


class OutlierFraction(Section):
    """Skip this share of the train split, the highest-scored candidates."""

    fraction: Annotated[float, Field(ge=0, lt=1)]


class Select(Section):
    """How scores become a subset."""

    rule: SelectionRule
    k_centers_start: NonNegativeInt
    candidates: Literal["remaining", "all"]
    outliers: Annotated[
        OutlierFraction | Literal["all_voters_disagree"],
        either("{fraction: f} with f from 0 and below 1, or all_voters_disagree"),
    ]
    balanced: bool
    min_per_class: NonNegativeInt
    include: str
    exclude: str


class Compare(Section):
    """Which target models are trained on which subsets."""

    models: Annotated[list[ModelName], Field(min_length=1)]
    subsets: Annotated[list[str], Field(min_length=1)]


class Evaluate(Section):
    """How the target models are measured."""

    weights: Literal["last", "best_validation"]
    batch_size: PositiveInt


class Report(Section):
    """What the summary is about."""

    metric: Literal["accuracy", "balanced_accuracy", "macro_f1"]
    margin: NonNegativeFloat


class Params(Section):
    """The whole of params.yaml."""

    random_seed: NonNegativeInt
    task: TaskName
    seed_size: SizeParam
    rounds: Annotated[list[Round], Field(min_length=1)]
    acquisition: Annotated[
        Annotated[Acquisition, Tag("name")] | Annotated[dict[str, Acquisition], Tag("map")],
        Discriminator(lambda found: "map" if isinstance(found, dict) else "name"),
    ]
    dataset: Dataset
    seed_subset: SeedSubset
    train_ensemble: TrainEnsemble
    predict_pool: PredictPool
    score: Score
    select: Select
    compare: Compare
    train_subset_model: TrainSubsetModel
    evaluate: Evaluate
    report: Report

    def acquisition_of(self, size: str) -> str:
        """Return the name of the acquisition function that chooses the subset of this size."""
        return self.acquisition if isinstance(self.acquisition, str) else self.acquisition[size]

    def round_number(self, size: str) -> int:
        """Return the number of the round that chooses the subset of this size, from 1."""
        return [str(entry.to) for entry in self.rounds].index(size) + 1

    @property
    def sizes(self) -> list[Size]:
        """The seed subset's size and that of every round, in order."""
        return [self.seed_size, *(entry.to for entry in self.rounds)]

    @model_validator(mode="after")
    def _check_across_sections(self) -> Self:
        self._check_rounds()
        self._check_acquisition()
        self._check_voters()
        self._check_signals()
        self._check_pretrained()
        self._check_compared_subsets()
        self._check_initialization()
        self._check_augmentation()
        self._check_evaluation()
        return self

    def _check_rounds(self) -> None:
        seen = [self.seed_size]
        for number, entry in enumerate(self.rounds):
            here = f"rounds.{number}"
            self._check_kind(f"{here}.from", entry.from_)
            self._check_kind(f"{here}.to", entry.to)
            if entry.from_ != seen[-1]:
                raise ValueError(
                    f"{here}.from is {entry.from_}; it must be {seen[-1]}, the size before it"
                )
            if entry.to in seen:
                raise ValueError(f"{here}.to is {entry.to}; no size may occur twice")
            seen.append(entry.to)

    def _check_kind(self, place: str, size: Size) -> None:
        wanted = "a fraction such as 1.0" if isinstance(self.seed_size, float) else "a count"
        if type(size) is not type(self.seed_size):
            raise ValueError(
                f"{place} is {size}; it must be {wanted}, as seed_size, {self.seed_size}, is one"
            )

    def _check_acquisition(self) -> None:
        if isinstance(self.acquisition, str):
            return
        found, wanted = list(self.acquisition), [str(entry.to) for entry in self.rounds]
        if sorted(found) != sorted(wanted):
            raise ValueError(
                f"acquisition has the sizes {found}; it must have those that rounds go to, {wanted}"
            )

    def _check_voters(self) -> None:
        voters, training = self.predict_pool.voters, self.train_ensemble
        kept, here = training.checkpoints, "predict_pool.voters"
        asked = f"{here}.count is {voters.count}, every {voters.stride} epochs"
        reach, epochs = (voters.count - 1) * voters.stride, training.stop_after or training.epochs
        if voters.checkpoints == "best" and not kept.best:
            raise ValueError(
                f"{here}.checkpoints is best; it must be last unless "
                "train_ensemble.checkpoints.best is true"
            )
        if voters.members == "best" and not kept.best:
            raise ValueError(
                f"{here}.members is best; it must be all unless "
                "train_ensemble.checkpoints.best is true"
            )
        if voters.checkpoints == "best" and voters.count > 1:
            raise ValueError(
                f"{here}.count is {voters.count}; it must be 1, a member has one best checkpoint"
            )
        if reach > (kept.last - 1) * kept.every or (reach and voters.stride % kept.every):
            raise ValueError(
                f"{asked}; train_ensemble.checkpoints keeps {kept.last}, every {kept.every}"
            )
        if epochs is not None and reach >= epochs:
            raise ValueError(f"{asked}; a member trains {epochs} epochs")
        members = 1 if voters.members == "best" else training.members
        self._check_number_of_voters(members * voters.count)

    def _check_number_of_voters(self, num_voters: int) -> None:
        for entry in self.rounds:
            name = self.acquisition_of(str(entry.to))
            if name in NEED_TWO_VOTERS and num_voters < 2:  # noqa: PLR2004 - it is in the name
                raise ValueError(
                    f"acquisition is {name} with one voter; raise predict_pool.voters.count or "
                    "train_ensemble.members to have two"
                )

    def _check_signals(self) -> None:
        ensemble = self.train_ensemble
        epochs = ensemble.stop_after or ensemble.epochs
        for entry in self.rounds:
            name = self.acquisition_of(str(entry.to))
            if name == "el2n" and epochs is not None and ensemble.el2n_epoch > epochs:
                raise ValueError(
                    f"train_ensemble.el2n_epoch is {ensemble.el2n_epoch}; a member trains "
                    f"{epochs} epochs"
                )
            if name == "aum" and self.select.rule == "proportional":
                raise ValueError(
                    "select.rule is proportional with acquisition aum, which is negative for what "
                    "was learnt; it must be another rule, or el2n or forgetting_events"
                )
            if name in NEED_DYNAMICS and entry.to > entry.from_:
                raise ValueError(
                    f"acquisition is {name}, which needs every candidate to have been trained on; "
                    f"the round {entry.from_} to {entry.to} must shrink, as from: 1.0 to: 0.5"
                )
            if name == "gradient_norm":
                self._require_signal(f"acquisition is {name}", "gradient_norm")
        if self.select.rule in NEED_FEATURES:
            self._require_signal(f"select.rule is {self.select.rule}", "features")

    def _check_pretrained(self) -> None:
        ensemble, here = self.train_ensemble, "train_ensemble"
        if ensemble.weights == "trained":
            return
        if ensemble.members != 1:
            raise ValueError(
                f"{here}.members is {ensemble.members}; it must be 1 with {here}.weights: "
                "pretrained, which there is one of"
            )
        if self.predict_pool.voters.count != 1:
            raise ValueError(
                f"predict_pool.voters.count is {self.predict_pool.voters.count}; it must be 1 with "
                f"{here}.weights: pretrained, which has one checkpoint"
            )
        if ensemble.track != "none":
            raise ValueError(
                f"{here}.track is {ensemble.track}; it must be none with {here}.weights: "
                "pretrained, where nothing is trained"
            )
        for entry in self.rounds:
            name = self.acquisition_of(str(entry.to))
            if name in NEED_DYNAMICS:
                raise ValueError(
                    f"acquisition is {name}; {here}.weights must then be trained, not pretrained"
                )

    def _require_signal(self, wanted: str, name: str) -> None:
        if name not in self.predict_pool.signals:
            raise ValueError(f"{wanted}; predict_pool.signals must then hold {name}")

    def _check_compared_subsets(self) -> None:
        for kind, names in (("models", self.compare.models), ("subsets", self.compare.subsets)):
            if len(set(names)) < len(names):
                raise ValueError(f"compare.{kind} is {as_written(names)}; each may stand once")
        for number, name in enumerate(self.compare.subsets):
            for allowed in self._wrong_with_compared_subset(name):
                raise ValueError(f"compare.subsets.{number} is {name!r}; {allowed}")

    def _wrong_with_compared_subset(self, name: str) -> Iterator[str]:
        """Yield what is allowed where `name` is no subset that can be compared."""
        kind, _, text = name.partition("-")
        alone = ["selected", "random", "random-unique", "full"]
        if name in alone:
            return
        if kind not in ("selected", "random") or not text:
            yield choice(name, [*alone, "selected-<size>", "random-<size>"])
        last = self.sizes[-1]
        try:
            size = parse_size(text)
        except ParamsError:
            size = 0
        if str(size) != text or type(size) is not type(last) or not size > 0:
            yield "its size must be written as in rounds"
        if kind == "selected" and size > last:
            yield f"its size must be at most {last}, that of the last round"
        if isinstance(size, float) and size > 1:
            yield "a fraction must be at most 1.0"

    def _check_initialization(self) -> None:
        target, ensemble = self.train_subset_model, self.train_ensemble
        source = target.initialize_from
        if source == "scratch":
            return
        allowed = [str(entry.from_) for entry in self.rounds]
        if str(source) not in allowed:
            raise ValueError(
                f"train_subset_model.initialize_from is {source}; "
                f"{choice(source, ['scratch', *allowed])}"
            )
        if self.compare.models != [ensemble.model]:
            raise ValueError(
                f"compare.models is {as_written(self.compare.models)}; it must be "
                f"train_ensemble.model alone, {ensemble.model}, with "
                f"train_subset_model.initialize_from: {source}"
            )
        if target.members > ensemble.members:
            raise ValueError(
                f"train_subset_model.members is {target.members}; it must be at most "
                f"{ensemble.members}, the members of the ensemble that are fine-tuned"
            )

    def _check_augmentation(self) -> None:
        for name, section in (
            ("train_ensemble", self.train_ensemble),
            ("train_subset_model", self.train_subset_model),
        ):
            if section.augmentation.horizontal_flip and self.dataset.name in NEVER_FLIPPED:
                raise ValueError(
                    f"{name}.augmentation.horizontal_flip is true; it must be false, "
                    f"{self.dataset.name} are never flipped"
                )

    def _check_evaluation(self) -> None:
        best = self.train_subset_model.checkpoints.best
        if self.evaluate.weights == "best_validation" and not best:
            raise ValueError(
                "evaluate.weights is best_validation; it must be last unless "
                "train_subset_model.checkpoints.best is true"
            )


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check the whole file.

    Raises:
        ParamsError: the file is missing, no YAML, or says something that is not allowed.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: cannot be read ({error}); it must be a text file") from None
    except YAMLError as error:
        raise ParamsError(f"{path}: {_yaml_problem(error)}; it must be YAML 1.2") from None
    return check_params(content, path)


def check_params(content: object, path: Path = Path("params.yaml")) -> Params:
    """Return the checked content of a params.yaml.

    Raises:
        ParamsError: a key or value is not allowed; the line names the first and counts the rest.
    """
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        lines = describe(error, Params)
        rest = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise ParamsError(f"{path}: {lines[0]}{rest}") from None


def check_counts(params: Params, num_train: int) -> None:
    """Check the sizes against the train split, once its size is known.

    Raises:
        ParamsError: a subset is larger than what it can be drawn from.
    """
    for size in params.sizes:
        picks = num_picks(size, num_train)
        if picks > num_train and params.select.candidates == "remaining":
            raise ParamsError(
                f"params.yaml: size {size} is {picks} picks; the train split has {num_train} "
                "samples (more only with select.candidates: all)"
            )


def _yaml_problem(error: YAMLError) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())
