"""Where weights come from: a file of the user's, or what a library keeps in its cache."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stages.shared import models
from stages.shared.artifacts import Meta
from stages.shared.artifacts.weights import save_tensors
from stages.shared.errors import UserError, reason
from stages.shared.networks.library_networks import LibraryNetwork
from stages.shared.networks.preprocessing import Preprocessing
from stages.shared.running.workspace import located
from stages.weights import matching, torchvision_files

# What training scripts put around the tensors, and in front of their names.
WRAPPINGS = ("state_dict", "model", "model_state_dict")
PREFIX = "module."


def write(path: Path, model: str, source: str, meta: Meta) -> None:
    """Write what fits of a file's, or the library's, weights; say in a line what does not.

    Raises:
        UserError: there are none, they cannot be read, or are those of another network.
    """
    with torch.random.fork_rng(devices=[]):
        network = models.build(model, meta.num_classes, meta.input_shape)
    where = f"params.yaml: weights.{model} is {source}"
    if source != "pretrained":
        found, in_order = read(located(source), where), source.endswith(".pth")
    elif isinstance(network, LibraryNetwork):
        found, in_order = _of_library(network, where), False
    else:
        found, in_order = torchvision_files.state(model), True
    matched = matching.match(network, found, where, in_order=in_order)
    save_tensors(path, matched.tensors)
    sys.stdout.write(f"weights of {model}, {source}: {matched.described}\n")
    if isinstance(network, LibraryNetwork) and meta.task == "image_classification":
        _warn_of_small_images(model, network.preprocessing, meta)


def _warn_of_small_images(model: str, wanted: Preprocessing, meta: Meta) -> None:
    height, width = meta.input_shape[:2]
    if min(height, width) < wanted.size:
        sys.stderr.write(
            f"warning: images are stored with {width} x {height} pixels, and {model} was trained "
            f"with {wanted.size}: a larger dataset.image_size costs more and is mostly better\n"
        )


def read(path: Path, where: str) -> dict[str, Tensor]:
    """Return the tensors of a `.safetensors` or `.pth` file by name, in its order.

    Raises:
        UserError: it is missing, damaged, or holds anything but tensors.
    """
    content: Any
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{where}; there is no such file") from None
    except Exception as error:  # whatever these readers make of a damaged file
        raise UserError(
            f"{where}; it cannot be read ({reason(error)}), and must hold tensors alone"
        ) from None
    for name in WRAPPINGS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise UserError(f"{where}; it must hold tensors by name")
    return {
        str(name).removeprefix(PREFIX): tensor
        for name, tensor in content.items()
        if isinstance(tensor, Tensor)
    }


def _of_library(network: LibraryNetwork, where: str) -> dict[str, Tensor]:
    try:
        return dict(network.origin.pretrained())
    except Exception as error:  # of hub, network and disk
        raise UserError(
            f"{where}; {network.preprocessing.source} is neither in the cache nor to be had "
            f"({type(error).__name__}): get its file elsewhere and name that instead, as "
            f"<file>.safetensors or <file>.pth"
        ) from None
