"""The sections of params.yaml that say how models are trained."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from stages.shared.settings.messages import either, not_allowed, with_writable_name
from stages.shared.settings.section import Section
from stages.shared.settings.sections import Fraction, SizeParam

# What an ensemble that is not trained must say of its training.
NOT_OF_UNTRAINED = {
    "bootstrap": False,
    "track": "none",
    "first_layer": "trained",
}


class EpochLength(Section):
    """A training of so many passes over the model's own subset."""

    epochs: PositiveInt


class UpdateLength(Section):
    """A training of so many optimizer steps, whatever the size of the subset."""

    updates: PositiveInt


class Sgd(Section):
    """SGD with momentum."""

    name: Literal["sgd"]
    learning_rate: PositiveFloat
    backbone: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]
    nesterov: bool
    weight_decay: NonNegativeFloat


class AdamW(Section):
    """Adam whose weight decay is apart from the gradients (Loshchilov and Hutter 2019)."""

    name: Literal["adamw"]
    learning_rate: PositiveFloat
    backbone: PositiveFloat
    weight_decay: NonNegativeFloat


NAMED = BeforeValidator(with_writable_name)
Optimizer = Annotated[Sgd | AdamW, Field(discriminator="name"), NAMED]


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


Schedule = Annotated[OneCycle | Plateau | Steps, Field(discriminator="name"), NAMED]


class Augmentation(Section):
    """Random changes of the training images; beyond the border pixels are 0, or mirrored in it."""

    crop_padding: NonNegativeInt
    border: Literal["black", "mirrored"]
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
    train: Literal["all", "head"]
    batch_norm: Literal["batch", "frozen"]
    optimizer: Optimizer
    schedule: Schedule
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    first_layer: Literal["trained", "whitened"]
    augmentation: Augmentation
    precision: Literal["bf16", "fp32"]
    num_threads: PositiveInt
    deterministic: bool
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

    model: str  # a file of stages/shared/models/<task>
    train: Literal["all", "head", "none"]  # type: ignore[assignment] # a target is always trained
    track: Literal["gradient_norm", "none"]
    bootstrap: bool


class TrainSubsetModel(Training):
    """The target models that are trained on the subsets."""

    initialize_from: Annotated[
        SizeParam | Literal["scratch"], either("scratch, or the size that a round starts from")
    ]
    initialize_with: Literal["best", "last"]
    fine_tune_learning_rate: PositiveFloat
    processes: PositiveInt
    sync_batch_norm: bool

    @model_validator(mode="after")
    def _batches_are_large_enough_to_share(self) -> Self:
        # A batch of an epoch has at least half of them, and each share needs two.
        if self.processes > 1 and self.batch_size < 4 * self.processes:
            raise ValueError(
                f"batch_size is {self.batch_size}; it must be at least {4 * self.processes} with "
                f"processes: {self.processes}"
            )
        if self.processes == 1 and self.sync_batch_norm:
            raise ValueError("sync_batch_norm is true; it must be false with processes: 1")
        return self
