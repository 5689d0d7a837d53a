"""Images with objects in the form of COCO (Lin et al. 2014): one JSON file for each split.

- `root/annotations/instances_{train,val,test}*.json`; the images of `instances_train2017.json`
  lie in `root/train2017/`. Without a file of test, val is the test split.
- `root/annotations.json`, with the images in `root/images/`, which are split at random.

A box is [left, top, width, height] in pixels, from 0. Classes are the categories in the order of
their ids. Annotations of a crowd (iscrowd: 1), one box around many objects, are left out. A sample
id is the image's path below root.

COCO's own train2017 holds two boxes without an area, annotations 918 and 2206849
(https://github.com/cocodataset/cocoapi/issues/355): take them out of the file.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, FiniteFloat, PositiveInt, ValidationError

from stages.shared.artifacts import Split
from stages.shared.datasets.reading.boxes_of_images import (
    Annotated,
    Object,
    refuse_params,
    source_of,
)
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import DataError
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset

SPLIT_NAMES: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
PREFIX = "instances_"


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
    class_names: list[str] = []
    images: list[Annotated] = []
    problems: list[str] = []
    for file in _find(located(params.root)):
        content = _read(file.path)
        labels = _labels(file.path, content.categories)
        class_names = class_names or list(labels.values())
        if list(labels.values()) != class_names:
            raise DataError(f"{file.path}: has other categories than train; they must be the same")
        objects = _objects(file, content, labels, problems)
        images += (_annotated(image, file, objects) for image in content.images)
    images.sort(key=lambda image: os.fsencode(image.name))
    for image, after in pairwise(images):
        if image.name == after.name:
            raise DataError(f"{params.root}: {image.name!r} is listed twice; once is allowed")
    return source_of(images, class_names, params, problems)


def _find(root: Path) -> list[_File]:
    """Return the files of annotations, that of train first."""
    if (root / "annotations.json").is_file():
        return [_File(root / "annotations.json", "images", None)]
    files = []
    for name, split in SPLIT_NAMES.items():
        found = sorted((root / "annotations").glob(f"{PREFIX}{name}*.json"))
        if len(found) > 1:
            raise DataError(
                f"{root / 'annotations'}: holds {found[0].name} and {found[1].name}; one is allowed"
            )
        files += [_File(path, path.stem.removeprefix(PREFIX), split) for path in found]
    if not files or files[0].split != "train":
        raise DataError(
            f"{root}: has no annotations; coco needs annotations.json in dataset.root, or "
            f"annotations/{PREFIX}train*.json and those of val and test"
        )
    return files


def _read(path: Path) -> _Content:
    try:
        return _Content.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first, *others = error.errors()
        where = ".".join(map(str, first["loc"])) or "the file"
        more = f" (and {len(others)} more)" if others else ""
        raise DataError(
            f"{path}: {where}: {first['msg']}{more}; it must be JSON in the form of COCO"
        ) from None


def _labels(path: Path, categories: Sequence[_Category]) -> dict[int, str]:
    """Return the name of each category, ascending by its id."""
    labels = {found.id: found.name for found in sorted(categories, key=lambda found: found.id)}
    if len(set(labels.values())) < len(categories):
        raise DataError(f"{path}: a category's id or name stands twice; once is allowed")
    return labels


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


def _annotated(image: _Image, file: _File, objects: Mapping[int, list[Object]]) -> Annotated:
    name = f"{file.folder}/{image.file_name}"
    return Annotated(name, file.split, (image.width, image.height), objects[image.id])
