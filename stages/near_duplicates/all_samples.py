"""What is compared: the vectors of all splits one after the other, and what copies share.

Shapes: N samples of all splits, D numbers of a vector, B of the samples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from stages.near_duplicates.similar_pairs import BLOCK
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Array, Ints, Split
from stages.shared.artifacts.saved_embeddings import load_contrasts, load_digests

LEAST_CONTRAST = 8  # levels of 255 between the darkest and the brightest: less is a blank image


@dataclass(frozen=True)
class Stacked:
    """The arrays of several splits as one, read as it is used."""

    arrays: Sequence[Array]

    @property
    def shape(self) -> tuple[int, int]:
        """N, D."""
        return len(self), self.arrays[0].shape[1]

    def __len__(self) -> int:
        """Return N."""
        return sum(map(len, self.arrays))

    def __getitem__(self, rows: Ints | slice) -> Array:
        """Return some of the vectors [B, D]; float32 unless all are float16."""
        row_B = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows
        first_A = np.cumsum([0, *map(len, self.arrays)])
        array_B = np.searchsorted(first_A, row_B, side="right") - 1
        dtype = np.result_type(*(each.dtype for each in self.arrays))
        found_BD = np.empty((len(row_B), self.shape[1]), dtype)
        for number in np.unique(array_B):
            here_B = array_B == number
            found_BD[here_B] = self.arrays[number][row_B[here_B] - first_A[number]]
        return found_BD


@dataclass(frozen=True)
class Compared:
    """All samples, train first, then validation and test."""

    vectors_ND: Stacked
    digest_N: Array  # uint64: equal ones are copies
    is_blank_N: Array  # bool


def load(folder: Path, *, are_images: bool) -> Compared:
    """Return what is compared: embeddings of images, or a prepared data set of vectors.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    vectors_ND = Stacked([artifacts.load_vectors(folder, split) for split in SPLITS])
    look = _of_images if are_images else _of_vectors
    looks = [look(folder, split) for split in SPLITS]
    digest_N, is_blank_N = (np.concatenate(parts) for parts in zip(*looks, strict=True))
    return Compared(vectors_ND, digest_N, is_blank_N)


def _of_images(folder: Path, split: Split) -> tuple[Array, Array]:
    return load_digests(folder, split), load_contrasts(folder, split) < LEAST_CONTRAST


def _of_vectors(folder: Path, split: Split) -> tuple[Array, Array]:
    """Return the digest of each vector, and whether all of its numbers are the same."""
    vectors_ND = artifacts.load_vectors(folder, split)
    parts = [_look(part_BD) for part_BD in _parts(vectors_ND)]
    if not parts:
        return np.empty(0, np.uint64), np.empty(0, np.bool_)
    digests, blanks = zip(*parts, strict=True)
    return np.concatenate(digests), np.concatenate(blanks)


def _parts(vectors_ND: Array) -> Iterator[Array]:
    for start in range(0, len(vectors_ND), BLOCK):
        yield np.ascontiguousarray(vectors_ND[start : start + BLOCK])


def _look(part_BD: Array) -> tuple[Array, Array]:
    digests = b"".join(blake2b(row_D, digest_size=8).digest() for row_D in part_BD)
    return np.frombuffer(digests, dtype="<u8"), part_BD.max(axis=1) == part_BD.min(axis=1)
