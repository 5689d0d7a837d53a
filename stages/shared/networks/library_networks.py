"""Networks of timm and torchvision in our form: features and a last layer, preprocessing included.

A model file names one of them:

    build = partial(timm_network, "tf_efficientnet_lite0")

Shapes: B batch, K image channels, H and W pixels, D features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from stages.shared.artifacts import Meta
from stages.shared.networks.layers import LAST_LAYER, Classifier
from stages.shared.networks.preprocessing import Preprocessing, fit

COLOURS = 3


@dataclass(frozen=True)
class Origin:
    """Where a network comes from.

    Attributes:
        head: the library's name of the last layer.
        pretrained: returns the library's own weights, by its names, from its cache or the network.
    """

    head: str
    pretrained: Callable[[], Mapping[str, Tensor]]


class LibraryNetwork(Classifier):
    """A library's network: its features behind `Fitted`, and a last layer drawn anew.

    Attributes:
        preprocessing: what it wants of an image; `normalised_for` does a part of it.
        origin: where it comes from.
    """

    preprocessing: Preprocessing

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
    """A network that is shown the middle of each image in the size that it wants (`fit`)."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self._wanted = preprocessing

    def forward(self, x_BKHW: Tensor) -> Tensor:
        """Return the features [B, D] of normalised images, of one channel or three."""
        shown_BKHW = fit(x_BKHW, self._wanted).expand(-1, COLOURS, -1, -1)
        features_BD: Tensor = self.network(shown_BKHW)
        return features_BD


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
        source=f"timm's {name}",
    )
    num_features = network.get_classifier().in_features
    network.reset_classifier(0)
    wanted = replace(wanted, **(preprocessing or {}))

    def pretrained() -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = timm.create_model(
            name, pretrained=True, **options
        ).state_dict()
        return found

    origin = Origin(own["classifier"], pretrained)
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
        source=f"torchvision's {name}",
    )

    def pretrained() -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = weights.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
        return found

    origin = Origin(head, pretrained)
    return LibraryNetwork(network, num_features, num_classes, wanted, origin)
