"""Models by name: a file `<task>/<name>.py` below this folder; no two tasks share a name."""

import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def names(task: str = "*") -> list[str]:
    """Return the names of a task's models, or of all: the files of its folder.

    Names are words of commands and parts of paths: letters, digits, underscores and hyphens.
    """
    found = (path.stem for path in FOLDER.glob(f"{task}/[!_]*.py"))
    return sorted(name for name in found if re.fullmatch(r"\w[\w-]*", name))


def build(name: str, num_classes: int, input_shape: Sequence[int]) -> Any:
    """Return the model of that name with random initial weights from torch's global generator.

    Args:
        name: a file below this folder; it has the function `build(num_classes, input_shape)`.
        num_classes: outputs of the last layer.
        input_shape: of one sample, as in meta.json.

    Raises:
        ValueError: there is no model of that name.
    """
    task = next((path.parent.name for path in FOLDER.glob(f"*/{name}.py")), None)
    if task is None or name not in names():
        raise ValueError(f"model is {name!r}; choose one of {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{task}.{name}").build(num_classes, input_shape)
