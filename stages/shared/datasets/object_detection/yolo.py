"""Images with objects in YOLO's form, as Ultralytics reads it: a text file for each image.

- `root/data.yaml` (or another .yaml file, if it is the only one there) says `train` and perhaps
  `val` and `test`: a folder of images, a text file with a path in each line, or a list of these;
  and `names`: a list of the classes, or a map from their numbers.
- The labels of `.../images/a/b.jpg` are in `.../labels/a/b.txt`, those of an image that lies in no
  folder `images` beside it (reading/yolo_labels.py says how). An image without such a file has no
  objects.

Paths are looked for below `path` of data.yaml where it is there, else below dataset.root, and, as
some exports write them, without a leading `../`. Without test, val is the test split. All images
must lie below dataset.root; a sample id is the image's path there.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from stages.shared.artifacts import Split
from stages.shared.datasets.reading import yolo_labels
from stages.shared.datasets.reading.boxes_of_images import (
    Annotated,
    refuse_params,
    source_of,
)
from stages.shared.datasets.reading.sample_files import EXTENSIONS, files_below, require_folder
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import DataError, reason
from stages.shared.running.workspace import located
from stages.shared.samples.loading import shown_size
from stages.shared.settings.sections import Dataset

SPLIT_NAMES: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}


def load(params: Dataset) -> Source:
    """Return the images that data.yaml names with their boxes.

    Raises:
        DataError: data.yaml or what it names is missing or in another form.
        ParamsError: a parameter is set that such images cannot obey.
    """
    refuse_params(params)
    root = located(params.root)
    require_folder(root)
    path, content, class_names = described(root)
    images: list[Annotated] = []
    problems: list[str] = []
    without_labels = 0
    for file, split in _images(root, path, content):
        labels = yolo_labels.path_of(root / file)
        without_labels += not labels.exists()
        try:
            size = shown_size(root / file)
        except Exception as error:  # Pillow raises errors of a dozen kinds
            problems.append(f"{file!r} cannot be read ({reason(error)})")
            continue
        objects, wrong = yolo_labels.read(labels, size, class_names)
        problems += (f"{os.path.relpath(labels, root)!r} {what}" for what in wrong)
        images.append(Annotated(file, split, size, objects))
    if without_labels:
        sys.stderr.write(f"{root}: {without_labels} images have no file of labels: no objects\n")
    return source_of(images, _used(class_names, images), params, problems)


# --- data.yaml -----------------------------------------------------------------------------------


def described(root: Path) -> tuple[Path, Mapping[str, Any], list[str]]:
    """Return data.yaml, what it says, and the name of each class by its number.

    Raises:
        DataError: it is missing or in another form.
    """
    path = _description(root)
    content = _read_description(path)
    return path, content, _class_names(path, content["names"])


def _description(root: Path) -> Path:
    """Return the file that says which images there are."""
    if (root / "data.yaml").is_file():
        return root / "data.yaml"
    found = sorted(path for ending in ("yaml", "yml") for path in root.glob(f"*.{ending}"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{root}: needs data.yaml, or one other .yaml file, with train, val and names; "
            f"found {names}"
        )
    return found[0]


def _read_description(path: Path) -> Mapping[str, Any]:
    try:
        # As Ultralytics writes and reads it, which is YAML 1.1.
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read ({reason(error)}); it must be YAML") from None
    if not isinstance(content, dict) or not {"train", "names"} <= content.keys():
        raise DataError(f"{path}: must be a map with the keys train and names; val and test may be")
    return content


def _class_names(path: Path, names: object) -> list[str]:
    """Return the name of each class by its number."""
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            numbers = ", ".join(map(str, names))
            raise DataError(f"{path}: names has the numbers {numbers}; they must be 0, 1, ...")
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f"{path}: names is {names!r}; it must be a list of classes, or a map")
    found = [str(name).strip() for name in names]
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise DataError(f"{path}: names has {twice!r} twice; once is allowed")
    return found


def _used(class_names: Sequence[str], images: Sequence[Annotated]) -> list[str]:
    """Return the classes of which there are objects; the others are mentioned and left out."""
    used = {found.label for image in images for found in image.objects}
    unused = [name for name in class_names if name not in used]
    if unused:
        sys.stderr.write(
            f"left out {len(unused)} classes of data.yaml that have no object, such as "
            f"{unused[0]!r}\n"
        )
    return [name for name in class_names if name in used]


# --- images --------------------------------------------------------------------------------------


def _images(root: Path, path: Path, content: Mapping[str, Any]) -> Iterator[tuple[str, Split]]:
    """Yield the images of all splits by path below root, in the order of their names' bytes."""
    base = Path(str(content.get("path") or "."))
    bases = [where for where in (base, root / base) if where.is_dir()] or [root]
    found: list[tuple[str, Split]] = []
    for name, split in SPLIT_NAMES.items():
        given = content.get(name)
        for place in given if isinstance(given, list) else [given] if given else []:
            found += [(image, split) for image in _below(root, path, bases[0], str(place))]
    found.sort(key=lambda image: os.fsencode(image[0]))
    for (image, split), (after, other) in pairwise(found):
        if image == after:
            where = split if split == other else f"{split} and in {other}"
            raise DataError(f"{path}: {image!r} is listed twice, in {where}; once is allowed")
    yield from found


def _below(root: Path, path: Path, base: Path, place: str) -> Iterator[str]:
    """Yield the images of one place that data.yaml names, by path below root."""
    tries = [base / place, root / place, root / place.removeprefix("../")]
    found = next((where for where in tries if where.exists()), None)
    if found is None:
        raise DataError(f"{path}: names {place!r}, which is not there; looked for {tries[0]}")
    top = os.path.realpath(root)
    for file in _images_in(found) if found.is_dir() else _listed(found):
        # A link to an image stays what it is; what leads to it may be written in many ways.
        real = Path(os.path.realpath(file.parent), file.name)
        if not real.is_relative_to(top):
            raise DataError(
                f"{path}: names {str(file)!r}, which is not below dataset.root ({root}); "
                "dataset.root must be a folder that holds data.yaml and all images"
            )
        yield real.relative_to(top).as_posix()


def _images_in(folder: Path) -> Iterator[Path]:
    for name in files_below(str(folder)):
        if Path(name).suffix.lower() in EXTENSIONS:
            yield folder / name


def _listed(path: Path) -> Iterator[Path]:
    """Yield the files that a list names, one in each line; relative ones lie beside the list."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({reason(error)}); it must be UTF-8") from None
    for line in filter(None, map(str.strip, lines)):
        yield path.parent / line
