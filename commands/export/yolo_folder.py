"""What Ultralytics trains on: data.yaml and a list of the images of each split.

The lists name the user's own files where their labels are in YOLO's form already. Otherwise
`images/<split>/` holds links to them and `labels/<split>/` their boxes. Validation and test are
those of this project, of which nothing is selected.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from commands.export.chosen import PREPARED, Chosen
from commands.export.folders import Names
from commands.export.output import new_folder
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Split
from stages.shared.artifacts.files import write_atomically
from stages.shared.datasets.reading.yolo_description import described
from stages.shared.errors import DataError

KEYS: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}


def write(chosen: Chosen, output: Path, repeat: bool) -> None:
    """Write data.yaml, train.txt, val.txt and test.txt; `repeat`: an image for each pick.

    Raises:
        DataError: the images have no boxes or are in no files, or a path has a line end.
    """
    if chosen.boxes is None:
        raise DataError(f"yolo needs boxes; {chosen.meta.task} has none")
    if chosen.root is None:
        raise DataError("yolo needs image files, and there are none; `copy` writes them")
    is_yolo = chosen.params.dataset.name == "yolo"
    with new_folder(output) as folder:
        names = chosen.meta.class_names
        if is_yolo:  # its labels have the numbers of all its classes
            names = described(chosen.root).class_names
        content: dict[str, object] = {"path": os.path.abspath(output)}  # noqa: PTH100 - links stay
        for split in SPLITS:
            ids = artifacts.load_sample_ids(PREPARED, split)
            rows = list(range(len(ids)))
            if split == "train":
                samples = chosen.picks if repeat else chosen.samples
                rows = [sample.index for sample in samples]
            paths = [f"{chosen.root}/{ids[row]}" for row in rows]
            if not is_yolo:
                paths = _linked(chosen, folder, output, split, rows, paths)
            _write_list(folder / f"{KEYS[split]}.txt", paths)
            content[KEYS[split]] = f"{KEYS[split]}.txt"
        content["names"] = dict(enumerate(names))
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
