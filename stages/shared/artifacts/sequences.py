"""The texts of a split and their words: data/prepared/<split>/{text_*,token*}.npy.

Shapes: N samples, A numbers of all of them (bytes or words), W words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts.formats import Array, Ints, load_array, save_array, save_parts
from stages.shared.artifacts.prepared import Split
from stages.shared.errors import ArtifactError

ROWS_AT_A_TIME = 2**15  # that are gathered: tens of megabytes

Kind = Literal["text_bytes", "tokens"]
DTYPES: dict[Kind, npt.DTypeLike] = {"text_bytes": np.uint8, "tokens": np.int32}
OFFSETS: dict[Kind, str] = {"text_bytes": "text_offsets", "tokens": "token_offsets"}


@dataclass(frozen=True)
class Sequences:
    """N sequences of numbers, those of one after those of another."""

    value_A: Array
    offset_N1: Ints  # [N + 1]: sequence n is offset[n] to offset[n + 1]

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.offset_N1) - 1

    def __getitem__(self, row: int) -> Array:
        """Return one sequence."""
        return self.value_A[self.offset_N1[row] : self.offset_N1[row + 1]]

    def lengths(self, rows_N: Ints) -> Ints:
        """Return how many numbers some sequences have."""
        return self.offset_N1[rows_N + 1] - self.offset_N1[rows_N]

    def parts(self, rows_N: Ints) -> Iterator[Array]:
        """Yield the numbers of some sequences, in their order, those of many at a time."""
        for start in range(0, len(rows_N), ROWS_AT_A_TIME):
            some_B = rows_N[start : start + ROWS_AT_A_TIME]
            length_B = self.lengths(some_B)
            # Of each number its place, as if all stood together, added to how far they are moved.
            moved_B = self.offset_N1[some_B] - (np.cumsum(length_B) - length_B)
            yield self.value_A[np.arange(length_B.sum()) + np.repeat(moved_B, length_B)]


def save_sequences(
    prepared: Path, split: Split, kind: Kind, length_N: Ints, parts: Iterable[Array]
) -> None:
    """Write the texts of a split as UTF-8, or their words, whose numbers come in parts."""
    offset_N1 = np.concatenate([[0], np.cumsum(length_N)]).astype(np.int64)
    save_array(prepared / split / f"{OFFSETS[kind]}.npy", offset_N1)
    save_parts(prepared / split / f"{kind}.npy", DTYPES[kind], [offset_N1[-1]], parts)


def load_sequences(prepared: Path, split: Split, kind: Kind) -> Sequences:
    """Return the texts of a split as UTF-8, or their words, read from disk as they are used.

    Raises:
        ArtifactError: a file is missing, or they do not belong together.
    """
    path = prepared / split / f"{OFFSETS[kind]}.npy"
    offset_N1 = load_array(path, np.int64, (None,))
    if not len(offset_N1) or offset_N1[0] != 0 or (np.diff(offset_N1) < 0).any():
        raise ArtifactError(f"{path}: is {offset_N1[:5].tolist()}...; it must rise from 0")
    value_A = load_array(prepared / split / f"{kind}.npy", DTYPES[kind], (int(offset_N1[-1]),))
    return Sequences(value_A, offset_N1)
