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
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from stages.shared.artifacts import Line, Split, load_list
from stages.shared.artifacts.user_lists import encoding_hint
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
    problems: list[str] = []
    if params.manifest is None:
        entries, labels = _read_folders(root)
    else:
        entries, problems = _read_manifest(root, Path(params.manifest))
        labels = {entry.label for entry in entries}
    if not entries and not problems:
        raise DataError(
            f"{params.manifest or root}: no image found; allowed are <class>/*, "
            "{train,val,test}/<class>/*, or a manifest's rows"
        )
    return _source(root, entries, labels, params.image_size, problems)


def _source(
    root: Path,
    entries: list[Entry],
    labels: set[str],
    image_size: ImageSize,
    problems: list[str],
) -> Source:
    entries = sorted(entries, key=lambda entry: os.fsencode(entry.sample_id))
    class_names = sorted(labels, key=os.fsencode)
    numbers = {name: number for number, name in enumerate(class_names)}
    sample_ids = [entry.sample_id for entry in entries]
    splits = [entry.split for entry in entries if entry.split is not None]
    return Source(
        class_names=class_names,
        targets_N=np.array([numbers[entry.label] for entry in entries], dtype=np.int64),
        sample_ids=sample_ids,
        given_splits=splits if len(splits) == len(entries) else None,
        inputs=FoundFiles(root, sample_ids, image_size),
        problems=problems,
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


# --- the manifest ---------------------------------------------------------------------------------


def _read_manifest(root: Path, path: Path) -> tuple[list[Entry], list[str]]:
    """Return the images that a manifest names, and what is wrong with its lines."""
    entries: list[Entry] = []
    problems: list[str] = []
    line_of: dict[str, int] = {}
    for line in load_list(path, ["path", "label", "split"]):
        where = f"{path} line {line.number}"
        found = _entry(root, line)
        if isinstance(found, str):
            problems.append(f"{where} {found}")
        elif found.sample_id in line_of:
            first = line_of[found.sample_id]
            problems.append(f"{where} names {found.sample_id!r} again, as line {first} does")
        else:
            line_of[found.sample_id] = line.number
            entries.append(found)
    without = [entry.sample_id for entry in entries if entry.split is None]
    if 0 < len(without) < len(entries):
        problems.append(
            f"{path} line {line_of[without[0]]} and {len(without) - 1} others have no split; "
            "every line must have one, or none"
        )
    return entries, problems


def _entry(root: Path, line: Line) -> Entry | str:
    """Return what a line names, or what is wrong with it."""
    field, label, split = line.fields[0], line.fields[1].strip(), line.fields[2].strip()
    # A name may begin or end with a space; nearly always it is a slip.
    path = field if (root / field).exists() else field.strip()
    if not path or not label:
        return f"is {','.join(line.fields)!r}; path and label are needed"
    if hint := encoding_hint(label):
        return f"has the label {label!r}{hint}"
    if Path(path).is_absolute() or ".." in Path(path).parts:
        return f"has {path!r}; it must be a path below root"
    if (hint := _path_hint(root, path)) and not (root / path).exists():
        return f"has {path!r}, which is not there{hint}"
    if split and split.lower() not in SPLIT_NAMES:
        return f"has the split {split!r}; allowed are {', '.join(SPLIT_NAMES)} or none"
    return Entry(path, label, SPLIT_NAMES.get(split.lower()))


def _path_hint(root: Path, path: str) -> str:
    """Return what may be wrong with a path that is not there."""
    turned = path.replace("\\", "/")
    # A Mac writes an accent as a letter of its own.
    forms = [turned, *(unicodedata.normalize(form, turned) for form in ("NFC", "NFD"))]
    near = next((form for form in forms if form != path and (root / form).exists()), None)
    return encoding_hint(path) if near is None else f"; did you mean {near!r}?"
