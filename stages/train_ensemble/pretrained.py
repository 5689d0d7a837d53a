"""An ensemble of one member with torchvision's ImageNet weights, without training (SVP, Fig. 8)."""

import re
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from stages.shared import artifacts, models
from stages.shared.artifacts import Checkpoint, Ensemble, Meta
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.weights import save_weights
from stages.shared.errors import ParamsError, UserError
from stages.shared.networks.layers import Classifier


def write(model: str, meta: Meta, ensemble: Path) -> None:
    """Write the ensemble: member 0 after 0 epochs, both its last and its best checkpoint.

    Raises:
        ParamsError: torchvision has no weights for this model and these images.
        UserError: the weights are neither here nor to be had.
    """
    network = models.build(model, meta.num_classes, meta.input_shape)
    load_by_order(network, torchvision_weights(model), model)
    checkpoint = Checkpoint(member=0, epoch=0, validation_accuracy=None, is_best=True, is_last=True)
    with atomic_folder(ensemble) as temporary:
        (temporary / checkpoint.path).parent.mkdir()
        save_weights(temporary / checkpoint.path, network)
        artifacts.save_ensemble(
            temporary, Ensemble(model, meta.num_classes, meta.input_shape, [checkpoint])
        )


def torchvision_weights(model: str) -> dict[str, Tensor]:
    """Return all tensors of torchvision's model with its first ImageNet weights, in its order."""
    from torchvision.models import get_model, list_models

    if model not in list_models():
        raise ParamsError(
            f"params.yaml: train_ensemble.weights is pretrained; torchvision has none for {model}, "
            "so train_ensemble.model must be another, or weights must be trained"
        )
    reference = get_model(model, weights=None)
    state = {
        # DenseNet's were written when norm1 was still norm.1.
        re.sub(r"(denselayer.*)\.(norm|conv)\.([12])\.", r"\1.\2\3.", name): tensor
        for name, tensor in download(model).items()
    }
    absent = reference.load_state_dict(state, strict=False)
    # Older files do not count batches, which nothing reads.
    assert all(name.endswith("num_batches_tracked") for name in absent.missing_keys), absent
    assert not absent.unexpected_keys, absent
    content: dict[str, Tensor] = reference.state_dict()
    return content


def download(model: str) -> dict[str, Tensor]:
    """Return the content of torchvision's file, from torch's cache where it is.

    Raises:
        UserError: it is neither there nor to be had.
    """
    from torchvision.models import get_model_weights

    weights = get_model_weights(model).IMAGENET1K_V1
    try:
        state: dict[str, Tensor] = weights.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
    except (URLError, OSError, RuntimeError) as error:
        raise UserError(
            f"{weights.url}: cannot be had ({error}); put the file into {cache()}"
        ) from None
    except Exception as error:  # whatever torch's reader makes of a damaged file
        name = Path(weights.url).name
        raise UserError(
            f"{cache() / name}: is damaged ({type(error).__name__}); delete it"
        ) from None
    return state


def cache() -> Path:
    """Return the folder where torch keeps what it has downloaded; TORCH_HOME moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def load_by_order(network: Classifier, state: dict[str, Tensor], model: str) -> None:
    """Load torchvision's tensors into our form of its network, which has them in the same order.

    By order, so that no table of names is needed for each network; a test compares the outputs.

    Raises:
        ParamsError: it has others: for small images, or for other classes than ImageNet's.
    """
    own = network.state_dict()
    shapes = [tuple(tensor.shape) for tensor in own.values()]
    offered = [tuple(tensor.shape) for tensor in state.values()]
    if shapes != offered:
        raise ParamsError(
            f"params.yaml: train_ensemble.weights is pretrained; torchvision's {model} is for "
            "colour images of more than 64 pixels and ImageNet's 1000 classes alone"
        )
    network.load_state_dict(dict(zip(own, state.values(), strict=True)))
