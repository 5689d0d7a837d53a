"""Images in files and the objects that their annotations tell of: what voc and coco share.

Shapes: N images, A objects of all of them, C classes.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.shared.artifacts import BoxList, Floats, Ints, Split
from stages.shared.artifacts.user_names import MOST_SHOWN, and_more
from stages.shared.datasets.reading.manifests import is_empty
from stages.shared.datasets.reading.source_images import FoundFiles
from stages.shared.datasets.reading.sources import Source
from stages.shared.datasets.reading.user_tables import refuse_label_column
from stages.shared.errors import DataError, ParamsError, printable
from stages.shared.running.workspace import located
from stages.shared.samples.decoding import decode_or_describe, pixels_of
from stages.shared.samples.loading import shown_size
from stages.shared.settings.sections import Dataset

# In pixels: coordinates are rounded, and some files that should count from 1 count from 0. What
# reaches farther out of its image is an error.
SLACK = 1.0


class Object(NamedTuple):
    """One object, in pixels of the image file, which begin with 0."""

    label: str  # its class
    left: float
    top: float
    right: float  # the width is right - left
    bottom: float


@dataclass(frozen=True)
class Annotated:
    """One image, as its annotation describes it."""

    name: str  # path below root, and sample id
    split: Split | None
    size: tuple[int, int]  # width and height of the file
    objects: Sequence[Object]


def refuse_params(params: Dataset) -> None:
    """Refuse parameters that images with boxes cannot obey.

    Raises:
        ParamsError: dataset.manifest lists files, dataset.label_column is set, or
            dataset.image_size is one edge.
    """
    refuse_label_column(params, f"{params.name} has its labels in annotations")
    if not is_empty(params):
        raise ParamsError(
            f"params.yaml: dataset.manifest is {params.manifest!r}, which lists files; "
            f"{params.name} has its labels in annotations, so it must be an empty list"
        )
    if isinstance(params.image_size, int):
        raise ParamsError(
            f"params.yaml: dataset.image_size is {params.image_size}, for which images are "
            "cropped; with boxes it must be [width, height] or empty"
        )


def source_of(
    images: Sequence[Annotated],
    class_names: list[str],
    params: Dataset,
    problems: list[str],
    *,
    sizes_are_of_files: bool = False,
) -> Source:
    """Return the images below dataset.root with their boxes, scaled as the images will be.

    Args:
        images: all of them; a name stands once.
        class_names: a class is its place there.
        params: where the files lie, and what they are scaled to.
        problems: what is wrong with the annotations; what is found here follows.
        sizes_are_of_files: the images were looked at, so that nothing can be wrong with them.

    Raises:
        DataError: there is no object at all.
    """
    root = located(params.root)
    given = list_of([image.objects for image in images], class_names)
    if not len(given.class_A):
        because = f" ({and_more(problems[:MOST_SHOWN], len(problems))})" if problems else ""
        raise DataError(f"{root}: no object in {len(images)} images{because}; one is needed")
    _mention_twice(root, images)
    size_N2 = np.array([image.size for image in images], dtype=np.float64)
    names = [image.name for image in images]
    splits = [image.split for image in images if image.split is not None]
    problems = [
        *problems,
        *([] if sizes_are_of_files else _wrong_files(root, images)),
        *_wrong_boxes(given, size_N2, names, class_names),
    ]
    boxes = _scaled(given, size_N2, params)
    return Source(
        class_names=class_names,
        targets_N=strata(boxes, len(class_names)),
        sample_ids=names,
        given_splits=splits or None,
        inputs=FoundFiles(root, names, params.image_size),
        boxes=boxes,
        problems=problems,
    )


def _mention_twice(root: Path, images: Sequence[Annotated]) -> None:
    """Say on stderr how many objects stand twice in an image, as exports repeated them."""
    twice = {
        image.name: more
        for image in images
        if (more := len(image.objects) - len(set(image.objects)))
    }
    if twice:
        named = printable(repr(next(iter(twice))))
        sys.stderr.write(
            f"warning: {root}: {sum(twice.values())} objects say what another one of their image "
            f"says, as in {named}; each counts\n"
        )


def list_of(objects: Sequence[Sequence[Object]], class_names: Sequence[str]) -> BoxList:
    """Return the objects of each image as one list."""
    numbers = {name: number for number, name in enumerate(class_names)}
    rows = [found for of_image in objects for found in of_image]
    counts = [len(of_image) for of_image in objects]
    return BoxList(
        np.array([row[1:] for row in rows], dtype=np.float32).reshape(-1, 4),
        np.array([numbers[row.label] for row in rows], dtype=np.int64),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )


def strata(boxes: BoxList, num_classes: int) -> Ints:
    """Return the class that stands for each image where the data is split, int64 [N].

    The one of its objects that is rarest over all boxes, so that rare classes are spread over the
    splits; of an image without objects the most common one. Nothing else uses it.
    """
    count_C = np.bincount(boxes.class_A, minlength=num_classes)
    # Classes from the most common to the rarest: the last of an image's is its rarest.
    by_count_C = np.lexsort((-np.arange(num_classes), -count_C))
    place_C = np.empty(num_classes, dtype=np.int64)
    place_C[by_count_C] = np.arange(num_classes)
    place_N = np.zeros(len(boxes), dtype=np.int64)
    np.maximum.at(place_N, _image_A(boxes), place_C[boxes.class_A])
    return by_count_C[place_N]


def _image_A(boxes: BoxList) -> Ints:  # noqa: N802 - a shape suffix
    """Return the image of each object."""
    return np.repeat(np.arange(len(boxes)), boxes.count_N)


def _scaled(boxes: BoxList, size_N2: Floats, params: Dataset) -> BoxList:
    """Return the boxes in pixels of the prepared images, cut at the edges."""
    bound_A2 = size_N2[_image_A(boxes)]
    box_A22 = boxes.box_A4.reshape(-1, 2, 2).clip(0, bound_A2[:, np.newaxis])
    if params.image_size is not None:
        # An image said to have no pixels is among the problems.
        scale_A2 = np.array(pixels_of(params.image_size)) / np.maximum(bound_A2, 1)
        box_A22 *= scale_A2[:, np.newaxis]
    return BoxList(box_A22.reshape(-1, 4).astype(np.float32), boxes.class_A, boxes.offset_N1)


# --- what is wrong with them ---------------------------------------------------------------------


def _wrong_boxes(
    boxes: BoxList, size_N2: Floats, names: Sequence[str], class_names: Sequence[str]
) -> Iterator[str]:
    image_A, corner_A22 = _image_A(boxes), boxes.box_A4.reshape(-1, 2, 2)
    size_A2 = size_N2[image_A]
    bound_A12 = size_A2[:, np.newaxis]
    is_out_A22 = (corner_A22 < -SLACK) | (corner_A22 > bound_A12 + SLACK)
    is_out_A = np.any(is_out_A22, axis=(1, 2))
    inside_A22 = corner_A22.clip(0, bound_A12)
    is_empty_A = np.any(inside_A22[:, 0] >= inside_A22[:, 1], axis=1)
    for row in np.flatnonzero(is_out_A | is_empty_A).tolist():
        image = image_A[row]
        place = row - boxes.offset_N1[image] + 1
        left, top, right, bottom = boxes.box_A4[row].tolist()
        width, height = size_A2[row].astype(int).tolist()
        wrong = f"lies outside its {width}x{height} pixels" if is_out_A[row] else "has no area"
        yield (
            f"{names[image]!r}: object {place} ({class_names[boxes.class_A[row]]!r}), from "
            f"{left:g}, {top:g} to {right:g}, {bottom:g}, {wrong}"
        )


def _wrong_files(root: Path, images: Sequence[Annotated]) -> Iterator[str]:
    for image in images:
        if Path(image.name).is_absolute() or ".." in Path(image.name).parts:
            yield f"{image.name!r} is no path below dataset.root"
            continue
        try:
            found = shown_size(root / image.name)
        except Exception:  # Pillow raises errors of a dozen kinds
            decoded = decode_or_describe(root, image.name, None)
            yield decoded if isinstance(decoded, str) else f"{image.name!r} has no known size"
            continue
        if found != image.size:
            said = "x".join(map(str, image.size))
            is_turned = found == image.size[::-1]
            hint = ", perhaps because its EXIF data turns it" if is_turned else ""
            yield f"{image.name!r} is {found[0]}x{found[1]}; its annotation says {said}{hint}"
