"""The user's own images: a folder for each class, or a list of files.

- `root/{train,val,test}/<class>/*`, where val (or valid, or validation) and test may be absent.
  A folder `train` that holds folders is what makes this layout; ImageNet has it.
- `root/<class>/*`, split at random.
- `dataset.manifest`, a CSV file (path,label,split) with paths below root; split is train,
  validation or test in every row, or empty in every row.

Folders of a class may hold more folders; a class may be a link to a folder, links within it are not
followed. Links to folders and files with other endings than those of images are left out and
counted on the terminal; hidden ones are left out in silence. A manifest's files are all
read, whatever their ending. A sample id is the path below root. Samples and classes stand in the
order of their names' bytes, whatever the file system or the list says.
"""

import os
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from stages.shared.artifacts import Split, load_table
from stages.shared.datasets.reading.source_images import EXTENSIONS, FoundFiles
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import DataError
from stages.shared.samples.decoding import ImageSize
from stages.shared.settings.sections import Dataset

SPLIT_NAMES: dict[str, Split] = {
    "test": "test",
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}


class Entry(NamedTuple):
    """One image file."""

    sample_id: str
    label: str
    split: Split | None


def load(params: Dataset) -> Source:
    """Return the images below dataset.root; files are decoded when they are written.

    Raises:
        ArtifactError: the manifest is missing or has other columns.
        DataError: there is no image, or the folders or the manifest contradict themselves.
    """
    root = Path(params.root)
    if not root.is_dir():
        raise DataError(f"dataset.root is {params.root!r}: no such folder; it must hold images")
    if params.manifest is None:
        entries, labels = _read_folders(root)
    else:
        entries = _read_manifest(Path(params.manifest))
        labels = {entry.label for entry in entries}
    if not entries:
        raise DataError(
            f"{params.manifest or root}: no image found; allowed are <class>/*, "
            "{train,val,test}/<class>/*, or a manifest's rows"
        )
    return _source(root, entries, labels, params.image_size)


def _source(root: Path, entries: list[Entry], labels: set[str], image_size: ImageSize) -> Source:
    entries = sorted(entries, key=lambda entry: os.fsencode(entry.sample_id))
    class_names = sorted(labels, key=os.fsencode)
    numbers = {name: number for number, name in enumerate(class_names)}
    sample_ids = [entry.sample_id for entry in entries]
    splits = [entry.split for entry in entries if entry.split is not None]
    return Source(
        class_names=class_names,
        targets_N=np.array([numbers[entry.label] for entry in entries], dtype=np.int64),
        sample_ids=sample_ids,
        given_splits=splits or None,
        inputs=FoundFiles(root, sample_ids, image_size),
    )


# --- folders -------------------------------------------------------------------------------------


def _read_folders(root: Path) -> tuple[list[Entry], set[str]]:
    """Return the images, and the classes: also those of empty folders."""
    split_folders = _find_splits(root)
    entries, labels, ignored = [], set(), []
    if None not in split_folders:
        ignored = [place for place in _visible(root) if place not in split_folders.values()]
    for split, folder in split_folders.items():
        for place in _visible(folder):
            if not place.is_dir() or _holds_itself(place):
                ignored.append(place)
                continue
            labels.add(place.name)
            for file in _files_below(place):
                if file.suffix.lower() in EXTENSIONS:
                    entries.append(Entry(file.relative_to(root).as_posix(), place.name, split))
                else:
                    ignored.append(file)
    _mention(root, ignored)
    return entries, labels


def _find_splits(root: Path) -> dict[Split | None, Path]:
    """Return the folder of each split that there is; without splits, root for None."""
    # A class may well be called train: only folders inside tell.
    found: dict[Split | None, Path] = {}
    for name, split in SPLIT_NAMES.items():
        folder = root / name
        if not folder.is_dir() or not any(place.is_dir() for place in _visible(folder)):
            continue
        if split in found:
            raise DataError(f"{root}: holds {found[split].name} and {name}; one is allowed")
        found[split] = folder
    if found and "train" not in found:
        names = ", ".join(folder.name for folder in found.values())
        raise DataError(f"{root}: holds {names} without train; train/<class>/* is needed beside")
    return found or {None: root}


def _visible(folder: Path) -> list[Path]:
    try:
        return [place for place in folder.iterdir() if not place.name.startswith(".")]
    except OSError as error:
        _refuse(error)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a class, and the links to folders, which are not followed."""
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in names + links if not name.startswith("."))


def _holds_itself(place: Path) -> bool:
    """Return whether a folder is a link to one that it lies in: a class without end."""
    return place.is_symlink() and place.parent.resolve().is_relative_to(place.resolve())


def _refuse(error: OSError) -> NoReturn:
    raise DataError(
        f"{error.filename}: cannot be listed ({error.strerror}); it must be a readable folder"
    )


def _mention(root: Path, ignored: list[Path]) -> None:
    if ignored:
        example = min(path.relative_to(root).as_posix() for path in ignored)
        sys.stderr.write(
            f"{root}: left out {len(ignored)} files or folders that are no images of a class, "
            f"such as {example!r}\n"
        )


# --- the manifest --------------------------------------------------------------------------------


def _read_manifest(path: Path) -> list[Entry]:
    rows = load_table(path, ["path", "label", "split"])
    entries = [_entry(path, number, row) for number, row in enumerate(rows, start=2)]
    if len({entry.sample_id for entry in entries}) < len(entries):
        names = sorted(entry.sample_id for entry in entries)
        twice = next(name for name, after in pairwise(names) if name == after)
        raise DataError(f"{path}: {twice!r} stands there twice; once is allowed")
    if len({entry.split is None for entry in entries}) > 1:
        raise DataError(f"{path}: some rows have a split; every row must have one, or none")
    return entries


def _entry(manifest: Path, number: int, row: list[str]) -> Entry:
    path, label, split = row
    if not path or not label:
        raise DataError(f"{manifest}: row {number} is {','.join(row)!r}; path and label are needed")
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise DataError(f"{manifest}: row {number} has {path!r}; it must be a path below root")
    if split and split not in SPLIT_NAMES:
        raise DataError(
            f"{manifest}: row {number} has the split {split!r}; allowed are "
            f"{', '.join(SPLIT_NAMES)} or none"
        )
    return Entry(path, label, SPLIT_NAMES.get(split))
