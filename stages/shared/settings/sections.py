"""The sections of params.yaml: their keys, and what each may be by itself."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from stages.shared import tasks
from stages.shared.settings import menu
from stages.shared.settings.messages import either, not_allowed, one_of
from stages.shared.settings.section import Section

# Digits are other digits, or none, when they are mirrored.
NEVER_FLIPPED = ("digit_scenes", "digits", "mnist")

WEIGHT_FILES = (".safetensors", ".pth")

Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
SizeParam = Annotated[
    PositiveInt | Annotated[float, Field(gt=0, le=1)],
    either("a fraction above 0 and up to 1.0, or a count from 1"),
]


def _is_weight_source(source: str) -> str:
    if source not in ("pretrained", "random") and not source.endswith(WEIGHT_FILES):
        raise not_allowed("it must be pretrained, random, or a file .safetensors or .pth")
    return source


WeightSource = Annotated[str, AfterValidator(_is_weight_source)]
TaskName = Annotated[str, one_of(tasks.names())]
Acquisition = Annotated[str, one_of(menu.ACQUISITIONS)]


class Round(Section):
    """One round: the ensemble trained on the subset `from` chooses the subset `to`."""

    from_: SizeParam = Field(alias="from")
    to: SizeParam


class Dataset(Section):
    """Which data, and how it is split."""

    name: str  # a file of stages/shared/datasets/<task>
    root: str
    storage: Literal["auto", "files", "memory"]
    image_size: Annotated[
        PositiveInt | Annotated[list[PositiveInt], Field(min_length=2, max_length=2)] | None,
        either("an edge in pixels, or [width, height], or empty"),
    ]
    text_length: PositiveInt
    split_seed: int
    validation_fraction: Fraction
    num_folds: Annotated[int, Field(ge=2)]
    fold: NonNegativeInt
    manifest: str
    label_column: Annotated[
        Annotated[str, Field(min_length=1)] | None, either("the name of one column, or empty")
    ]
    groups: str
    watch: Literal["contents", "times"]

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold >= self.num_folds:
            raise ValueError(f"fold is {self.fold}; it must be from 0 to {self.num_folds - 1}")
        return self


class Embed(Section):
    """Which frozen network embeds the images."""

    model: str  # none, or a file of stages/shared/models/<task>


class NearDuplicates(Section):
    """From which cosine on two samples are nearly the same."""

    threshold: Annotated[float, Field(gt=0, le=1)]


class SeedSubset(Section):
    """How the first subset is drawn."""

    stratified: bool
    file: str
    random_seed: NonNegativeInt | None  # None: that of the draw


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

    @property
    def needs_backward(self) -> bool:
        """Whether the norm takes more than the forward pass."""
        return not self.parameters.startswith("last_layer")


def _identity_first(views: list[str]) -> list[str]:
    if views not in (["identity"], ["identity", "flip"]):
        raise not_allowed("it must be [identity] or [identity, flip]")
    return views


# Of an image; the probabilities of a model are the mean over them.
Views = Annotated[list[Literal["flip", "identity"]], AfterValidator(_identity_first)]


class PredictPool(Section):
    """How the ensemble predicts all train samples, and which costlier signals it writes."""

    batch_size: PositiveInt
    views: Views
    precision: Literal["bf16", "fp32"]
    voters: Voters
    signals: list[Literal["features", "gradient_norm"]]
    gradient_norm: GradientNorm


class Score(Section):
    """How one score comes of many outputs, and what the scores are compared with."""

    reduction: Literal["max", "mean", "top_k_mean"]
    reference: str


class OutlierFraction(Section):
    """Skip this share of the train split, the highest-scored candidates."""

    fraction: Share


class Window(Section):
    """Where the window of `window` begins: so large a share of what competes is harder."""

    start: Share


class Stratified(Section):
    """What share of what competes `stratified` leaves out, and its strata of the rest."""

    cut: Share
    strata: PositiveInt


class Mixed(Section):
    """What share of the picks is random in `mixed`, and which rule has the rest."""

    random: Annotated[float, Field(ge=0, le=1)]
    rule: Annotated[str, one_of([name for name in menu.RULES if name != "mixed"])]


class Beta(Section):
    """How narrow the density of `beta` is, and how soon it moves to what is easy."""

    concentration: PositiveFloat
    exponent: PositiveFloat


class Prototypes(Section):
    """Which end `prototypes` takes: what is near the mean of its class, or far from it."""

    prefer: Literal["farthest", "nearest"]


class MessagePassing(Section):
    """How many neighbours `message_passing` looks at, and how much a pick takes from them."""

    neighbours: Annotated[int, Field(ge=1, le=1000)]
    gamma: NonNegativeFloat


class Select(Section):
    """How scores become a subset: a rule, the numbers of each rule, and what binds all of them."""

    rule: Annotated[str, one_of(menu.RULES)]
    window: Window
    stratified: Stratified
    mixed: Mixed
    beta: Beta
    prototypes: Prototypes
    message_passing: MessagePassing
    k_centers_start: NonNegativeInt
    order: Literal["all", "picks"]
    candidates: Literal["remaining", "all"]
    outliers: Annotated[
        OutlierFraction | Literal["all_voters_disagree"],
        either("{fraction: f} with f from 0 and below 1, or all_voters_disagree"),
    ]
    near_duplicates: Literal["all", "one"]
    balanced: bool
    min_per_class: NonNegativeInt
    include: str
    exclude: str

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that choose: `mixed` asks another one."""
        return (self.rule, self.mixed.rule) if self.rule == "mixed" else (self.rule,)


class Compare(Section):
    """Which target models are trained on which subsets."""

    models: Annotated[list[str], Field(min_length=1)]  # files of stages/shared/models/<task>
    subsets: Annotated[list[str], Field(min_length=1)]


class Evaluate(Section):
    """How the target models are measured."""

    weights: Literal["last", "best_validation"]
    batch_size: PositiveInt
    views: Views
    ensembles: list[SizeParam]


class Report(Section):
    """What the summary is about."""

    metric: str  # one of the task's
    margin: NonNegativeFloat
