"""Trainings that are killed after each epoch and go on, held against undisturbed ones."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import torch

from stages.shared.artifacts import Epoch
from stages.shared.members.saved_states import SavedStates
from stages.shared.training import loop
from stages.shared.training.job import Job, Trained

CPU = torch.device("cpu")


class KilledError(Exception):
    """As if the process were no more."""


def train(
    job: Job, folder: Path, states: SavedStates | None, after_epoch: Callable[[Epoch], None]
) -> Trained:
    folder.mkdir(parents=True)
    return loop.train(job, folder, CPU, lambda epoch, images: after_epoch(epoch), states)


def require_the_same_in_parts(job: Job, folder: Path) -> list[int]:
    """Train in one go and killed after each epoch; return the epochs that the parts trained.

    `SUBSET_SAVE_EVERY_S` must be 0.
    """
    whole = train(job, folder / "whole", None, lambda epoch: None)
    trained: list[int] = []

    def die(epoch: Epoch) -> None:
        trained.append(epoch.epoch)
        raise KilledError

    for part in count():
        states = SavedStates(folder / "partial", "toy")
        try:
            last = train(job, folder / f"part-{part}", states, die)
        except KilledError:
            continue
        require_equal(whole, last)
        assert weights(folder / "whole") == weights(folder / f"part-{part}") != {}
        states.drop()
        assert not list((folder / "partial").iterdir())
        return trained
    raise AssertionError


def require_equal(one: Trained, other: Trained) -> None:
    assert repr(one.history) == repr(other.history), "to the last digit, whole numbers as such"
    assert one.checkpoints == other.checkpoints
    require_equal_arrays(one.dynamics, other.dynamics)
    assert (one.tracked is None) == (other.tracked is None)
    if one.tracked is not None:
        require_equal_arrays(one.tracked, other.tracked)


def require_equal_arrays(one: object, other: object) -> None:
    for name, array in vars(one).items():
        np.testing.assert_array_equal(array, vars(other)[name], strict=True)


def weights(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.safetensors")
    }
