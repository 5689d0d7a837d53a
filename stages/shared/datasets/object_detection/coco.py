"""Images with objects in the form of COCO (Lin et al. 2014): one JSON file for each split.

- `root/annotations/instances_{train,val,test}*.json`; the images of `instances_train2017.json`
  lie in `root/train2017/`, `root/images/train2017/` or `root/images/`. Without a file of test, val
  is the test split.
- `root/{train,valid,test}/_annotations.coco.json` as Roboflow writes them, the images beside.
- `root/annotations.json`, or `root/annotations/instances_default.json` as CVAT writes it, with the
  images in `root/images/` or `root/images/default/`, which are split at random.

A box is [left, top, width, height] in pixels, from 0. Classes are the categories that have a box,
in the order of their ids; those without one, such as groups of others, are named on the terminal
and left out. Annotations of a crowd (iscrowd: 1), one box around many objects, are left out. A
sample id is the image's path below root.

COCO's own train2017 holds two boxes without an area, annotations 918 and 2206849
(https://github.com/cocodataset/cocoapi/issues/355): take them out of the file.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat, PositiveInt, ValidationError

from stages.shared.artifacts import SPLITS, Split
from stages.shared.artifacts.user_lists import decoded
from stages.shared.artifacts.user_names import encoding_hint
from stages.shared.datasets.reading.boxes_of_images import (
    Annotated,
    Object,
    refuse_params,
    source_of,
)
from stages.shared.datasets.reading.class_names import say_left_out
from stages.shared.datasets.reading.entries import split_of
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import DataError
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset

SPLIT_NAMES: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
PREFIX = "instances_"
ROBOFLOW = "_annotations.coco.json"


class _Image(BaseModel):
    id: int
    file_name: str
    width: PositiveInt
    height: PositiveInt


class _Annotation(BaseModel):
    image_id: int
    category_id: int
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    iscrowd: int = 0


class _Category(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)  # digits, say

    id: int
    name: str


class _Content(BaseModel):
    """What is read of a file; it may hold more."""

    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True)
class _File:
    """A file of annotations."""

    path: Path
    folder: str  # of its images, below root
    split: Split | None


def load(params: Dataset) -> Source:
    """Return the images below dataset.root with their boxes.

    Raises:
        DataError: a file is missing or not in this form, or two contradict each other.
        ParamsError: a parameter is set that such images cannot obey.
    """
    refuse_params(params)
    root = located(params.root)
    images: list[Annotated] = []
    problems: list[str] = []
    contents = {file: _read(file.path) for file in _find(root)}
    labels = _labels(contents)
    for file, content in contents.items():
        objects = _objects(file, content, labels, problems)
        images += (_annotated(root, image, file, objects) for image in content.images)
    class_names = _with_boxes(contents.values(), labels)
    unused = [name for name in labels.values() if name not in class_names]
    say_left_out(params.root, "categories without a box", unused)
    images.sort(key=lambda image: os.fsencode(image.name))
    for image, after in pairwise(images):
        if image.name == after.name:
            raise DataError(f"{params.root}: {image.name!r} is listed twice; once is allowed")
    return source_of(images, class_names, params, problems)


def _find(root: Path) -> list[_File]:
    """Return the files of annotations, that of train first."""
    if (root / "annotations.json").is_file():
        return [_File(root / "annotations.json", "images", None)]
    if files := _of_roboflow(root):
        return files
    there = sorted((root / "annotations").glob(f"{PREFIX}*.json"))
    for name, split in SPLIT_NAMES.items():
        found = [path for path in there if path.name.lower().startswith(f"{PREFIX}{name}")]
        if len(found) > 1:
            raise DataError(
                f"{root / 'annotations'}: holds {found[0].name} and {found[1].name}; one is allowed"
            )
        files += [_File(path, _folder(root, path), split) for path in found]
    default = root / f"annotations/{PREFIX}default.json"
    if not files and default in there:
        return [_File(default, _folder(root, default), None)]
    if not files or files[0].split != "train":
        raise DataError(
            f"{root}: has no annotations; coco needs annotations.json in dataset.root, or "
            f"annotations/{PREFIX}train*.json and those of val and test"
        )
    return files


def _of_roboflow(root: Path) -> list[_File]:
    """Return the files of annotations that lie in folders of splits, that of train first."""
    found = [(split_of(path.parent.name), path) for path in sorted(root.glob(f"*/{ROBOFLOW}"))]
    files: dict[Split, _File] = {}
    for split, path in found:
        if split in files:
            names = f"{files[split].folder} and {path.parent.name}"
            raise DataError(f"{root}: holds {names}; one is allowed")
        if split:
            files[split] = _File(path, path.parent.name, split)
    return [files[split] for split in SPLITS if split in files] if "train" in files else []


def _folder(root: Path, path: Path) -> str:
    """Return where the images of a file of annotations lie, below root."""
    name = path.stem.removeprefix(PREFIX)
    places = [name, f"images/{name}", "images"]
    return next((place for place in places if (root / place).is_dir()), name)


def _read(path: Path) -> _Content:
    try:
        text = decoded(path, path.read_bytes())
        if hint := encoding_hint(text):
            raise DataError(f"{path}: is no JSON in UTF-8{hint}")
        return _Content.model_validate_json(text)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); it must be a file") from None
    except ValidationError as error:
        first, *others = error.errors()
        where = ".".join(map(str, first["loc"])) or "the file"
        more = f" (and {len(others)} more)" if others else ""
        raise DataError(
            f"{path}: {where}: {first['msg']}{more}; it must be JSON in the form of COCO"
        ) from None


def _labels(contents: Mapping[_File, _Content]) -> dict[int, str]:
    """Return the name of each category of all files, ascending by its id."""
    labels: dict[int, str] = {}
    for file, content in contents.items():
        ids = [found.id for found in content.categories]
        if len(set(ids)) < len(ids):
            raise DataError(f"{file.path}: a category's id stands twice; once is allowed")
        for found in content.categories:
            name = found.name.strip()
            if not name:
                raise DataError(f"{file.path}: category {found.id} has no name; it needs one")
            if labels.setdefault(found.id, name) != name:
                raise DataError(
                    f"{file.path}: category {found.id} is {name!r}; it is {labels[found.id]!r} in "
                    "train, and must be the same"
                )
    return dict(sorted(labels.items()))


def _with_boxes(contents: Iterable[_Content], labels: Mapping[int, str]) -> list[str]:
    """Return the names of the categories that have a box, ascending by their ids."""
    used = {
        found.category_id
        for content in contents
        for found in content.annotations
        if not found.iscrowd
    }
    names = [name for number, name in labels.items() if number in used]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"the category {twice!r} stands twice with boxes; once is allowed")
    return names


def _objects(
    file: _File, content: _Content, labels: Mapping[int, str], problems: list[str]
) -> dict[int, list[Object]]:
    """Return the objects of each image; add what is wrong with them to the problems."""
    objects: dict[int, list[Object]] = {image.id: [] for image in content.images}
    if len(objects) < len(content.images):
        raise DataError(f"{file.path}: an image's id stands twice; once is allowed")
    for place, found in enumerate(content.annotations):
        where = f"'{file.path.name}': annotation {place}"
        if found.image_id not in objects:
            problems.append(f"{where} is of image {found.image_id!r}, which is not listed")
        elif found.category_id not in labels:
            problems.append(f"{where} is of category {found.category_id!r}, which is not listed")
        elif not found.iscrowd:
            left, top, width, height = found.bbox
            label = labels[found.category_id]
            objects[found.image_id].append(Object(label, left, top, left + width, top + height))
    return objects


def _annotated(
    root: Path, image: _Image, file: _File, objects: Mapping[int, list[Object]]
) -> Annotated:
    """Return an image; its name may be a path below root, with the slashes of Windows."""
    turned = image.file_name.replace("\\", "/")
    below = [image.file_name, *([turned] if turned != image.file_name else [])]
    places = [*(f"{file.folder}/{name}" for name in below), *below]
    name = next((place for place in places if (root / place).is_file()), places[0])
    return Annotated(name, file.split, (image.width, image.height), objects[image.id])
