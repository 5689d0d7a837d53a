"""params.yaml, read and checked whole before any stage starts.

Every key must be there and no other may be: a misspelt name stops the first stage, not the last.
Checks that need two sections stand in `Params`. Validation decides no bytes of any output, so
this file is no dependency of a stage.
"""

import difflib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.shared.errors import ParamsError
from stages.shared.sizes import Size, num_picks, parse_size

STAGES = Path(__file__).parent.parent

# Named here because every stage checks them and no stage may import another; a test requires that
# these are exactly the names that stages/score and stages/select list.
Acquisition = Literal[
    "entropy",
    "error_count",
    "least_confidence",
    "margin",
    "mutual_information",
    "random",
    "variation_ratios",
]
NEED_TWO_VOTERS = ("mutual_information", "variation_ratios")
SelectionRule = Literal["top"]

# Digits are other digits, or none, when they are mirrored.
NEVER_FLIPPED = ("digits", "mnist")


def _names_in(folder: str) -> list[str]:
    return sorted(
        path.stem for path in (STAGES / folder).glob("*.py") if not path.stem.startswith("_")
    )


def _file_in(folder: str) -> BeforeValidator:
    """A name is valid when the folder has a file of that name."""

    def check(name: object) -> object:
        known = _names_in(folder)
        if name not in known:
            raise ValueError(_not_one_of(name, known))
        return name

    return BeforeValidator(check)


def _not_one_of(found: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(found), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}choose one of {', '.join(known)}"


class Section(BaseModel):
    """A part of params.yaml: unknown keys are errors, nothing is converted, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Fraction = Annotated[float, Field(gt=0, lt=1)]
SizeParam = Annotated[PositiveInt | Annotated[float, Field(gt=0, le=1)], Field(union_mode="smart")]
DatasetName = Annotated[str, _file_in("prepare/datasets")]
ModelName = Annotated[str, _file_in("shared/models")]
TaskName = Annotated[str, _file_in("shared/tasks")]


class Round(Section):
    """One round: the ensemble trained on the subset `from` chooses the subset `to`."""

    from_: SizeParam = Field(alias="from")
    to: SizeParam

    @property
    def grows(self) -> bool:
        """Whether samples are added, rather than kept."""
        return self.to > self.from_


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
            raise ValueError(f"fold is {self.fold}; allowed are 0 to {self.num_folds - 1}")
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
    """x `factor` after each of the epochs in `milestones`, after a linear warm-up."""

    name: Literal["steps"]
    milestones: list[PositiveInt]
    factor: Fraction
    warmup_epochs: NonNegativeInt

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise(self.milestones)):
            raise ValueError(f"milestones are {self.milestones}; they must rise")
        return self


Schedule = Annotated[OneCycle | Plateau | Steps, Field(discriminator="name")]


class Augmentation(Section):
    """Random changes of the training images; pixels beyond the border are 0."""

    crop_padding: NonNegativeInt
    horizontal_flip: bool
    scale: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.scale[0] > self.scale[1]:
            raise ValueError(f"scale is {self.scale}; the first must not exceed the second")
        return self


class Checkpoints(Section):
    """Which epochs' weights are kept, counted backwards from the last, and the best one."""

    last: PositiveInt
    every: PositiveInt
    best: bool


class Training(Section):
    """Everything that decides the weights of a member beside model, data and random seed."""

    members: PositiveInt
    length: EpochLength | UpdateLength
    stop_after: PositiveInt | None
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: Optimizer
    schedule: Schedule
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation
    precision: Literal["bf16", "fp32"]
    num_threads: PositiveInt
    validations: PositiveInt | Literal["every_epoch"]
    checkpoints: Checkpoints

    @model_validator(mode="after")
    def _length_fits_schedule(self) -> Self:
        in_epochs = isinstance(self.length, EpochLength)
        if not in_epochs and not isinstance(self.schedule, OneCycle):
            raise ValueError(
                f"schedule {self.schedule.name} counts epochs; length must be {{epochs: n}}"
            )
        if isinstance(self.schedule, Plateau) and self.validations != "every_epoch":
            raise ValueError(
                "schedule plateau reads the validation accuracy; validations must be every_epoch"
            )
        if self.stop_after is not None and (
            not isinstance(self.length, EpochLength) or self.stop_after > self.length.epochs
        ):
            raise ValueError(
                f"stop_after is {self.stop_after}; it must lie within length {{epochs: n}}"
            )
        return self


class TrainEnsemble(Training):
    """The ensemble that chooses: its model is the proxy."""

    model: ModelName


class TrainSubsetModel(Training):
    """The target models that are trained on the subsets."""

    initialize_from: SizeParam | Literal["scratch"]
    fine_tune_learning_rate: PositiveFloat


class Voters(Section):
    """Which checkpoints of which members vote, counted backwards from the last epoch."""

    members: Literal["all", "best"]
    checkpoints: Literal["best", "last"]
    count: PositiveInt
    stride: PositiveInt


class PredictPool(Section):
    """How the ensemble predicts all train samples."""

    batch_size: PositiveInt
    precision: Literal["bf16", "fp32"]
    voters: Voters


class OutlierFraction(Section):
    """Skip this share of the train split, the highest-scored candidates."""

    fraction: Annotated[float, Field(ge=0, lt=1)]


class Select(Section):
    """How scores become a subset."""

    rule: SelectionRule
    candidates: Literal["remaining", "all"]
    outliers: OutlierFraction | Literal["all_voters_disagree"]
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
    acquisition: Acquisition | dict[str, Acquisition]
    dataset: Dataset
    seed_subset: SeedSubset
    train_ensemble: TrainEnsemble
    predict_pool: PredictPool
    select: Select
    compare: Compare
    train_subset_model: TrainSubsetModel
    evaluate: Evaluate
    report: Report

    def acquisition_of(self, size: str) -> str:
        """Return the name of the acquisition function that chooses the subset of this size."""
        return self.acquisition if isinstance(self.acquisition, str) else self.acquisition[size]

    def round_to(self, size: str) -> Round:
        """Return the round that chooses the subset of this size."""
        return next(entry for entry in self.rounds if str(entry.to) == size)

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
        self._check_compared_subsets()
        self._check_initialization()
        self._check_augmentation()
        self._check_evaluation()
        return self

    def _check_rounds(self) -> None:
        if len({type(size) for size in self.sizes}) > 1:
            raise ValueError(
                f"seed_size and rounds are {self.sizes}; all must be fractions (0.25, 1.0) or all "
                "counts (300)"
            )
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError(f"seed_size and rounds are {self.sizes}; no size may occur twice")
        for size, entry in zip(self.sizes, self.rounds, strict=False):
            if entry.from_ != size:
                raise ValueError(
                    f"rounds: a round starts from {entry.from_}; it must start from {size}, the "
                    "size before it"
                )

    def _check_acquisition(self) -> None:
        if isinstance(self.acquisition, str):
            return
        sizes = [str(entry.to) for entry in self.rounds]
        if sorted(self.acquisition) != sorted(sizes):
            raise ValueError(
                f"acquisition names the sizes {', '.join(self.acquisition)}; the rounds go to "
                f"{', '.join(sizes)}"
            )

    def _check_voters(self) -> None:
        voters, kept = self.predict_pool.voters, self.train_ensemble.checkpoints
        if voters.checkpoints == "best" and not kept.best:
            raise ValueError(
                "predict_pool.voters.checkpoints is best; train_ensemble.checkpoints.best must "
                "then be true"
            )
        if voters.checkpoints == "best" and voters.count > 1:
            raise ValueError(
                f"predict_pool.voters.count is {voters.count}; a member has one best checkpoint"
            )
        if voters.checkpoints == "last":
            reach = (voters.count - 1) * voters.stride
            if reach > (kept.last - 1) * kept.every or voters.stride % kept.every:
                raise ValueError(
                    f"predict_pool.voters asks for {voters.count} checkpoints, every "
                    f"{voters.stride}; train_ensemble.checkpoints keeps {kept.last}, every "
                    f"{kept.every}"
                )
        members = 1 if voters.members == "best" else self.train_ensemble.members
        for entry in self.rounds:
            name = self.acquisition_of(str(entry.to))
            if name in NEED_TWO_VOTERS and members * voters.count < 2:  # noqa: PLR2004 - as named
                raise ValueError(f"acquisition is {name} with one voter; it needs at least two")

    def _check_compared_subsets(self) -> None:
        for kind, names in (("models", self.compare.models), ("subsets", self.compare.subsets)):
            if len(set(names)) < len(names):
                raise ValueError(f"compare.{kind} names one twice: {', '.join(names)}")
        for name in self.compare.subsets:
            self._check_compared_subset(name)

    def _check_compared_subset(self, name: str) -> None:
        kind, _, text = name.partition("-")
        alone = ["selected", "random", "random-unique", "full"]
        if name in alone:
            return
        if kind not in ("selected", "random") or not text:
            known = [*alone, "selected-<size>", "random-<size>"]
            raise ValueError(f"compare.subsets has {name}; {_not_one_of(name, known)}")
        size, last = parse_size(text), self.sizes[-1]
        if str(size) != text or type(size) is not type(last) or size <= 0:
            raise ValueError(f"compare.subsets has {name}; write its size as rounds do")
        if kind == "selected" and size > last:
            raise ValueError(f"compare.subsets has {name}; the last round selects {last}")
        if isinstance(size, float) and size > 1:
            raise ValueError(f"compare.subsets has {name}; a fraction is at most 1.0")

    def _check_initialization(self) -> None:
        target, ensemble = self.train_subset_model, self.train_ensemble
        source = target.initialize_from
        if source == "scratch":
            return
        if str(source) not in [str(entry.from_) for entry in self.rounds]:
            raise ValueError(
                f"train_subset_model.initialize_from is {source}; allowed are scratch and the "
                "size that a round starts from"
            )
        if self.compare.models != [ensemble.model]:
            raise ValueError(
                f"train_subset_model.initialize_from is {source}: compare.models must then be "
                f"train_ensemble.model alone, {ensemble.model}"
            )
        if target.members > ensemble.members:
            raise ValueError(
                f"train_subset_model.members is {target.members}; only the {ensemble.members} "
                f"members of the ensemble can be fine-tuned"
            )

    def _check_augmentation(self) -> None:
        for name, section in (
            ("train_ensemble", self.train_ensemble),
            ("train_subset_model", self.train_subset_model),
        ):
            if section.augmentation.horizontal_flip and self.dataset.name in NEVER_FLIPPED:
                raise ValueError(
                    f"{name}.augmentation.horizontal_flip is true; {self.dataset.name} are never "
                    "flipped"
                )

    def _check_evaluation(self) -> None:
        best = self.train_subset_model.checkpoints.best
        if self.evaluate.weights == "best_validation" and not best:
            raise ValueError(
                "evaluate.weights is best_validation; train_subset_model.checkpoints.best must "
                "then be true"
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
        reason = " ".join(str(error).split())
        raise ParamsError(f"{path}: {reason}; it must be YAML 1.2") from None
    return check_params(content, path)


def check_params(content: object, path: Path = Path("params.yaml")) -> Params:
    """Return the checked content of a params.yaml.

    Raises:
        ParamsError: a key or value is not allowed; the line names the first and counts the rest.
    """
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        lines = _describe(error)
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


def _describe(error: ValidationError) -> list[str]:
    """Return one line for each place, in the order of the file's sections."""
    lines: dict[str, str] = {}
    for item in error.errors(include_url=False):
        place = _place(item["loc"])
        lines.setdefault(place, _line(place, item))  # type: ignore[arg-type] # a TypedDict
    return list(lines.values())


def _place(location: tuple[int | str, ...]) -> str:
    """Return the dotted key, without the names of the union members that pydantic inserts."""
    keys = [
        str(part)
        for part in location
        if isinstance(part, int) or (part.islower() and "[" not in part and "-" not in part)
    ]
    types = ("int", "float", "constrained-int", "literal", "one_cycle", "plateau", "steps", "str")
    return ".".join(key for key in keys if key not in types)


def _line(place: str, item: dict[str, Any]) -> str:
    kind, found = item["type"], item["input"]
    if kind == "extra_forbidden":
        known = sorted(_keys_beside(item["loc"]))
        return f"{place} is unknown; {_not_one_of(place.rsplit('.', 1)[-1], known)}"
    if kind == "missing":
        return f"{place} is missing; it has no default"
    message = item["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        known = [
            name.strip("' ") for name in item["ctx"]["expected"].replace(" or ", ",").split(",")
        ]
        return f"{place} is {found!r}; {_not_one_of(found, known)}"
    if isinstance(found, BaseModel | dict):
        return f"{place}: {message}" if place else message
    return f"{place} is {found!r}; {message[0].lower()}{message[1:]}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Params
    for part in location[:-1]:
        if isinstance(part, str) and part in getattr(section, "model_fields", {}):
            section = section.model_fields[part].annotation
    fields = getattr(section, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]
