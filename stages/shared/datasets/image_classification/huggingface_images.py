"""Images in a data set of Hugging Face's `datasets`: a folder of save_to_disk, or Parquet files.

The column of images is `image`, or the only one of the type Image. Images are decoded one by one
from where they lie; `reading/labelled_tables.py` says more.

Shapes: N samples, H x W x K pixels and channels (K is 3), B some of the images.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.shared.artifacts import Ints
from stages.shared.datasets.reading.labelled_tables import LabelledTable, is_kind, load_table
from stages.shared.datasets.reading.source_images import in_chunks
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import ParamsError, reason
from stages.shared.samples.decoding import ImageSize, Pixels, decode, pixels_of
from stages.shared.samples.decoding_ahead import Decoded
from stages.shared.settings.sections import Dataset

BRINGS_IDS = True  # samples may have names that are not their rows


@dataclass(frozen=True)
class TableImages:
    """The images of a table, decoded when they are read."""

    table: LabelledTable
    column: str
    image_size: ImageSize

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """H, W, 3 of each: those of the first that can be read."""
        if self.image_size is not None:
            width, height = pixels_of(self.image_size)
            return (height, width, 3)
        tries = (self._decoded(row) for row in range(len(self.table.sample_ids)))
        return next((image.shape for image in tries if not isinstance(image, str)), (1, 1, 3))

    def read(self, rows_N: Ints) -> Iterator[Decoded]:
        """Yield the images of these rows in their order, some at a time."""
        for some_B in in_chunks(rows_N, self.shape):
            images_BHWK, problems = np.empty((len(some_B), *self.shape), dtype=np.uint8), []
            for place, row in enumerate(some_B.tolist()):
                image = self._decoded(row)
                if isinstance(image, str):
                    problems.append(image)
                elif image.shape != self.shape:
                    found, wanted = (f"{w}x{h}" for h, w, _ in (image.shape, self.shape))
                    name = self.table.sample_ids[row]
                    problems.append(f"{name!r} is {found}, not {wanted} as the first image")
                else:
                    images_BHWK[place] = image
            yield Decoded(images_BHWK, problems)

    def _decoded(self, row: int) -> Pixels | str:
        """Return an image, or what is wrong with it."""
        name = self.table.sample_ids[row]
        value = self._value(row)
        if value is None or (value["bytes"] is None and not value["path"]):
            return f"{name!r} has no image"
        try:
            source = value["path"] if value["bytes"] is None else io.BytesIO(value["bytes"])
            return decode(source, self.image_size)
        except Exception as error:  # damaged images make Pillow raise errors of a dozen kinds
            return f"{name!r} cannot be read ({reason(error)})"

    def _value(self, row: int) -> Any:
        for part in self.table.parts.values():
            if row < len(part):
                return part[row][self.column]
            row -= len(part)
        raise IndexError(row)


def load(params: Dataset) -> Source:
    """Return the images of the data set below dataset.root.

    Raises:
        DataError: there is none, or it has no column of images or of labels.
        ParamsError: dataset.storage is files.
    """
    if params.storage == "files":
        raise ParamsError(
            f"params.yaml: dataset.storage is 'files'; {params.name} has no image files, so it "
            "must be auto or memory"
        )
    table = load_table(params)
    column = table.only("images", "image", lambda kind: is_kind(kind, "Image"))
    class_names, targets_N, problems = table.classes()
    return Source(
        class_names=class_names,
        targets_N=targets_N,
        sample_ids=table.sample_ids,
        given_splits=table.given_splits,
        inputs=TableImages(table, column, params.image_size),
        problems=problems,
    )
