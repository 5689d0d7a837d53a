"""torchvision's ImageNet weights of the networks that have a form of our own."""

import re
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from stages.shared.errors import ParamsError, UserError


def state(model: str) -> dict[str, Tensor]:
    """Return all tensors of torchvision's model with its first ImageNet weights, in its order.

    Raises:
        ParamsError: torchvision does not know this model.
        UserError: its file is neither in torch's cache nor to be had, or damaged.
    """
    from torchvision.models import get_model, list_models

    if model not in list_models():
        raise ParamsError(
            f"params.yaml: weights.{model} is pretrained; nobody has weights for {model}, so it "
            "must be random or a file"
        )
    reference = get_model(model, weights=None)
    tensors = {
        # DenseNet's were written when norm1 was still norm.1.
        re.sub(r"(denselayer.*)\.(norm|conv)\.([12])\.", r"\1.\2\3.", name): tensor
        for name, tensor in download(model).items()
    }
    absent = reference.load_state_dict(tensors, strict=False)
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
        found: dict[str, Tensor] = weights.get_state_dict(
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
    return found


def cache() -> Path:
    """Return the folder where torch keeps what it has downloaded; TORCH_HOME moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints"
