"""Networks of timm and torchvision in our form: features and a last layer, preprocessing included.

A model file names one of them:

    build = partial(timm_network, "tf_efficientnet_lite0")

Shapes: B batch, K image channels, H and W pixels, D features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from stages.shared.artifacts import Meta
from stages.shared.networks.layers import LAST_LAYER, Classifier

COLOURS = 3


@dataclass(frozen=True)
class Preprocessing:
    """What a library's network wants of an image.

    Attributes:
        size: edge in pixels that it was trained with.
        resize: shorter side from whose centre so many are cropped, `size` at least.
        mean: of each colour, as a share of 255.
        std: the same.
        interpolation: as torch names it.
        takes_any_size: whether a smaller image may stay as it is; if not it is enlarged.
    """

    size: int
    resize: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    takes_any_size: bool


@dataclass(frozen=True)
class Origin:
    """Where a network comes from.

    Attributes:
        described: the same for people.
        head: the library's name of the last layer.
        pretrained: returns the library's own weights, by its names, from its cache or the network.
    """

    described: str
    head: str
    pretrained: Callable[[], Mapping[str, Tensor]]


class LibraryNetwork(Classifier):
    """A library's network: its features behind `Fitted`, and a last layer drawn anew.

    Attributes:
        preprocessing: what it wants of an image; `normalised_for` does a part of it.
        origin: where it comes from.
    """

    def __init__(
        self,
        network: nn.Module,
        num_features: int,
        num_classes: int,
        preprocessing: Preprocessing,
        origin: Origin,
    ) -> None:
        super().__init__(Fitted(network, preprocessing), num_features, num_classes)
        self.preprocessing = preprocessing
        self.origin = origin

    def library_names(self) -> dict[str, str]:
        """Return the library's name of each of our tensors, in the order of both."""
        return {name: self._library_name(name) for name in self.state_dict()}

    def _library_name(self, name: str) -> str:
        if name.startswith(LAST_LAYER):
            return f"{self.origin.head}.{name.removeprefix(LAST_LAYER)}"
        return name.removeprefix("features.network.")


class Fitted(nn.Module):
    """A network that is shown the middle of each image in the size that it wants.

    A larger image is made smaller until its shorter side is `resize`, and its middle cropped. A
    smaller one stays as it is, at less computation, unless the network takes one size alone.
    """

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self._wanted = preprocessing

    def forward(self, x_BKHW: Tensor) -> Tensor:
        """Return the features [B, D] of normalised images, of one channel or three."""
        features_BD: Tensor = self.network(fit(x_BKHW, self._wanted))
        return features_BD


def fit(x_BKHW: Tensor, wanted: Preprocessing) -> Tensor:
    """Return images resized and cropped as a network wants them, in three channels."""
    height, width = fitted_shape(x_BKHW.shape[2:], wanted)
    if (height, width) != tuple(x_BKHW.shape[2:]):
        mode = wanted.interpolation
        x_BKHW = F.interpolate(x_BKHW, (height, width), mode=mode, antialias=True)
    rows, columns = min(height, wanted.size), min(width, wanted.size)
    if not wanted.takes_any_size or min(height, width) >= wanted.size:
        top, left = round((height - rows) / 2), round((width - columns) / 2)
        x_BKHW = x_BKHW[:, :, top : top + rows, left : left + columns]
    return x_BKHW.expand(-1, COLOURS, -1, -1)


def fitted_shape(shape: Sequence[int], wanted: Preprocessing) -> tuple[int, int]:
    """Return height and width that images of a shape are resized to before the crop."""
    height, width = shape
    shorter = min(height, width)
    if wanted.takes_any_size and shorter <= wanted.resize:
        return height, width
    return height * wanted.resize // shorter, width * wanted.resize // shorter


def normalised_for(model: nn.Module, meta: Meta) -> Meta:
    """Return the data's meta with the mean and std that a model wants images normalised by."""
    if not isinstance(model, LibraryNetwork):
        return meta
    wanted = model.preprocessing
    return replace(meta, mean=list(wanted.mean), std=list(wanted.std))


def timm_network(
    name: str,
    num_classes: int,
    input_shape: Sequence[int],
    *,
    preprocessing: Mapping[str, Any] | None = None,
    **options: Any,
) -> LibraryNetwork:
    """Return a network of timm with its random initial weights.

    Args:
        name: as timm has it, with a tag behind a dot where other weights than its first are meant.
        num_classes: outputs of the last layer.
        input_shape: of an image, H, W, K.
        preprocessing: what differs from timm's data configuration, by the names of `Preprocessing`.
        options: of timm's `create_model`.
    """
    import timm  # here, because the import takes two seconds
    from timm.data.config import resolve_data_config

    network: Any = timm.create_model(name, num_classes=num_classes, **options)
    own = network.pretrained_cfg
    data: Mapping[str, Any] = resolve_data_config(pretrained_cfg=own)  # type: ignore[no-untyped-call]
    size = data["input_size"][-1]
    wanted = Preprocessing(
        size=size,
        resize=int(size / data["crop_pct"]),
        mean=data["mean"],
        std=data["std"],
        interpolation=data["interpolation"],
        takes_any_size=not own.get("fixed_input_size", False),
    )
    num_features = network.get_classifier().in_features
    network.reset_classifier(0)
    wanted = replace(wanted, **(preprocessing or {}))

    def pretrained() -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = timm.create_model(
            name, pretrained=True, **options
        ).state_dict()
        return found

    origin = Origin(f"timm's {name}", own["classifier"], pretrained)
    return LibraryNetwork(network, num_features, num_classes, wanted, origin)


def torchvision_network(
    name: str, num_classes: int, input_shape: Sequence[int], **options: Any
) -> LibraryNetwork:
    """Return a network of torchvision with its random initial weights, as `timm_network` does.

    Its last layer is its last linear one.
    """
    from torchvision.models import get_model  # here, because the import takes a second

    network: Any = get_model(name, weights=None, **options)
    head = [part for part, layer in network.named_modules() if isinstance(layer, nn.Linear)][-1]
    num_features = network.get_submodule(head).in_features
    network.set_submodule(head, nn.Identity())
    return of_torchvision(network, name, head, num_features, num_classes)


def of_torchvision(
    network: nn.Module, name: str, head: str, num_features: int, num_classes: int
) -> LibraryNetwork:
    """Return one of torchvision's networks, from which the last layer, `head`, is taken.

    Its data configuration is that of torchvision's first ImageNet weights.
    """
    from torchvision.models import get_model_weights

    weights = get_model_weights(name).IMAGENET1K_V1
    data = weights.transforms()
    wanted = Preprocessing(
        size=data.crop_size[0],
        resize=data.resize_size[0],
        mean=tuple(data.mean),
        std=tuple(data.std),
        interpolation=data.interpolation.value,
        takes_any_size=True,
    )

    def pretrained() -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = weights.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
        return found

    origin = Origin(f"torchvision's {name}", head, pretrained)
    return LibraryNetwork(network, num_features, num_classes, wanted, origin)
