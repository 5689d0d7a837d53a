"""Weights of a model as .safetensors: no pickle, and equal tensors give equal bytes."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load, load_file, save
from torch import Tensor, nn

from stages.shared.errors import ArtifactError, reason


def save_weights(path: Path, model: nn.Module) -> None:
    """Write a model's parameters and buffers, into a folder that appears whole (`files`)."""
    save_tensors(path, model.state_dict())


def read_weights(path: Path) -> bytes:
    """Return the content of a file of weights.

    Raises:
        ArtifactError: the file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); run `dvc repro`") from None


def load_weights(source: Path | bytes, model: nn.Module, *, may_lack: str | None = None) -> None:
    """Read parameters and buffers, from a file or its content, into a model of the same form.

    Tensors whose names begin with `may_lack` may be missing: the model's stay as they are.

    Raises:
        ArtifactError: the file is missing, damaged, or of another model.
    """
    tensors = load_tensors(source)
    if may_lack is not None:
        kept = {n: own for n, own in model.state_dict().items() if n.startswith(may_lack)}
        tensors = kept | tensors
    expected, found = _forms(model.state_dict()), _forms(tensors)
    if found != expected:
        wrong = next(
            name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)
        )
        raise ArtifactError(
            f"{_name_of(source)}: tensor {wrong} is {found.get(wrong, 'missing')}; in the model it "
            f"is {expected.get(wrong, 'missing')}"
        )
    model.load_state_dict(tensors)


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors by name, into a folder that appears whole (`files`)."""
    # Without metadata, which is written in random order; contiguous, as the format requires.
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(content))


def load_tensors(source: Path | bytes) -> dict[str, Tensor]:
    """Return tensors by name, from a file or its content, on the processor.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    where = _name_of(source)
    try:
        return load(source) if isinstance(source, bytes) else load_file(source)
    except FileNotFoundError:
        raise ArtifactError(f"{where}: missing; run `dvc repro`") from None
    except Exception as error:  # of dtypes that it does not know safetensors lets pass KeyError
        raise ArtifactError(
            f"{where}: cannot be read ({reason(error)}); it must be .safetensors"
        ) from None


def _name_of(source: Path | bytes) -> str:
    return "weights" if isinstance(source, bytes) else str(source)


def _forms(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return dtype and shape of each tensor, as in `float32 [3, 3]`."""
    return {
        name: f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
        for name, tensor in tensors.items()
    }
