"""The vectors of a data set as the prepared vectors of its splits.

Shapes: N samples, B some of them, D numbers of a vector.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.prepare.input_statistics import Fingerprint, Moments
from stages.shared import artifacts
from stages.shared.artifacts import Array, Ints, Split
from stages.shared.datasets.reading.source_vectors import SourceVectors
from stages.shared.settings.sections import Dataset

# Of the data, in the line that says what is wrong with it.
NEEDS = "every vector as many numbers, all of them finite"


class Writer:
    """Vectors are written some at a time, and hashed as they are."""

    def __init__(self, folder: Path, source: SourceVectors, params: Dataset) -> None:
        del params
        self.problems: list[str] = []
        self._folder = folder
        self._source = source
        self._moments = Moments(source.shape[0])

    def write_split(self, split: Split, rows_N: Ints, fingerprint: Fingerprint) -> None:
        """Write the vectors of these rows, which become the split."""
        shape = (len(rows_N), *self._source.shape)
        fingerprint.begin(self._source.dtype, shape)
        moments = self._moments if split == "train" else None
        parts = self._checked(rows_N, fingerprint, moments)
        artifacts.save_vectors(self._folder, split, self._source.dtype, shape, parts)

    def _checked(
        self, rows_N: Ints, fingerprint: Fingerprint, moments: Moments | None
    ) -> Iterator[Array]:
        for rows_B, part_BD in self._source.parts(rows_N):
            is_wrong_B = ~np.isfinite(part_BD).all(axis=1)
            self.problems += [
                f"{self._source.place_of(row)} holds a number that is not finite"
                for row in rows_B[is_wrong_B].tolist()
            ]
            if moments:
                moments.add(part_BD)
            fingerprint.add(part_BD)
            yield part_BD

    def described(self) -> dict[str, list[float] | list[int]]:
        """Return what meta.json says: how many numbers there are, their means and deviations."""
        mean_D, std_D = self._moments.mean_and_std()
        return {
            "input_shape": list(self._source.shape),
            "mean": mean_D.tolist(),
            "std": std_D.tolist(),
        }
