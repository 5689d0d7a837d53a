"""Tasks by name: a file `<task>.py` beside this one says what the task's loss and signals are."""

import importlib
from types import ModuleType


def load(name: str) -> ModuleType:
    """Return the module of a task; `params` has checked the name."""
    return importlib.import_module(f"{__name__}.{name}")
