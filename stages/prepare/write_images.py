"""The images of a data set as the prepared images of its splits.

Shapes: N samples, B some of them, H x W x K pixels and channels.
"""

from pathlib import Path

import numpy as np

from stages.prepare import storage
from stages.prepare.input_statistics import Fingerprint, ValueCounts
from stages.shared.artifacts import Ints, Split
from stages.shared.datasets.reading.source_images import SourceImages
from stages.shared.running import progress
from stages.shared.settings.sections import Dataset

# Of the data, in the line that says what is wrong with it.
NEEDS = "every image must be readable and, without dataset.image_size, of one size"


class Writer:
    """Every image is read once: it is written, counted and hashed as it comes."""

    def __init__(self, folder: Path, images: SourceImages, params: Dataset) -> None:
        self.problems: list[str] = []  # with the images, as they come
        self._folder = folder
        self._images = images
        self._storage = storage.choose(params, images)
        self._root = params.root
        self._counts = ValueCounts(images.shape[-1])

    def write_split(self, split: Split, rows_N: Ints, fingerprint: Fingerprint) -> None:
        """Write the images of these rows, which become the split."""
        store = storage.open_store(
            self._storage, self._folder, split, self._images, rows_N, self._root
        )
        fingerprint.begin(np.uint8, (len(rows_N), *self._images.shape))
        decoded = ((len(part.images_BHWK), part) for part in self._images.read(rows_N))
        for images_BHWK, problems in progress.shown(decoded, len(rows_N), split):
            self.problems += problems
            store.add(images_BHWK)
            fingerprint.add(images_BHWK)
            if split == "train":
                self._counts.add(images_BHWK)
        store.finish()

    def described(self) -> dict[str, list[float] | list[int]]:
        """Return what meta.json says of the inputs: their shape, and train's mean and std."""
        mean_K, std_K = self._counts.mean_and_std()
        return {
            "input_shape": list(self._images.shape),
            "mean": mean_K.tolist(),
            "std": std_K.tolist(),
        }
