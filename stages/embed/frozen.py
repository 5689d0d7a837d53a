"""A frozen network, and the images of a split through it.

Shapes: N samples of a split, B of a piece of work, D numbers of an embedding, H x W x K pixels and
channels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch

from stages.embed.kept import Kept, is_in, key_of
from stages.shared import artifacts, models
from stages.shared.artifacts import Array, Meta, Split
from stages.shared.artifacts.no_weights import has_weights
from stages.shared.artifacts.saved_embeddings import save_looks
from stages.shared.artifacts.weights import load_weights, read_weights
from stages.shared.errors import TrainingError
from stages.shared.networks import one_label
from stages.shared.networks.batches import normalise, on_device
from stages.shared.networks.determinism import deterministic
from stages.shared.networks.layers import LAST_LAYER, Classifier
from stages.shared.networks.library_networks import normalised_for
from stages.shared.networks.preprocessing import shown_images
from stages.shared.prediction.flops import forward_flops
from stages.shared.running import dispatch, engine, progress
from stages.shared.samples import loading
from stages.shared.samples.decoding import Pixels

# Images that go through the network together. The last ones are filled up: how many there are
# beside an image would decide its last bits, and so would what is kept from other runs.
BATCH = 64
SHARD = 8 * BATCH  # images that are decoded, embedded and kept together
PRECISION = "fp32"


@dataclass(frozen=True)
class Work:
    """What all shards of a split have in common."""

    prepared: Path
    meta: Meta
    model: str
    weights: bytes  # of the network; empty: random ones
    split: Split
    known: Array  # uint64, rising: digests of images that need no embedding


@dataclass(frozen=True)
class Part:
    """What is known of the images of a shard; those embedded anew have vectors."""

    rows: slice
    digest_B: Array  # uint64
    contrast_B: Array  # uint8
    is_new_B: Array  # bool
    vectors_BD: Array  # float16, of the new ones


class Frozen:
    """A network that embeds images, and what it has embedded before.

    Attributes:
        name: of everything that decides an embedding beside the image.
        flops: floating-point operations of one image.
        shown: what it sees of an image, for people.
    """

    def __init__(self, model: str, weights: Path, meta: Meta) -> None:
        self._model, self._meta = model, meta
        self._weights = read_weights(weights)
        network = network_of(model, self._weights, meta)
        self.name = key_of(model, self._weights, normalised_for(network, meta))
        self.shown = shown_images(model, network, meta)
        self.flops = forward_flops(model, meta)
        self._kept = Kept(self.name)

    def embed(self, prepared: Path, embeddings: Path, split: Split) -> None:
        """Write the vectors of a split, and what its images are."""
        num, kept = self._meta.num_samples[split], self._kept
        digest_N, contrast_N = np.empty(num, np.uint64), np.empty(num, np.uint8)
        for part in self._parts(prepared, split, num):
            digest_N[part.rows], contrast_N[part.rows] = part.digest_B, part.contrast_B
            kept.add(part.digest_B[part.is_new_B], part.vectors_BD)
        save_looks(embeddings, split, digest_N, contrast_N)
        index = kept.index()
        parts = (index.vectors(digest_N[rows]) for rows in _shards(num))
        shape = (num, kept.length)
        artifacts.save_vectors(embeddings, split, np.float16, shape, parts)

    def _parts(self, prepared: Path, split: Split, num: int) -> Iterator[Part]:
        known = self._kept.index().digest_A
        work = Work(prepared.absolute(), self._meta, self._model, self._weights, split, known)
        shards = _shards(num)
        pieces = [[shard] for shard in shards] if engine.on_cluster() else [shards]
        sized = ((len(part.digest_B), part) for part in dispatch.stream(embed_shards, work, pieces))
        return progress.shown(sized, num, split)


def _shards(num: int) -> list[slice]:
    return [slice(start, min(start + SHARD, num)) for start in range(0, num, SHARD)]


def embed_shards(work: Work, shards: Sequence[slice]) -> Iterator[Part]:
    """Yield what is known of the images of each shard. The piece of work, on a cluster elsewhere.

    Raises:
        TrainingError: a number of an embedding is not finite, or too large for float16.
    """
    torch.set_num_threads(engine.num_cores())
    engine.keep_freed_memory()
    with deterministic(True, engine.device_name()):  # what is kept must not change
        yield from _embedded_shards(work, shards)


def _embedded_shards(work: Work, shards: Sequence[slice]) -> Iterator[Part]:
    network = network_of(work.model, work.weights, work.meta).to(engine.device_name())
    meta = normalised_for(network, work.meta)
    images = loading.load_images(work.prepared, work.split)
    for rows, images_BHWK in zip(shards, loading.in_batches(images, shards), strict=True):
        digest_B = np.array([_digest(image_HWK) for image_HWK in images_BHWK], dtype=np.uint64)
        is_new_B = ~is_in(digest_B, work.known)
        flat_BA = images_BHWK.reshape(len(images_BHWK), -1)
        contrast_B = flat_BA.max(axis=1) - flat_BA.min(axis=1)
        vectors_BD = embedded(network, images_BHWK[is_new_B], meta)
        if not np.isfinite(vectors_BD).all():
            raise TrainingError(
                f"embed.model {work.model}: an embedding of the {work.split} split is not finite "
                "as float16; its weights must be of this network"
            )
        yield Part(rows, digest_B, contrast_B, is_new_B, vectors_BD)


def network_of(model: str, weights: bytes, meta: Meta) -> Classifier:
    """Return the network in evaluation mode.

    Raises:
        ArtifactError: the weights are of another one.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Classifier = models.build(model, meta.num_classes, meta.input_shape)
    if has_weights(len(weights)):
        load_weights(weights, network, may_lack=LAST_LAYER)
    return network.eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def embedded(network: Classifier, images_BHWK: Pixels, meta: Meta) -> Array:
    """Return the features of some images, float16 [B, D]."""
    device = network.classifier.weight.device
    found = [np.empty((0, network.classifier.in_features), np.float16)]
    for start in range(0, len(images_BHWK), BATCH):
        some = images_BHWK[start : start + BATCH]
        filled = np.concatenate([some, np.zeros((BATCH - len(some), *some.shape[1:]), np.uint8)])
        inputs_B = normalise(on_device(filled, device), meta)
        features_BD = one_label.features(network, inputs_B, PRECISION)[: len(some)]
        found.append(features_BD.cpu().numpy().astype(np.float16))
    return np.concatenate(found)


def _digest(image_HWK: Pixels) -> int:
    shape = repr(image_HWK.shape).encode()
    digest = blake2b(np.ascontiguousarray(image_HWK).data, digest_size=8, key=shape)
    return int.from_bytes(digest.digest(), "little")
