"""Weights of a model as .safetensors: no pickle, and equal tensors give equal bytes."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor, nn

from stages.shared.errors import ArtifactError, reason


def save_weights(path: Path, model: nn.Module) -> None:
    """Write a model's parameters and buffers, into a folder that appears whole (`files`)."""
    # Without metadata, which is written in random order; contiguous, as the format requires.
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(tensors))


def load_weights(path: Path, model: nn.Module) -> None:
    """Read parameters and buffers into a model of the same form.

    Raises:
        ArtifactError: the file is missing, damaged, or of another model.
    """
    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except Exception as error:  # of dtypes that it does not know safetensors lets pass KeyError
        raise ArtifactError(
            f"{path}: cannot be read ({reason(error)}); it must be .safetensors"
        ) from None
    expected, found = _forms(model.state_dict()), _forms(tensors)
    if found != expected:
        wrong = next(
            name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)
        )
        raise ArtifactError(
            f"{path}: tensor {wrong} is {found.get(wrong, 'missing')}; in the model it is "
            f"{expected.get(wrong, 'missing')}"
        )
    model.load_state_dict(tensors)


def _forms(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return dtype and shape of each tensor, as in `float32 [3, 3]`."""
    return {
        name: f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
        for name, tensor in tensors.items()
    }
