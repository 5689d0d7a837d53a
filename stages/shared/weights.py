"""Weights of a model as .safetensors: no pickle, and equal tensors give equal bytes."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from stages.shared.errors import ArtifactError


def save_weights(path: Path, model: nn.Module) -> None:
    """Write a model's parameters and buffers, into a folder that appears whole (`files`)."""
    save_tensors(path, model.state_dict())


def load_weights(path: Path, model: nn.Module) -> None:
    """Read parameters and buffers into a model of the same form.

    Raises:
        ArtifactError: the file is missing, damaged, or of another model.
    """
    tensors = load_tensors(path)
    expected = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: list(tensor.shape) for name, tensor in tensors.items()}
    if found != expected:
        wrong = next(
            name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)
        )
        raise ArtifactError(
            f"{path}: tensor {wrong} is {found.get(wrong, 'missing')}; in the model it is "
            f"{expected.get(wrong, 'missing')}"
        )
    model.load_state_dict(tensors)


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors by name, into a folder that appears whole (`files`)."""
    # Without metadata, which is written in random order; contiguous, as the format requires.
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(content))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return tensors by name, on the processor.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); it must be .safetensors") from None
