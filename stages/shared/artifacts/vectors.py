"""The vectors of a split: data/prepared/<split>/vectors.npy.

Shapes: N samples, D numbers of a vector.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts.formats import Array, load_array, save_parts
from stages.shared.artifacts.prepared import Split


def save_vectors(
    prepared: Path,
    split: Split,
    dtype: npt.DTypeLike,
    shape: Sequence[int],
    parts: Iterable[Array],
) -> None:
    """Write the vectors of a split [N, D], float16 or float32, which come some at a time."""
    save_parts(prepared / split / "vectors.npy", dtype, shape, parts)


def load_vectors(prepared: Path, split: Split) -> Array:
    """Return the vectors of a split [N, D], float16 or float32, read from disk as they are used.

    Raises:
        ArtifactError: the file is missing, or holds something else.
    """
    return load_array(prepared / split / "vectors.npy", (np.float16, np.float32), (None, None))
