"""Embeddings that are kept in the resume folder, by what decides them: image and network.

Each shard is a folder of digests and vectors that appears whole. Shards are never changed, so what
was embedded before a run was killed is found by the next one, and so is what other splits and
smaller data sets had.

Shapes: B images, D numbers of an embedding, A all that are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from stages.shared import artifacts
from stages.shared.artifacts import Array, Ints, Meta
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.saved_embeddings import load_shard, save_shard
from stages.shared.members.fingerprints import code_fingerprint, fingerprint
from stages.shared.running import engine, resume_folder

HERE = Path(__file__).parent
SHARED = Path(artifacts.__file__).parents[1]
# Code that decides an embedding, beside the model's file.
CODE = (
    "networks/batches.py",
    "networks/layers.py",
    "networks/library_networks.py",
    "networks/one_label.py",
    "networks/preprocessing.py",
    "samples/decoding.py",
    "samples/decoding_ahead.py",
    "samples/loading.py",
)


def key_of(model: str, weights: bytes, meta: Meta) -> str:
    """Return a name for everything that decides an embedding beside the image's pixels."""
    code = [
        HERE / "frozen.py",
        *(SHARED / name for name in CODE),
        SHARED / "models" / meta.task / f"{model}.py",
    ]
    return fingerprint(
        {
            "code": code_fingerprint(code),
            "device": engine.device_name(),
            "input_shape": meta.input_shape,
            "mean": meta.mean,
            "model": model,
            "processor": torch.backends.cpu.get_cpu_capability(),
            "std": meta.std,
            "timm": version("timm"),
            "torch": version("torch"),
            "torchvision": version("torchvision"),
            "weights": blake2b(weights, digest_size=16).hexdigest(),
        }
    )


class Kept:
    """The embeddings of one network."""

    def __init__(self, name: str) -> None:
        self._folder = resume_folder.folder() / "embeddings" / name
        shards = sorted(self._folder.glob("[!.]*")) if self._folder.is_dir() else []
        # Of each its digests and where it lies: thousands of files cannot be open at once.
        self._shards = [(np.array(load_shard(shard)[0]), shard) for shard in shards]

    @property
    def length(self) -> int:
        """D; 0 where nothing is kept."""
        return int(load_shard(self._shards[0][1])[1].shape[1]) if self._shards else 0

    def add(self, digest_B: Array, vectors_BD: Array) -> None:
        """Keep some embeddings."""
        if len(digest_B):
            shard = self._folder / blake2b(digest_B.tobytes(), digest_size=16).hexdigest()
            with atomic_folder(shard, keep_first=True) as folder:
                save_shard(folder, digest_B, vectors_BD)
            self._shards.append((np.array(load_shard(shard)[0]), shard))

    def index(self) -> "Index":
        """Return where the embedding of each image is by now."""
        digest_A = np.concatenate(
            [np.empty(0, np.uint64), *(digests for digests, _ in self._shards)]
        )
        known_A, place_A = np.unique(digest_A, return_index=True)  # of several the first
        first_S = np.cumsum([0, *(len(digests) for digests, _ in self._shards)])
        return Index(known_A, place_A, first_S, [shard for _, shard in self._shards], self.length)


@dataclass(frozen=True)
class Index:
    """Where the embedding of each image is."""

    digest_A: Array  # uint64, rising
    place_A: Ints  # of each in the shards, one after the other
    first_S: Ints  # place of each shard, and their end
    shards: Sequence[Path]
    length: int  # D

    def vectors(self, digest_B: Array) -> Array:
        """Return the embeddings of some images, all of which are kept, float16 [B, D]."""
        place_B = self.place_A[np.searchsorted(self.digest_A, digest_B)]
        shard_B = np.searchsorted(self.first_S, place_B, side="right") - 1
        found_BD = np.empty((len(digest_B), self.length), np.float16)
        for shard in np.unique(shard_B).tolist():
            here_B = shard_B == shard
            _, vectors_BD = load_shard(self.shards[shard])
            found_BD[here_B] = vectors_BD[place_B[here_B] - self.first_S[shard]]
        return found_BD


def is_in(digest_B: Array, known_A: Array) -> Array:
    """Return which digests are among some that rise, bool [B]."""
    if not len(known_A):
        return np.zeros(len(digest_B), np.bool_)
    place_B = np.minimum(np.searchsorted(known_A, digest_B), len(known_A) - 1)
    found: Array = known_A[place_B] == digest_B
    return found
