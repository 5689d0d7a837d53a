"""Embeddings of images, data/embeddings, which are a prepared data set of vectors.

Beside what such a data set holds (`prepared`, `vectors`) stand here what the images were, so that
copies and blank ones are known, and what the embedding cost.

Shapes: N samples.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.shared.artifacts.formats import Array, load_array, load_json, save_array, save_json
from stages.shared.artifacts.prepared import Split


def save_looks(embeddings: Path, split: Split, digest_N: Array, contrast_N: Array) -> None:
    """Write of each image the digest of its pixels, uint64 [N], and its contrast, uint8 [N].

    The contrast is the brightest value of all channels minus the darkest, in levels of 255.
    """
    save_array(embeddings / split / "digest_N.npy", digest_N)
    save_array(embeddings / split / "contrast_N.npy", contrast_N)


def load_looks(embeddings: Path, split: Split) -> tuple[Array, Array]:
    """Return the digest of each image's pixels, uint64 [N], and its contrast, uint8 [N].

    Raises:
        ArtifactError: a file is missing or holds something else.
    """
    return (
        load_array(embeddings / split / "digest_N.npy", np.uint64, (None,)),
        load_array(embeddings / split / "contrast_N.npy", np.uint8, (None,)),
    )


def save_cost(embeddings: Path, cost: Mapping[str, Any]) -> None:
    """Write which network embedded, and the floating-point operations of all samples."""
    save_json(embeddings / "cost.json", cost)


def load_flops(embeddings: Path) -> float:
    """Return the floating-point operations that the embedding took; 0 where there is none."""
    path = embeddings / "cost.json"
    return float(load_json(path)["flops"]) if path.exists() else 0.0
