"""Of prepare: data/prepared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts.csv_files import load_column, load_table, save_table
from stages.shared.artifacts.formats import (
    Ints,
    load_array,
    load_record,
    no_other_keys,
    save_array,
    save_json,
)
from stages.shared.errors import ArtifactError, reason

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
FILES_HEADER = ["path", "checksum"]


@no_other_keys
@dataclass(frozen=True)
class Meta:
    """What all stages need to know of the prepared data."""

    task: str
    dataset: str
    class_names: list[str]
    input_shape: list[int]  # of one sample: H, W, K of an image
    # Of the train split: of each channel of its images, in [0, 1]; of texts the words of one.
    mean: list[float]
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
    """Return the class of each sample of a split, int64 [N].

    Raises:
        ArtifactError: one is no class of the data.
    """
    targets_N = load_array(prepared / split / "targets.npy", np.int64, (None,))
    require_classes(prepared, prepared / split / "targets.npy", targets_N)
    return targets_N


def require_classes(prepared: Path, path: Path, classes_N: Ints) -> None:
    """Stop unless every entry of a file is a class of the data.

    Raises:
        ArtifactError: one is not; the first is named.
    """
    # Not every stage that reads classes depends on meta.json: without it none may be negative.
    has_meta = (prepared / "meta.json").exists()
    num = load_meta(prepared).num_classes if has_meta else np.iinfo(np.int64).max
    outside = np.flatnonzero((classes_N < 0) | (classes_N >= num))
    if len(outside):
        raise ArtifactError(
            f"{path}: entry {outside[0]} is class {classes_N[outside[0]]}; it must be from 0 to "
            f"{num - 1}"
        )


def save_sample_ids(prepared: Path, split: Split, sample_ids: Sequence[str]) -> None:
    """Write the id of each sample of a split: a relative path or the row in the source."""
    save_table(prepared / split / "sample_ids.csv", ["sample_id"], ([name] for name in sample_ids))


def load_sample_ids(prepared: Path, split: Split) -> list[str]:
    """Return the id of each sample of a split."""
    return load_column(prepared / split / "sample_ids.csv", "sample_id")


def save_groups(prepared: Path, split: Split, groups: Sequence[str]) -> None:
    """Write which group of the user's each sample of a split is in, int64 [N]."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    group_N = np.array([numbers[name] for name in groups], dtype=np.int64)
    save_array(prepared / split / "groups.npy", group_N)


def load_groups(prepared: Path, split: Split, num: int) -> Ints:
    """Return the user's group of each of `num` samples, int64 [N]."""
    return load_array(prepared / split / "groups.npy", np.int64, (num,))


def has_groups(prepared: Path, split: Split) -> bool:
    """Return whether the user has put the samples into groups."""
    return (prepared / split / "groups.npy").exists()


def load_inputs(prepared: Path, split: Split) -> npt.NDArray[np.uint8]:
    """Return the images of a split, uint8 [N, H, W, K], read from disk as they are used."""
    return load_array(prepared / split / "inputs.npy", np.uint8, (None, None, None, None))


@no_other_keys
@dataclass(frozen=True)
class FileSettings:
    """What makes images of the user's files; the fields are the keys of files.json."""

    root: str
    # What they are scaled to: the edge of the middle square, or width and height; None: nothing.
    image_size: int | list[int] | None
    image_shape: list[int]  # H, W, 3 of each, then


@dataclass(frozen=True)
class FileList(FileSettings):
    """The user's image files of a split, and what makes images of them."""

    names: list[str]  # paths below root, a sample each
    checksum_N: Ints  # CRC-32 of the pixels of each, then


def save_file_list(prepared: Path, split: Split, files: FileList) -> None:
    """Write which files hold the images of a split, instead of the images."""
    rows = zip(files.names, files.checksum_N.tolist(), strict=True)
    save_table(prepared / split / "files.csv", FILES_HEADER, rows)
    settings = {key: getattr(files, key) for key in FileSettings.__annotations__}
    save_json(prepared / split / "files.json", settings)


def load_file_list(prepared: Path, split: Split) -> FileList:
    """Return which files hold the images of a split.

    Raises:
        ArtifactError: the list or its settings are missing or damaged.
    """
    path = prepared / split / "files.csv"
    rows = load_table(path, FILES_HEADER)
    settings = load_record(path.with_suffix(".json"), FileSettings)
    try:
        checksum_N = np.fromiter((int(row[1]) for row in rows), np.int64, len(rows))
    except (ValueError, OverflowError) as error:
        raise ArtifactError(f"{path}: {reason(error)}; checksums must be whole numbers") from None
    return FileList(**vars(settings), names=[row[0] for row in rows], checksum_N=checksum_N)


def has_file_list(prepared: Path, split: Split) -> bool:
    """Return whether the images of a split are left in the user's files."""
    return (prepared / split / "files.csv").exists()
