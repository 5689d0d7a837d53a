"""Which files a data set is made of: folders of classes, a manifest, or whatever lies below root.

What machines leave among files is no sample and no class (`visible_files.py`).
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import NamedTuple, NoReturn

from stages.shared.artifacts import Split
from stages.shared.datasets.reading.entries import EXTENSIONS as EXTENSIONS
from stages.shared.datasets.reading.entries import SPLIT_NAMES, Entry, clean, split_of
from stages.shared.datasets.reading.manifests import read_manifest
from stages.shared.datasets.reading.user_tables import refuse_label_column
from stages.shared.datasets.reading.visible_files import (
    holds_itself,
    is_folder,
    require_folder,
    visible,
    visible_in,
)
from stages.shared.errors import DataError
from stages.shared.settings.sections import Dataset

SHARED = 2  # names in all class folders: more than an `images` in each
SHOWN = 3  # of names
# Folders of data sets whose labels are files: a model would learn to tell photographs from masks.
OTHER_FORMS = frozenset(
    ("annotations", "depth", "gt", "image", "images", "img", "imgs", "labels", "mask", "masks")
)
OR_LIST = "or dataset.manifest must list every file with its label"


class Found(NamedTuple):
    """The samples of a data set."""

    entries: list[Entry]
    labels: set[str]  # also those of empty folders
    notes: list[str]  # what a person should know of how the folders were read, a line for each


def find(root: Path, params: Dataset, extensions: Set[str]) -> Found:
    """Return the samples in the folders of classes below root, or those that the manifest lists.

    Args:
        root: the folder that all files lie below.
        params: with the manifest; an empty one means folders.
        extensions: the endings of files in folders, in lower case; a manifest's may have any.

    Raises:
        ArtifactError: the manifest is missing or has other columns.
        DataError: there is no sample, or the folders or the manifest contradict themselves.
        ParamsError: a column of labels is set, and the manifest is empty.
    """
    require_folder(root)
    if entries := read_manifest(params, root):
        found = Found(entries, {entry.label for entry in entries}, [])
    else:
        refuse_label_column(params, "folders of classes have no columns")
        found = _read_folders(root, extensions)
    notes = [*found.notes, *_alike(root, found.labels), *_parts_of_another_form(root, found.labels)]
    return found._replace(notes=notes)


# --- folders -------------------------------------------------------------------------------------


def _read_folders(root: Path, extensions: Set[str]) -> Found:
    entries: list[Entry] = []
    labels: set[str] = set()
    ignored: list[str] = []
    inside: dict[str, set[str]] = {}  # of each class folder that holds samples, see _inside
    splits = _find_splits(root)
    if None not in splits:
        folders = splits.values()
        ignored = [entry.name for entry in visible(str(root)) if entry.name not in folders]
    for split, folder in splits.items():
        for place in visible(f"{root}/{folder}" if folder else str(root)):
            path = f"{folder}/{place.name}" if folder else place.name
            label = clean(place.name)
            if not is_folder(place) or holds_itself(place) or not label:
                ignored.append(path)
                continue
            labels.add(label)
            files = list(_files_of_class(place.path, path))
            names = [name for name in files if _ending(name) in extensions]
            ignored += set(files).difference(names)
            entries += [Entry(name, label, split) for name in names]
            if names and split in (None, "train"):
                inside[path] = {_inside(name.removeprefix(f"{path}/")) for name in names}
    if not entries:
        _refuse_nothing(root)
    _refuse_wrong_guess(root, inside)
    notes = [*_left_out(root, ignored, splits), *_share_folders(root, inside)]
    return Found(entries, labels, notes)


def _find_splits(root: Path) -> Mapping[Split | None, str]:
    """Return the name of each split's folder; without splits, no name for None."""
    # A class may well be called train: only folders inside tell.
    found: dict[Split | None, str] = {}
    for name in sorted(entry.name for entry in visible(str(root))):
        split = split_of(name)
        if split is None or not any(map(is_folder, visible_in(f"{root}/{name}"))):
            continue
        if split in found:
            raise DataError(f"{root}: holds {found[split]} and {name}; one is allowed")
        found[split] = name
    if found and "train" not in found:
        names = ", ".join(found.values())
        raise DataError(f"{root}: holds {names} without train; train/<class>/* is needed beside")
    return found or {None: ""}


def _files_of_class(folder: str, path: str) -> Iterator[str]:
    """Yield the files of a class, and the links to folders, which are not followed."""
    waiting = [(folder, path)]
    while waiting:
        folder, path = waiting.pop()
        for entry in visible(folder):
            name = f"{path}/{entry.name}"
            if is_folder(entry) and not entry.is_symlink():
                waiting.append((entry.path, name))
            else:
                # A link to a folder may be named as an image is.
                yield f"{name}/" if is_folder(entry) else name


def _refuse_wrong_guess(root: Path, inside: Mapping[str, Set[str]]) -> None:
    """Refuse folders that were taken for classes and are something else.

    Args:
        root: in the line.
        inside: of each class folder the folders that its samples lie in; "": in itself.
    """
    if len(inside) > 1 and None not in map(split_of, inside):
        raise DataError(
            f"{root}: {_some(inside)} hold images and no folders of classes; it must be "
            f"train/<class>/* and so on, {OR_LIST}"
        )
    above = [path for path, names in inside.items() if "" not in names]
    below = set().union(*(inside[path] for path in above))
    if len(inside) == 1 and above:
        raise DataError(
            f"{root}: all images lie in one folder, {above[0]!r}, which holds folders "
            f"({_some(below)}); dataset.root must probably be {f'{root}/{above[0]}'!r}"
        )
    if _are_splits(above) or _are_splits(below):
        raise DataError(
            f"{root}: {_some(above)} hold no images but folders ({_some(below)}), of which some "
            f"look like splits; it must be train/<class>/*, test/<class>/* and so on, {OR_LIST}"
        )


def _are_splits(names: Iterable[str]) -> bool:
    """Return whether some names hold words of splits, train among them, as seg_train does."""
    words = {word for name in names for word in re.split(r"[^a-z]+", name.casefold())}
    splits = {SPLIT_NAMES[word] for word in words & SPLIT_NAMES.keys()}
    return "train" in splits and len(splits) > 1


def _share_folders(root: Path, inside: Mapping[str, Set[str]]) -> Iterator[str]:
    """Yield a warning where all class folders hold the same folders and nothing else."""
    common = set.intersection(*map(set, inside.values())) if inside else set[str]()
    if len(common) >= SHARED and not any("" in names for names in inside.values()):
        yield (
            f"warning: {root}: the classes {_some(inside)} hold no images but folders of the same "
            f"names ({_some(common)}); if these are the classes, the former are splits or parts "
            "of the data, and it must be train/<class>/*, test/<class>/* and so on"
        )


def _some(names: Iterable[str]) -> str:
    shown = sorted(names, key=os.fsencode)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{', '.join(map(repr, shown[:SHOWN]))}{more}"


def _inside(name: str) -> str:
    """Return the folder of a class folder that a file lies in; "": in itself."""
    return name.partition("/")[0] if "/" in name else ""


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million of them


def _refuse_nothing(root: Path) -> NoReturn:
    loose = sum(not is_folder(entry) for entry in visible(str(root)))
    there = f" in the folders ({loose} files lie in none)" if loose else ""
    raise DataError(
        f"{root}: no image found{there}; allowed are <class>/*, {{train,val,test}}/<class>/*, or a "
        "manifest's rows"
    )


def _left_out(root: Path, ignored: list[str], splits: Mapping[Split | None, str]) -> Iterator[str]:
    if ignored:
        layout = "<class>/*" if None in splits else f"{{{','.join(splits.values())}}}/<class>/*"
        yield (
            f"{root}: left out {len(ignored)} files or folders that are no images of a class, such "
            f"as {min(ignored)!r}; read as {layout}"
        )


def _parts_of_another_form(root: Path, labels: Set[str]) -> Iterator[str]:
    if len(labels) > 1 and {label.casefold() for label in labels} <= OTHER_FORMS:
        yield (
            f"warning: {root}: the classes {_some(labels)} are called as the parts of a data set "
            "of another form, such as images and what was drawn on them"
        )


def _alike(root: Path, labels: Set[str]) -> Iterator[str]:
    counts = Counter(label.casefold() for label in labels)
    alike = [label for label in labels if counts[label.casefold()] > 1]
    if alike:
        yield (
            f"warning: {root}: classes that differ in upper and lower case alone are classes of "
            f"their own: {_some(alike)}"
        )
