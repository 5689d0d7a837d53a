"""Embeddings of images, data/embeddings, which are a prepared data set of vectors.

Beside what such a data set holds (`prepared`, `vectors`) stand here what the images were, so that
copies and blank ones are known, and what the embedding cost. Shards lie in the resume folder.

Shapes: N samples, B samples of a shard, D numbers of an embedding.
"""

from pathlib import Path

import numpy as np

from stages.shared.artifacts.formats import (
    Array,
    checked,
    load_array,
    load_json,
    save_array,
    save_json,
)
from stages.shared.artifacts.prepared import Split
from stages.shared.artifacts.shown_images import Shown
from stages.shared.errors import ArtifactError


def save_looks(embeddings: Path, split: Split, digest_N: Array, contrast_N: Array) -> None:
    """Write of each image the digest of its pixels, uint64 [N], and its contrast, uint8 [N].

    The contrast is the brightest value of all channels minus the darkest, in levels of 255.
    """
    save_array(embeddings / split / "digest_N.npy", digest_N)
    save_array(embeddings / split / "contrast_N.npy", contrast_N)


def load_digests(embeddings: Path, split: Split) -> Array:
    """Return the digest of each image's pixels, uint64 [N].

    Raises:
        ArtifactError: the file is missing or holds something else.
    """
    return load_array(embeddings / split / "digest_N.npy", np.uint64, (None,))


def load_contrasts(embeddings: Path, split: Split) -> Array:
    """Return the contrast of each image, uint8 [N].

    Raises:
        ArtifactError: the file is missing or holds something else.
    """
    return load_array(embeddings / split / "contrast_N.npy", np.uint8, (None,))


def save_flops(embeddings: Path, flops: float, shown: Shown | None = None) -> None:
    """Write the floating-point operations that embedding all samples takes, of images so shown."""
    told = {"shown": vars(shown)} if shown else {}
    save_json(embeddings / "cost.json", {"flops": flops, **told})


def load_shown_to_embed(embeddings: Path) -> Shown | None:
    """Return what the embedding network was shown; None: nobody embeds, or images as they are.

    Raises:
        ArtifactError: the file is missing or says something else.
    """
    path = embeddings / "cost.json"
    shown = load_json(path).get("shown")
    return checked(path, shown, Shown) if shown else None


def load_flops(embeddings: Path) -> float:
    """Return the floating-point operations that embedding all samples takes; 0: nobody embeds.

    Raises:
        ArtifactError: the file is missing or says something else.
    """
    path = embeddings / "cost.json"
    found = load_json(path).get("flops")
    if not isinstance(found, int | float):
        raise ArtifactError(f"{path}: flops is {found!r}; it must be a number")
    return float(found)


def save_shard(shard: Path, digest_B: Array, vectors_BD: Array) -> None:
    """Write the digests of some images, uint64 [B], and their embeddings, float16 [B, D]."""
    save_array(shard / "digest_B.npy", digest_B)
    save_array(shard / "vectors_BD.npy", vectors_BD)


def load_shard(shard: Path) -> tuple[Array, Array]:
    """Return the digests of some images, uint64 [B], and their embeddings, float16 [B, D].

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    digest_B = load_array(shard / "digest_B.npy", np.uint64, (None,))
    return digest_B, load_array(shard / "vectors_BD.npy", np.float16, (len(digest_B), None))
