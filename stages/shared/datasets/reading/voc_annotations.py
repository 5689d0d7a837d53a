"""An annotation in the form of Pascal VOC (Everingham et al. 2010): the XML of one image.

Coordinates count pixels from 1, and a box holds the last it names (VOC's development kit):
left = xmin - 1, right = xmax, and a box from 7 to 7 is one pixel wide. A file that counts from 0
may have an xmin of 0, a left of -1, which is cut to 0. Objects marked as difficult are objects
like others.
"""

import math
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree as ET

from stages.shared.datasets.reading.boxes_of_images import Object


class WrongAnnotationError(Exception):
    """What is wrong with an annotation, in words."""


class _WithoutDoctype(ET.TreeBuilder):
    """Refuses what only a document type declares: entities, which grow or name other files."""

    def doctype(self, *_: str | None) -> NoReturn:
        raise WrongAnnotationError("declares a document type; it must hold elements alone")


def read_annotation(path: Path) -> tuple[tuple[int, int], list[Object]]:
    """Return the size of the image, width and height, and its objects.

    Raises:
        WrongAnnotationError: the file is missing or says something else.
    """
    try:
        root = ET.parse(path, ET.XMLParser(target=_WithoutDoctype())).getroot()
    except FileNotFoundError:
        raise WrongAnnotationError("is missing") from None
    except WrongAnnotationError:
        raise
    except Exception as error:  # of an unknown encoding, expat raises what Python does
        raise WrongAnnotationError(f"cannot be read ({error})") from None
    width, height = (_number(root, f"size/{side}") for side in ("width", "height"))
    found = enumerate(root.iterfind("object"), start=1)
    return (int(width), int(height)), [_object(element, place) for place, element in found]


def _object(element: ET.Element, place: int) -> Object:
    where = f"object {place}: "
    label = " ".join((element.findtext("name") or "").split())
    if not label:
        raise WrongAnnotationError(f"{where}has no name")
    left, top, right, bottom = (
        _number(element, f"bndbox/{side}", where) for side in ("xmin", "ymin", "xmax", "ymax")
    )
    return Object(label, left - 1, top - 1, right, bottom)


def _number(element: ET.Element, name: str, where: str = "") -> float:
    text = element.findtext(name)
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WrongAnnotationError(f"{where}{name} is {text!r}; it must be a number")
    return value
