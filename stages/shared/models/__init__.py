"""Models by name: a file `<task>/<name>.py` below this folder.

Models of two tasks that share a name are the same network, by one builder. A model of images whose
file says `TAKES = "embeddings"` reads the embeddings of the images instead (`stages/embed`).
"""

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
    found = {path.stem for path in FOLDER.glob(f"{task}/[!_]*.py")}
    return sorted(name for name in found if re.fullmatch(r"\w[\w-]*", name))


def takes_embeddings(task: str, name: str) -> bool:
    """Return whether a model of a task reads embeddings of the samples in their place."""
    return 'TAKES = "embeddings"' in _source(task, name)


def is_of_library(task: str, name: str) -> bool:
    """Return whether a model is a library's network, which resizes and normalises images itself."""
    return "library_networks" in _source(task, name)


def _source(task: str, name: str) -> str:
    """Return the code of a model; it is not imported, since settings are checked without torch."""
    known = name in names(task)  # what a user writes may be too long for a path
    return (FOLDER / task / f"{name}.py").read_text(encoding="utf-8") if known else ""


def data_of(task: str, name: str, prepared: Path, embeddings: Path) -> Path:
    """Return the prepared data set that a model of a task reads: samples or embeddings."""
    return embeddings if takes_embeddings(task, name) else prepared


def build(name: str, num_classes: int, input_shape: Sequence[int]) -> Any:
    """Return the model of that name with random initial weights from torch's global generator.

    Args:
        name: a file below this folder; it has the function `build(num_classes, input_shape)`.
        num_classes: outputs of the last layer.
        input_shape: of one sample, as in meta.json.

    Raises:
        ValueError: there is no model of that name.
    """
    task = next((path.parent.name for path in sorted(FOLDER.glob(f"*/{name}.py"))), None)
    if task is None or name not in names():
        raise ValueError(f"model is {name!r}; choose one of {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{task}.{name}").build(num_classes, input_shape)
