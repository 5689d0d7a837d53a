"""The labels of an image in YOLO's form: a line for each object, in shares of the image.

`class x y width height` is the middle and the size of a box; `class x1 y1 x2 y2 x3 y3 ...` is a
polygon, of which the box around it is taken. A file holds the one or the other. Where data.yaml
says that keypoints follow each box, they are left out.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.shared.datasets.reading.boxes_of_images import Object
from stages.shared.errors import reason

NUM_OF_BOX = 5  # class, x, y, width, height
LEAST_OF_POLYGON = 7  # class and three points
SLACK = 0.01  # of an edge that numbers and boxes may reach outside: tools round


class Labels(NamedTuple):
    """What a file of labels says."""

    objects: Sequence[Object]
    problems: Sequence[str] = ()
    num_twice: int = 0  # lines that say what another one says
    is_there: bool = True


class _WrongLineError(Exception):
    """What is wrong with a line, in words."""


def path_of(image: str) -> str:
    """Return where an image's labels lie: below `labels` where it lies below `images`."""
    before, images, after = image.rpartition(f"{os.sep}images{os.sep}")
    if images:
        image = f"{before}{os.sep}labels{os.sep}{after}"
    return f"{os.path.splitext(image)[0]}.txt"  # noqa: PTH122 - a million of them


def read(
    path: str, size: tuple[int, int], class_names: Sequence[str], num_keypoint_numbers: int = 0
) -> Labels:
    """Return the objects of an image of this width and height, none where there is no file."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return Labels([], is_there=False)
    except (OSError, ValueError) as error:
        return Labels([], [f"cannot be read ({reason(error)})"])
    found: dict[tuple[float, ...], Object] = {}
    problems, num_lines = [], 0
    kinds: dict[bool, int] = {}  # whether it is a polygon, and in which line first
    for number, line in enumerate(lines, start=1):
        if not (fields := line.split()):
            continue
        num_lines += 1
        if num_keypoint_numbers and len(fields) == NUM_OF_BOX + num_keypoint_numbers:
            fields = fields[:NUM_OF_BOX]
        kinds.setdefault(len(fields) > NUM_OF_BOX, number)
        try:
            numbers = _numbers(fields, len(class_names))
            found[numbers] = _object(numbers, fields, size, class_names)
        except _WrongLineError as error:
            problems.append(f"line {number} {error}")
    if len(kinds) > 1 and not problems:
        problems.append(f"holds a polygon in line {kinds[True]} and a box in line {kinds[False]}")
    return Labels([*found.values()], problems, num_lines - len(found) - len(problems))


def _numbers(fields: Sequence[str], num_classes: int) -> tuple[float, ...]:
    """Return the numbers of a line: its class, and shares of the image."""
    try:
        numbers = tuple(map(float, fields))
    except ValueError:
        raise _WrongLineError(f"is {' '.join(fields)!r}; it must be numbers") from None
    if not (numbers[0].is_integer() and 0 <= numbers[0] < num_classes):
        raise _WrongLineError(f"is of class {fields[0]}; it must be from 0 to {num_classes - 1}")
    if len(fields) != NUM_OF_BOX and (len(fields) < LEAST_OF_POLYGON or not len(fields) % 2):
        raise _WrongLineError(
            f"has {len(fields)} numbers; it must have {NUM_OF_BOX}, or a class and three points or "
            "more"
        )
    for field, share in zip(fields[1:], numbers[1:], strict=True):
        if not -SLACK <= share <= 1 + SLACK:  # also what is no number
            raise _WrongLineError(f"has {field}; shares of the image must be from 0 to 1")
    return numbers


def _object(
    numbers: Sequence[float],
    fields: Sequence[str],
    size: tuple[int, int],
    class_names: Sequence[str],
) -> Object:
    _, *shares = numbers
    if len(numbers) == NUM_OF_BOX:
        x, y, width, height = shares
        if width <= 0 or height <= 0:
            raise _WrongLineError(f"has a box of {fields[3]} by {fields[4]}; it must have an area")
        corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    else:
        across, down = shares[::2], shares[1::2]
        corners = [min(across), min(down), max(across), max(down)]
    if min(corners) < -SLACK or max(corners) > 1 + SLACK:
        found = ", ".join(f"{corner:.3g}" for corner in corners)
        raise _WrongLineError(f"has a box from {found}, which reaches outside the image")
    left, top, right, bottom = (min(max(corner, 0.0), 1.0) for corner in corners)
    if left >= right or top >= bottom:
        raise _WrongLineError("has a box without an area inside the image")
    edges = (left * size[0], top * size[1], right * size[0], bottom * size[1])
    return Object(class_names[int(numbers[0])], *edges)
