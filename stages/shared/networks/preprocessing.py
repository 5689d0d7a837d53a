"""What a network is shown of an image: how it is resized, cropped and normalised.

Shapes: B batch, K image channels, H and W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from stages.shared.artifacts import Meta
from stages.shared.artifacts.shown_images import Shown


@dataclass(frozen=True)
class Preprocessing:
    """What a network wants of an image.

    Attributes:
        size: edge in pixels that it was trained with.
        resize: shorter side from whose centre so many are cropped, `size` at least.
        mean: of each colour, as a share of 255; empty: those of the train split.
        std: the same.
        interpolation: as torch names it.
        takes_any_size: whether a smaller image may stay as it is; if not it is enlarged.
        source: who says so, for people.
    """

    size: int
    resize: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    takes_any_size: bool
    source: str


# The usual one of trainings on ImageNet, whose networks have forms of our own.
IMAGENET = Preprocessing(
    size=224,
    resize=256,
    mean=(),
    std=(),
    interpolation="bilinear",
    takes_any_size=True,
    source="the form for ImageNet",
)


def fit(x_BKHW: Tensor, wanted: Preprocessing) -> Tensor:
    """Return images resized and cropped as a network wants them.

    A larger image is made smaller until its shorter side is `resize`, and its middle cropped. A
    smaller one stays as it is, at less computation, unless the network takes one size alone.
    """
    height, width = fitted_shape(x_BKHW.shape[2:], wanted)
    if (height, width) != tuple(x_BKHW.shape[2:]):
        mode = wanted.interpolation
        x_BKHW = F.interpolate(x_BKHW, (height, width), mode=mode, antialias=True)
    rows, columns = min(height, wanted.size), min(width, wanted.size)
    if not wanted.takes_any_size or min(height, width) >= wanted.size:
        top, left = round((height - rows) / 2), round((width - columns) / 2)
        x_BKHW = x_BKHW[:, :, top : top + rows, left : left + columns]
    return x_BKHW


def fitted_shape(shape: Sequence[int], wanted: Preprocessing) -> tuple[int, int]:
    """Return height and width that images of a shape are resized to before the crop."""
    height, width = shape
    shorter = min(height, width)
    if wanted.takes_any_size and shorter <= wanted.resize:
        return height, width
    return height * wanted.resize // shorter, width * wanted.resize // shorter


def show_the_middle(features: nn.Module) -> Preprocessing:
    """Let features see of images above 224 pixels the middle alone, as 256 -> 224; return so.

    A hook, so that their tensors keep their names.
    """
    features.register_forward_pre_hook(_fitted)
    return IMAGENET


def _fitted(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return fit(inputs[0], IMAGENET), *inputs[1:]


def shown_images(model: str, network: nn.Module, meta: Meta) -> Shown | None:
    """Return what people are told of a network's preprocessing; None: it has none of its own."""
    wanted = getattr(network, "preprocessing", None)
    if not isinstance(wanted, Preprocessing):
        return None
    return Shown(
        model=model,
        source=wanted.source,
        stored=list(meta.input_shape[:2]),
        size=wanted.size,
        resize=wanted.resize,
        interpolation=wanted.interpolation,
        mean=list(wanted.mean),
        std=list(wanted.std),
        takes_any_size=wanted.takes_any_size,
    )
