"""What a training hands on from one epoch to the next, so that a killed one goes on and not anew.

How it is saved is no matter here (`members/saved_states.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from stages.shared.artifacts import Epoch

State = dict[str, Tensor]


class Stateful(Protocol):
    """Something that changes from epoch to epoch."""

    def state(self) -> State:
        """Return all that its further course depends on, as it is now, by name."""
        ...

    def restore(self, state: State) -> None:
        """Go on from there, on the device and in the memory layout of its own."""
        ...


def joined(parts: Mapping[str, State]) -> State:
    """Return several states as one."""
    return {
        f"{part}/{name}": tensor for part, state in parts.items() for name, tensor in state.items()
    }


def part_of(state: State, part: str) -> State:
    """Return one of those that were joined."""
    start = f"{part}/"
    return {
        name.removeprefix(start): tensor for name, tensor in state.items() if name.startswith(start)
    }


@dataclass(frozen=True)
class Saved:
    """A training as it was after the last epoch of its history."""

    tensors: State  # on the processor
    history: list[Epoch]
    kept: Path  # the folder of the weights that were kept by then
    names: Sequence[str] = ()  # of these, inside it


class States(Protocol):
    """Where the states of one training are kept."""

    def take(self, into: Path) -> Saved | None:
        """Return the newest state, and put its kept weights into this folder."""
        ...

    def save(self, tensors: State, history: Sequence[Epoch], kept: Path) -> None:
        """Save the state after the last epoch of the history."""
        ...
