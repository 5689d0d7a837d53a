"""Tasks by name: a folder `<task>` beside this file, with two files that others read.

rules.py    `RULES`: what params.yaml may say with the task; read by every stage, so without torch
task.py     `TASK`, a `Task` (networks/task.py): how samples are read, what is learnt, and the
            signals; other files are its own
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from stages.shared.networks.task import Task

FOLDER = Path(__file__).parent

# What `Rules.only` says where samples are no images.
NOT_AUGMENTED = {
    f"{section}.{key}": value
    for section in ("train_ensemble", "train_subset_model")
    for key, value in {
        "augmentation.crop_padding": 0,
        "augmentation.border": "black",
        "augmentation.horizontal_flip": False,
        "augmentation.scale": [1.0, 1.0],
        "first_layer": "trained",
    }.items()
}


@dataclass(frozen=True)
class Rules:
    """What a task allows, and which files speak of it."""

    has_labels: bool  # one for each sample; otherwise there is nothing to balance or to forget
    metrics: tuple[str, ...]  # that report.metric may name
    validation_metric: str  # by which to choose, of `evaluate` on the validation split
    inputs: str  # stages/prepare/write_<inputs>.py writes them
    evaluation: str  # a file of stages/evaluate
    gallery: str  # stages/report/pictures/gallery_of_<gallery>.py draws samples
    acquisitions: tuple[str, ...] = ()  # none: all of them
    signals: tuple[str, ...] = ()  # that predict_pool.signals may name
    # By dotted key the only value that is allowed, and the values that are not.
    only: Mapping[str, object] = field(default_factory=dict)
    never: Mapping[str, object] = field(default_factory=dict)


def names() -> list[str]:
    """Return the names of all tasks: the folders beside this file."""
    return sorted(path.parent.name for path in FOLDER.glob("*/rules.py"))


def rules(name: str) -> Rules:
    """Return what a task allows."""
    found = importlib.import_module(f"{__name__}.{name}.rules").RULES
    assert isinstance(found, Rules)
    return found


def load(name: str) -> "Task":
    """Return a task (needs torch); `params` has checked the name."""
    return cast("Task", importlib.import_module(f"{__name__}.{name}.task").TASK)
