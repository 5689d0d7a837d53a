"""Distances between points of unit length that no number of threads changes.

The points lie on a grid, so fine that their products are just exact in float32: the number of
threads, which decides in what order a product is summed, decides no bit of a distance.

Shapes: D features, B and R points.
"""

from collections.abc import Iterator

import numpy as np

from stages.shared.artifacts import Array

LENGTH = 0.99  # a product of two points, and each part of it, is then below 1
GRID = 2.0**12  # and a whole number of GRID^-2, of which float32 holds all up to 1
LEAST_LENGTH = 1e-300  # nothing is divided by less
BLOCK_ENTRIES = 2**22  # of a matrix in working memory, about


def on_grid(points_BD: Array) -> Array:
    """Return the points at about LENGTH, float32 whole numbers of 1 / GRID; the origin stays."""
    grid_BD = np.empty(points_BD.shape, dtype=np.float32)
    for rows in blocks(
        len(points_BD), points_BD.shape[1], BLOCK_ENTRIES
    ):  # float64 takes twice the memory
        length_R = np.linalg.norm(points_BD[rows].astype(np.float64), axis=1)
        scale_R1 = (LENGTH * GRID / np.maximum(length_R, LEAST_LENGTH))[:, None]
        grid_BD[rows] = np.rint(points_BD[rows] * scale_R1) / GRID
    return grid_BD


def squared_distances(points_BD: Array, points_RD: Array, norm_R: Array) -> Array:
    """Return the squared distance of each two points on the grid, float32 [B, R]."""
    # A BLAS may compute with what lies beside short rows, and complain of it; the product is right.
    with np.errstate(invalid="ignore", over="ignore"):
        distance_BR = points_BD @ points_RD.T
    distance_BR *= -2
    distance_BR += norm_R
    distance_BR += squared_lengths(points_BD)[:, None]
    return distance_BR


def squared_lengths(points_BD: Array) -> Array:
    """Return the squared length of each point, float32 [B]."""
    norm_B: Array = np.einsum("bd,bd->b", points_BD, points_BD)
    return norm_B


def blocks(num_rows: int, num_columns: int, entries: int) -> Iterator[slice]:
    """Yield the rows of a matrix in blocks of about so many entries."""
    step = max(1, entries // max(1, num_columns))
    for first in range(0, num_rows, step):
        yield slice(first, first + step)
