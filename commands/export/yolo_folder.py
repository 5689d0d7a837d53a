"""What Ultralytics trains on, with the validation and test split of this project.

- Of images with boxes data.yaml and a list of the images of each split. The lists name the user's
  own files where their labels are in YOLO's form already, and data.yaml has what theirs says of
  keypoints; otherwise `images/<split>/` holds links to them and `labels/<split>/` their boxes.
- Of images with one class each `<split>/<class>/` with links to them. Each split has a folder of
  each class, if an empty one, because the order of the folders numbers the classes.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from commands.export.chosen import PREPARED, Chosen
from commands.export.folders import Names, refuse_class_names, require_images
from commands.export.output import new_folder
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Split
from stages.shared.artifacts.files import write_atomically
from stages.shared.datasets.reading.yolo_description import described
from stages.shared.errors import DataError

KEYS: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}


def write(chosen: Chosen, output: Path, repeat: bool) -> None:
    """Write train, val and test as Ultralytics reads them; `repeat`: an image for each pick.

    Raises:
        DataError: the samples are no images or in no files, a path has a line end, or a class is no
            name of a folder.
    """
    require_images(chosen)
    if chosen.root is None:
        raise DataError("yolo needs image files, and there are none; `copy` writes them")
    with new_folder(output) as folder:
        if chosen.boxes is None:
            _write_classes(chosen, folder, repeat)
        else:
            _write_boxes(chosen, folder, output, repeat)


def _rows_and_paths(chosen: Chosen, split: Split, repeat: bool) -> tuple[list[int], list[str]]:
    """Return the rows of a split, of train those of the subset, and the files of its images."""
    ids = artifacts.load_sample_ids(PREPARED, split)
    rows = list(range(len(ids)))
    if split == "train":
        rows = [sample.index for sample in (chosen.picks if repeat else chosen.samples)]
    return rows, [f"{chosen.root}/{ids[row]}" for row in rows]


# --- one class for each image --------------------------------------------------------------------


def _write_classes(chosen: Chosen, folder: Path, repeat: bool) -> None:
    names = chosen.meta.class_names
    refuse_class_names(names)
    for split in SPLITS:
        free = {name: Names() for name in names}
        for name in names:
            (folder / KEYS[split] / name).mkdir(parents=True)
        class_N = artifacts.load_targets(PREPARED, split)
        rows, paths = _rows_and_paths(chosen, split, repeat)
        for row, path in zip(rows, paths, strict=True):
            name = names[class_N[row]]
            (folder / KEYS[split] / name / free[name].free(Path(path).name)).symlink_to(path)


# --- boxes ---------------------------------------------------------------------------------------


def _write_boxes(chosen: Chosen, folder: Path, output: Path, repeat: bool) -> None:
    is_yolo = chosen.params.dataset.name == "yolo"
    names = chosen.meta.class_names
    of_poses: Mapping[str, object] = {}
    if is_yolo:
        # Labels are found by an image's path: the one by which the data was read.
        root = Path(os.path.realpath(chosen.root or ""))
        chosen = replace(chosen, root=root)
        given = described(root)  # its labels have the numbers of all its classes, and keypoints
        names, of_poses = given.class_names, given.of_poses
    content: dict[str, object] = {"path": os.path.abspath(output)}  # noqa: PTH100 - links stay
    for split in SPLITS:
        rows, paths = _rows_and_paths(chosen, split, repeat)
        if not is_yolo:
            paths = _linked(chosen, folder, output, split, rows, paths)
        _write_list(folder / f"{KEYS[split]}.txt", paths)
        content[KEYS[split]] = f"{KEYS[split]}.txt"
    content |= {"names": dict(enumerate(names)), **of_poses}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    write_atomically(folder / "data.yaml", text.encode())


def _write_list(path: Path, names: Sequence[str]) -> None:
    wrong = next((name for name in names if len(name.splitlines()) > 1), None)
    if wrong is not None:
        raise DataError(f"{wrong!r}: has a line end in its name, which a list of lines cannot hold")
    text = "".join(f"{name}\n" for name in names)
    write_atomically(path, text.encode("utf-8", "surrogateescape"))


def _linked(
    chosen: Chosen,
    folder: Path,
    output: Path,
    split: Split,
    rows: Sequence[int],
    paths: Sequence[str],
) -> list[str]:
    """Link to the images and write their labels; return where the links will be."""
    boxes = artifacts.load_boxes(PREPARED, split)
    height, width = chosen.meta.input_shape[:2]
    images, labels = (folder / kind / KEYS[split] for kind in ("images", "labels"))
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    free, written = Names(), []
    for row, path in zip(rows, paths, strict=True):
        # Names without endings must differ, as those of their labels do.
        name = Path(free.free(Path(path).stem) + Path(path).suffix)
        (images / name).symlink_to(path)
        found = boxes.rows(row)
        lines = [
            _line(number, box, width, height)
            for number, box in zip(
                boxes.class_A[found].tolist(), boxes.box_A4[found].tolist(), strict=True
            )
        ]
        (labels / name.with_suffix(".txt").name).write_text("".join(lines), encoding="utf-8")
        written.append(os.path.abspath(output / "images" / KEYS[split] / name))  # noqa: PTH100
    return written


def _line(number: int, box: Sequence[float], width: int, height: int) -> str:
    """Return the line of an object; its box is in pixels of the prepared image."""
    left, top, right, bottom = box
    shares = (
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    )
    return f"{number} {' '.join(f'{share:.9g}' for share in shares)}\n"
