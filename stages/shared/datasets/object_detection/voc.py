"""Images with objects in the form of Pascal VOC (Everingham et al. 2010): one XML file for each.

- `root/JPEGImages/<name>.*`, the images.
- `root/Annotations/<name>.xml`, what is in them; every name of a class is one.
- `root/ImageSets/Main/{train,val,test}.txt`, or without val `{trainval,test}.txt` or else
  `{train,test}.txt`, the names of each split, one in each line; what they do not list is left out.
  Without test, val is the test split; without these lists, everything is split at random.

`reading/voc_annotations.py` says what an annotation is. A sample id is the image's path below root.
"""

import os
import unicodedata
from collections.abc import Set
from pathlib import Path

from stages.shared.artifacts import Split
from stages.shared.artifacts.user_lists import decoded, lines_of
from stages.shared.artifacts.user_names import encoding_hint
from stages.shared.datasets.reading.boxes_of_images import (
    Annotated,
    refuse_params,
    source_of,
)
from stages.shared.datasets.reading.source_images import EXTENSIONS
from stages.shared.datasets.reading.sources import Source
from stages.shared.datasets.reading.voc_annotations import WrongAnnotationError, read_annotation
from stages.shared.errors import DataError
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset

LISTS: tuple[dict[str, Split], ...] = (
    {"train": "train", "val": "validation", "test": "test"},
    {"trainval": "train", "test": "test"},
    {"train": "train", "test": "test"},
)


def load(params: Dataset) -> Source:
    """Return the images below dataset.root with their boxes.

    Raises:
        DataError: a folder or every object is missing, or a list names an image twice.
        ParamsError: a parameter is set that such images cannot obey.
    """
    refuse_params(params)
    root = located(params.root)
    images: list[Annotated] = []
    problems: list[str] = []
    files = _by_stem(root / "JPEGImages", EXTENSIONS, problems)
    annotations = _by_stem(root / "Annotations", {".xml"}, problems)
    splits = _read_lists(root / "ImageSets/Main", files.keys() | annotations.keys())
    for name in sorted(splits or files.keys() | annotations.keys(), key=os.fsencode):
        image = f"JPEGImages/{files.get(name, f'{name}.jpg')}"
        annotation = f"Annotations/{annotations.get(name, f'{name}.xml')}"
        try:
            size, objects = read_annotation(root / annotation)
            images.append(Annotated(image, splits.get(name), size, objects))
        except WrongAnnotationError as error:
            problems.append(f"{annotation!r} {error}")
    class_names = {found.label for image in images for found in image.objects}
    return source_of(images, sorted(class_names, key=os.fsencode), params, problems)


def _by_stem(folder: Path, extensions: Set[str], problems: list[str]) -> dict[str, str]:
    """Return the files of a folder by their names without the ending, whatever its case."""
    try:
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be listed ({error.strerror}); voc needs JPEGImages and Annotations "
            "in dataset.root"
        ) from None
    if not any(Path(name).suffix.lower() in extensions for name in names):
        what = "XML file" if extensions == {".xml"} else "image"
        raise DataError(f"{folder}: holds no {what} itself; folders in it are not read")
    found: dict[str, str] = {}
    for name in names:
        stem = Path(name).stem
        if Path(name).suffix.lower() not in extensions:
            continue
        if stem in found:
            problems.append(f"{folder.name!r} holds {found[stem]!r} and {name!r}; one is allowed")
        found[stem] = name
    return found


# --- splits --------------------------------------------------------------------------------------


def _read_lists(folder: Path, known: Set[str]) -> dict[str, Split]:
    """Return the split of each image; nothing where there are no lists to split by."""
    for lists in LISTS:
        found = {folder / f"{name}.txt": split for name, split in lists.items()}
        first, second, *_ = found
        if first.is_file() and second.is_file():
            there = {path: split for path, split in found.items() if path.is_file()}
            return _splits_of(there, known)
    return {}


def _splits_of(lists: dict[Path, Split], known: Set[str]) -> dict[str, Split]:
    splits: dict[str, Split] = {}
    for path, split in lists.items():
        for number, line in enumerate(_lines(path), start=1):
            name = line.strip()
            if name not in known and Path(name).suffix.lower() in EXTENSIONS:
                name = Path(name).stem  # some tools write the file's name
            if name not in known:  # a Mac writes an accent as a letter of its own
                forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
                name = next((form for form in forms if form in known), name)
            if not name:
                continue
            if name in splits:
                raise DataError(
                    f"{path}: line {number} names {name!r}, which is in {splits[name]} already; "
                    "once is allowed"
                )
            if name not in known and (hint := encoding_hint(name)):
                raise DataError(f"{path}: line {number} names {name!r}, which is not there{hint}")
            splits[name] = split
    return splits


def _lines(path: Path) -> list[str]:
    """Return the lines of a list; each is a name."""
    try:
        return lines_of(decoded(path, path.read_bytes()))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); it must be a list of names"
        ) from None
