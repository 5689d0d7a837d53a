"""Pairs of samples whose vectors point nearly the same way.

Products are those of float32 matrices; where one of them comes so close to the threshold that
rounding could decide, it is taken again in float64, so that no number of threads decides a pair.

Shapes: N samples, D numbers of a vector, K rows that are compared, B of them at a time, P pairs.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from stages.shared.artifacts import Array, Floats, Ints

MOST_EXACT = 100_000  # samples of which every pair is compared: a few minutes on two cores
BLOCK = 4096  # rows at a time: their products take 64 MiB
ROUNDING = 1e-5  # of a cosine in float32, at most


class Vectors(Protocol):
    """Vectors that are indexed as an array is [N, D]."""

    @property
    def shape(self) -> tuple[int, ...]:
        """N, D."""

    def __len__(self) -> int:
        """Return N."""

    def __getitem__(self, rows: Any, /) -> Any:
        """Return some of the vectors [B, D]."""


def similar_pairs(vectors_ND: Vectors, row_K: Ints, threshold: float) -> Iterator[Ints]:
    """Yield the pairs of these rows with a cosine of at least `threshold`, int64 [P, 2]."""
    blocks = [row_K[start : start + BLOCK] for start in range(0, len(row_K), BLOCK)]
    for number, first_B in enumerate(blocks):
        unit_BD = unit(vectors_ND[first_B])
        for second_B in blocks[number:]:
            same = second_B is first_B
            product_BB = unit_BD @ (unit_BD if same else unit(vectors_ND[second_B])).T
            place_P, other_P = np.nonzero(product_BB >= threshold - ROUNDING)
            if same:
                above = place_P < other_P
                place_P, other_P = place_P[above], other_P[above]
            if len(place_P):
                product_P = product_BB[place_P, other_P]
                pairs_P2 = np.stack([first_B[place_P], second_B[other_P]], axis=1)
                yield pairs_P2[_decided(vectors_ND, pairs_P2, product_P, threshold)]


def unit(vectors_BD: Array) -> Array:
    """Return vectors of length 1, float32 [B, D]; one of length 0 stays."""
    unit_BD = vectors_BD.astype(np.float32)
    length_B = np.sqrt(np.einsum("bd,bd->b", unit_BD, unit_BD))
    unit_BD /= np.where(length_B > 0, length_B, 1)[:, None]
    return unit_BD


def _decided(
    vectors_ND: Vectors, pairs_P2: Ints, product_P: Array, threshold: float
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which pairs are at the threshold or above, bool [P]."""
    is_similar_P = product_P >= threshold
    near = np.flatnonzero(np.abs(product_P - threshold) <= ROUNDING)
    for start in range(0, len(near), BLOCK):
        some = near[start : start + BLOCK]
        is_similar_P[some] = cosine(vectors_ND, pairs_P2[some]) >= threshold
    return is_similar_P


def cosine(vectors_ND: Vectors, pairs_P2: Ints) -> Floats:
    """Return the cosine of each pair, float64 [P]; of a vector of length 0 it is 0."""
    first_PD, second_PD = (vectors_ND[row_P].astype(np.float64) for row_P in pairs_P2.T)
    square_P = _dots(first_PD, first_PD) * _dots(second_PD, second_PD)
    out_P = np.zeros(len(pairs_P2))
    return np.divide(_dots(first_PD, second_PD), np.sqrt(square_P), out=out_P, where=square_P > 0)


def _dots(first_PD: Floats, second_PD: Floats) -> Floats:
    dots_P: Floats = np.einsum("pd,pd->p", first_PD, second_PD)
    return dots_P
