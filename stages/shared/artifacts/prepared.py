"""Of prepare: data/prepared; and the user's own lists of sample ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts.formats import (
    Ints,
    load_array,
    load_record,
    load_table,
    save_array,
    save_json,
    save_table,
)
from stages.shared.errors import ArtifactError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Meta:
    """What all stages need to know of the prepared data."""

    task: str
    dataset: str
    class_names: list[str]
    image_shape: list[int]  # H, W, K
    mean: list[float]  # of the train split, one for each channel, in [0, 1]
    std: list[float]
    num_samples: dict[str, int]  # of each split
    fingerprint: str  # of the inputs and targets of train and validation

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)


def save_meta(prepared: Path, meta: Meta) -> None:
    """Write data/prepared/meta.json."""
    save_json(prepared / "meta.json", vars(meta))


def load_meta(prepared: Path) -> Meta:
    """Return what data/prepared/meta.json says.

    Raises:
        ArtifactError: a key is missing or unknown.
    """
    return load_record(prepared / "meta.json", Meta)


def save_targets(prepared: Path, split: Split, targets_N: Ints) -> None:
    """Write the class of each sample of a split, int64 [N]."""
    save_array(prepared / split / "targets.npy", targets_N)


def load_targets(prepared: Path, split: Split) -> Ints:
    """Return the class of each sample of a split, int64 [N]."""
    return load_array(prepared / split / "targets.npy", np.int64, (None,))


def save_sample_ids(prepared: Path, split: Split, sample_ids: Sequence[str]) -> None:
    """Write the id of each sample of a split: a relative path or the row in the source."""
    save_table(prepared / split / "sample_ids.csv", ["sample_id"], [[name] for name in sample_ids])


def load_sample_ids(prepared: Path, split: Split) -> list[str]:
    """Return the id of each sample of a split."""
    return [row[0] for row in load_table(prepared / split / "sample_ids.csv", ["sample_id"])]


def load_inputs(prepared: Path, split: Split) -> npt.NDArray[np.uint8]:
    """Return the images of a split, uint8 [N, H, W, K], read from disk as they are used."""
    return load_array(prepared / split / "inputs.npy", np.uint8, (None, None, None, None))


def load_sample_list(path: Path, header: Sequence[str]) -> list[str]:
    """Return the sample ids that a list of the user's names in its first column.

    Raises:
        ArtifactError: the list names a sample twice.
    """
    names = [row[0] for row in load_table(path, header)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ArtifactError(f"{path}: names {twice} twice; once is allowed")
    return names
