"""Ensembles, data/ensembles/<from> and data/subset_models/<key>, and their data/histories."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stages.shared.artifacts.csv_files import load_records, save_records
from stages.shared.artifacts.formats import load_record, no_other_keys, save_json


@no_other_keys
@dataclass(frozen=True)
class Checkpoint:
    """The weights of one member after one epoch."""

    member: int
    epoch: int  # passes over the subset that were done, from 1
    validation_accuracy: float | None  # in [0, 1]; None: this epoch was not validated
    is_best: bool  # the member's best on validation, the earliest of equals
    is_last: bool  # one of those that `checkpoints.last` and `every` keep

    @property
    def path(self) -> Path:
        """Where the weights lie inside the ensemble's folder."""
        return Path(f"member-{self.member:02d}/epoch-{self.epoch:04d}.safetensors")


@no_other_keys
@dataclass(frozen=True)
class Ensemble:
    """The trained members of one stage: how to build their model, and which weights there are."""

    model: str
    num_classes: int
    input_shape: list[int]  # of one sample: H, W, K of an image
    checkpoints: list[Checkpoint]

    def of_member(self, member: int) -> list[Checkpoint]:
        """Return one member's checkpoints by epoch."""
        chosen = [entry for entry in self.checkpoints if entry.member == member]
        return sorted(chosen, key=lambda entry: entry.epoch)

    @property
    def num_members(self) -> int:
        """How many members there are."""
        return len({entry.member for entry in self.checkpoints})


def save_ensemble(folder: Path, ensemble: Ensemble) -> None:
    """Write model.json of an ensemble; the weights lie beside it."""
    content = {**vars(ensemble), "checkpoints": [vars(entry) for entry in ensemble.checkpoints]}
    save_json(folder / "model.json", content)


def load_ensemble(folder: Path) -> Ensemble:
    """Return what model.json says of an ensemble.

    Raises:
        ArtifactError: the file does not describe an ensemble.
    """
    return load_record(folder / "model.json", Ensemble)


@dataclass(frozen=True)
class Epoch:
    """What one epoch of one member's training showed; the fields are the history's columns."""

    member: int
    epoch: int  # passes that were done, from 1
    updates: int  # optimizer steps that were done
    images_seen: int  # draws that were done
    flops: float  # floating-point operations up to here, validation included
    learning_rate: float  # of the last step
    train_loss: float  # mean over the epoch, as trained
    train_accuracy: float  # in [0, 1], on the augmented images as they were seen
    validation_loss: float | None  # None: this epoch was not validated
    validation_accuracy: float | None


def save_history(path: Path, epochs: Iterable[Epoch]) -> None:
    """Write a training's history, one row for each member and epoch."""
    save_records(path, Epoch, epochs)


def load_history(path: Path) -> list[Epoch]:
    """Return a training's history.

    Raises:
        ArtifactError: a field is no number.
    """
    return load_records(path, Epoch)
