"""Which images and classes a data set in YOLO's form has: data.yaml, or a list of classes.

- `root/data.yaml`, or another .yaml file if it is the only one there, says `train` and perhaps
  `val` (or `validation`) and `test`: a folder of images, a text file with a path in each line, or a
  list of these; and the classes: `names`, a list or a map from their numbers, or `nc`, how many.
- Without a .yaml file `root/classes.txt` has a class in each line, as LabelImg and Label Studio
  leave it. All images below root count then; where they lie in folders train and test, perhaps
  val, these are the splits.

Places in data.yaml begin below its `path` where that is there, else below root, and, as some
exports write them, without a leading `../`. Paths in a text file begin beside it, or there.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stages.shared.artifacts import Split
from stages.shared.datasets.reading.entries import splits_of_folders
from stages.shared.datasets.reading.places_of_images import (
    Image,
    images_in,
    in_place,
    lines_of_list,
)
from stages.shared.datasets.reading.problems import in_one_line
from stages.shared.errors import DataError, reason

SPLITS_OF_KEYS: dict[str, Split] = {
    "train": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}
CLASSES = "classes.txt"
OF_POSES = ("kpt_shape", "flip_idx", "kpt_names")  # what labels have behind each box
KEYPOINTS = (2, 3)  # numbers of each: x and y, and whether it is seen
MOST_CLASSES = 100_000


class Described(NamedTuple):
    """The images and classes of a data set."""

    class_names: list[str]  # a class is its place there
    images: Sequence[tuple[str, Split | None]]  # paths below root, in the order of their bytes
    problems: list[str]  # with lists of images
    num_keypoint_numbers: int = 0  # behind each box, where the labels are poses
    of_poses: Mapping[str, Any] = {}  # what data.yaml says of these, by its keys


def described(root: Path) -> Described:
    """Return the classes and the images of the data set below a folder.

    Raises:
        DataError: nothing describes it, or in another form; all that is wrong is told.
    """
    found = sorted(path for ending in ("yaml", "yml") for path in root.glob(f"*.{ending}"))
    if root / "data.yaml" in found:
        found = [root / "data.yaml"]
    if not found and (root / CLASSES).is_file():
        return _of_classes(root)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{root}: needs data.yaml, or one other .yaml file, with train, val and names, or else "
            f"{CLASSES}; found {names}"
        )
    return _of_yaml(root, found[0])


# --- classes.txt ---------------------------------------------------------------------------------


def _of_classes(root: Path) -> Described:
    path = root / CLASSES
    class_names = [line.strip() for line in lines_of_list(path)]
    while class_names and not class_names[-1]:
        class_names.pop()
    if problems := _wrong_names(class_names):
        raise DataError(in_one_line(f"{path}: ", problems))
    images = sorted(images_in(root), key=os.fsencode)
    splits = splits_of_folders(root, images)
    return Described(class_names, [(name, splits.get(name)) for name in images], [])


# --- data.yaml -----------------------------------------------------------------------------------


def _of_yaml(root: Path, path: Path) -> Described:
    content = _read(path)
    problems: list[str] = []
    class_names = _class_names(content, problems)
    places = [place for key in SPLITS_OF_KEYS for place in _places(content, key, problems)]
    if not content.get("train"):
        problems.append("needs train, the images to learn from")
    if not isinstance(content.get("path", ""), str | None):
        problems.append(f"path is {_shown(content['path'])}; it must be a folder")
    num_keypoint_numbers = _num_keypoint_numbers(content, problems)
    if problems:
        raise DataError(in_one_line(f"{path}: ", problems))
    bases = _bases(root, content)
    listed = [
        (image, split) for split, place in places for image in in_place(root, path, bases, place)
    ]
    problems = [image.problem for image, _ in listed if image.problem]
    found = [(image, split) for image, split in listed if not image.problem]
    problems += _twice(path, found)
    images = sorted(
        ((image.name, split) for image, split in found), key=lambda image: os.fsencode(image[0])
    )
    of_poses = {key: content[key] for key in OF_POSES if key in content}
    return Described(class_names, images, problems, num_keypoint_numbers, of_poses)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        # As Ultralytics writes and reads it, which is YAML 1.1.
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except Exception as error:  # of nested brackets Python raises one of its own
        raise DataError(f"{path}: cannot be read ({reason(error)}); it must be YAML") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: must be a map with the keys train and names; val and test may be")
    return content


def _class_names(content: Mapping[str, Any], problems: list[str]) -> list[str]:
    """Return the name of each class by its number; what is wrong with them is added."""
    names, count = content.get("names"), content.get("nc")
    if count is not None and not (str(count).isdecimal() and 0 < int(count) <= MOST_CLASSES):
        problems.append(
            f"nc is {_shown(count)}; it must be the number of classes, at most {MOST_CLASSES}"
        )
        return []
    if names is None and count is not None:
        return [f"class_{number}" for number in range(int(count))]
    if isinstance(names, dict):
        by_number = {_number(key): name for key, name in names.items()}
        if by_number.keys() != {*range(len(names))}:
            numbers = ", ".join(map(_shown, names))
            problems.append(f"names has the numbers {numbers}; they must be 0, 1, ...")
            return []
        names = [by_number[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        problems.append(f"names is {_shown(names)}; it must be a list of classes, or a map")
        return []
    if nested := [name for name in names if isinstance(name, list | dict)]:
        problems.append(f"names holds {_shown(nested[0])}; each class must be a word")
        return []
    found = [str(name).strip() for name in names]
    if count is not None and len(found) != int(count):
        problems.append(f"nc is {count}, and names has {len(found)}; they must agree")
    problems += _wrong_names(found)
    return found


def _num_keypoint_numbers(content: Mapping[str, Any], problems: list[str]) -> int:
    """Return how many numbers the keypoints of an object are; what is wrong there is added."""
    shape = content.get("kpt_shape")
    if shape is None:
        return 0
    if isinstance(shape, list) and [type(each) for each in shape] == [int, int]:
        count, of_each = shape
        if count > 0 and of_each in KEYPOINTS:
            return int(count * of_each)
    problems.append(
        f"kpt_shape is {_shown(shape)}; it must be [number of keypoints, 2 or 3 numbers of each]"
    )
    return 0


def _number(key: object) -> object:
    return int(key) if isinstance(key, str) and key.isdecimal() else key


def _wrong_names(names: Sequence[str]) -> list[str]:
    problems = [] if names else ["names no class; one is needed"]
    for number, name in enumerate(names):
        if not name:
            problems.append(f"class {number} has no name")
        elif names.index(name) < number:
            problems.append(f"names has {name!r} twice; once is allowed")
    return problems


def _places(
    content: Mapping[str, Any], key: str, problems: list[str]
) -> Iterator[tuple[Split, str]]:
    """Yield where the images of a split are; what is wrong there is added."""
    given = content.get(key) or []
    for place in given if isinstance(given, list) else [given]:
        if isinstance(place, str):
            yield SPLITS_OF_KEYS[key], place
        else:
            problems.append(f"{key} is {_shown(place)}; it must be a path, or a list of paths")


def _shown(value: object) -> str:
    """Return a value for a message; of what holds others, which may be without end, its kind."""
    if isinstance(value, dict | list) and value:
        return f"a {'map' if isinstance(value, dict) else 'list'} of {len(value)}"
    return repr(value)


def _bases(root: Path, content: Mapping[str, Any]) -> list[Path]:
    """Return the folders that paths may begin in, first the one that data.yaml names."""
    base = Path(content.get("path") or ".")
    found = [where for where in (root / base, base) if base != Path() and where.is_dir()]
    return [*found[:1], root]


def _twice(path: Path, images: Sequence[tuple[Image, Split]]) -> Iterator[str]:
    by_file = sorted(images, key=lambda image: os.fsencode(image[0].real))
    for (image, split), (after, other) in pairwise(by_file):
        if image.real == after.real:
            where = split if split == other else f"{split} and in {other}"
            name = "" if image.name == after.name else f" as {after.name!r}"
            yield f"{path.name!r} lists {image.name!r} twice, in {where}{name}; once is allowed"
