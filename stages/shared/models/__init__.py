"""Image classifiers, one file each, found by its name."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from stages.shared.layers import Classifier


def names() -> list[str]:
    """Return the names of all models: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def build(name: str, num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the model of that name with random initial weights from torch's global generator.

    Args:
        name: a file of this folder; it has the function `build(num_classes, image_shape)`.
        num_classes: outputs of the last layer.
        image_shape: H, W, K as in meta.json.

    Raises:
        ValueError: there is no model of that name.
    """
    if name not in names():
        raise ValueError(f"model is {name!r}; choose one of {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}").build(num_classes, image_shape)
