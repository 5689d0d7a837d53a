"""The labels of an image in YOLO's form: a line for each object, in shares of the image.

`class x y width height` is the middle and the size of a box; `class x1 y1 x2 y2 x3 y3 ...` is a
polygon, of which the box around it is taken.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.shared.datasets.reading.boxes_of_images import Object
from stages.shared.errors import reason

NUM_OF_BOX = 5  # class, x, y, width, height
LEAST_OF_POLYGON = 7  # class and three points
SLACK = 0.01  # of an edge that a box may reach outside: tools round


class _WrongLineError(Exception):
    """What is wrong with a line, in words."""


def path_of(image: Path) -> Path:
    """Return where an image's labels lie: below `labels` where it lies below `images`."""
    before, images, after = str(image).rpartition(f"{os.sep}images{os.sep}")
    if images:
        image = Path(f"{before}{os.sep}labels{os.sep}{after}")
    return image.with_suffix(".txt")


def read(
    path: Path, size: tuple[int, int], class_names: Sequence[str]
) -> tuple[list[Object], list[str]]:
    """Return the objects of an image of this width and height, and what is wrong with its labels.

    Without a file there are none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return [], []
    except (OSError, ValueError) as error:
        return [], [f"cannot be read ({reason(error)})"]
    objects: dict[Object, None] = {}  # a line that stands twice is one object
    problems = []
    for number, line in enumerate(lines, start=1):
        if fields := line.split():
            try:
                objects[_object(fields, size, class_names)] = None
            except _WrongLineError as error:
                problems.append(f"line {number} {error}")
    return list(objects), problems


def _object(fields: Sequence[str], size: tuple[int, int], class_names: Sequence[str]) -> Object:
    try:
        number, *shares = map(float, fields)
    except ValueError:
        raise _WrongLineError(f"is {' '.join(fields)!r}; it must be numbers") from None
    if not (number.is_integer() and 0 <= number < len(class_names)):
        allowed = f"from 0 to {len(class_names) - 1}"
        raise _WrongLineError(f"is of class {fields[0]}; it must be {allowed}")
    wrong = [field for field, share in zip(fields[1:], shares, strict=True) if not 0 <= share <= 1]
    if wrong:
        raise _WrongLineError(f"has {wrong[0]}; shares of the image must be from 0 to 1")
    corners = _corners(fields, shares)
    if min(corners) < -SLACK or max(corners) > 1 + SLACK:
        found = ", ".join(f"{corner:.3g}" for corner in corners)
        raise _WrongLineError(f"has a box from {found}, which reaches outside the image")
    left, top, right, bottom = np.clip(corners, 0, 1).tolist()
    width, height = size
    label = class_names[int(number)]
    return Object(label, left * width, top * height, right * width, bottom * height)


def _corners(fields: Sequence[str], shares: Sequence[float]) -> list[float]:
    """Return left, top, right and bottom of a box or of the box around a polygon."""
    if len(fields) == NUM_OF_BOX:
        x, y, width, height = shares
        if width and height:
            return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        raise _WrongLineError(f"has a box of {fields[3]} by {fields[4]}; it must have an area")
    if len(fields) >= LEAST_OF_POLYGON and len(fields) % 2:
        across, down = shares[::2], shares[1::2]
        return [min(across), min(down), max(across), max(down)]
    raise _WrongLineError(
        f"has {len(fields)} numbers; it must have {NUM_OF_BOX}, or a class and three points or more"
    )
