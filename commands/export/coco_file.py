"""COCO's JSON (Lin et al. 2014) of the images of the subset and their boxes.

A box is [left, top, width, height] in pixels of the image file as it is shown, from 0. A category
is a class, its id the number of the class and 1, so that ids begin with 1 as COCO's own.

Shapes: A objects of an image.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commands.export.chosen import Chosen, Sample
from commands.export.output import finite, write_json
from stages.shared.errors import DataError
from stages.shared.samples.loading import shown_size


def write(chosen: Chosen, output: Path, repeat: bool) -> None:
    """Write images, annotations and categories; `repeat`: an image for each pick.

    `file_name` is the path below dataset.root, or the sample id where there are no files.

    Raises:
        DataError: the images have no boxes, or one cannot be read.
    """
    if chosen.boxes is None:
        raise DataError(f"coco needs boxes; {chosen.meta.task} has none")
    samples = chosen.picks if repeat else chosen.samples
    write_json(output, content(chosen, samples, [sample.sample_id for sample in samples]))


def content(
    chosen: Chosen, samples: Sequence[Sample], file_names: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the form of COCO for images of these names, numbered from 1."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (sample, name) in enumerate(zip(samples, file_names, strict=True), start=1):
        image = _image(chosen, sample) | {"id": number, "file_name": name}
        images.append(image)
        for found in _annotations(chosen, sample, image["width"], image["height"]):
            annotations.append({"id": len(annotations) + 1, "image_id": number, **found})
    categories = [
        {"id": number, "name": name} for number, name in enumerate(chosen.meta.class_names, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def _image(chosen: Chosen, sample: Sample) -> dict[str, Any]:
    height, width = chosen.meta.input_shape[:2]
    if sample.path:
        try:
            width, height = shown_size(Path(sample.path))
        except Exception as error:  # Pillow raises errors of a dozen kinds
            raise DataError(f"{sample.path!r}: cannot be read ({error})") from None
    return {
        "width": width,
        "height": height,
        "picks": sample.picks,
        "round": sample.round,
        "score": finite(sample.score),
    }


def _annotations(chosen: Chosen, sample: Sample, width: int, height: int) -> list[dict[str, Any]]:
    assert chosen.boxes is not None
    rows = chosen.boxes.rows(sample.index)
    # From pixels of the prepared image to those of the file.
    across, down = width / chosen.meta.input_shape[1], height / chosen.meta.input_shape[0]
    found = []
    for box_4, number in zip(
        chosen.boxes.box_A4[rows].tolist(), chosen.boxes.class_A[rows].tolist(), strict=True
    ):
        left, top, right, bottom = box_4
        bbox = [left * across, top * down, (right - left) * across, (bottom - top) * down]
        found.append(
            {"category_id": number + 1, "bbox": bbox, "area": bbox[2] * bbox[3], "iscrowd": 0}
        )
    return found
