"""Embed the images of all splits by a frozen network."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Array, Floats, Meta
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.saved_embeddings import load_digests, save_flops
from stages.shared.running import command
from stages.shared.settings.params import load_params

TASK = "vector_classification"  # what the embeddings are data for
BLOCK = 4096  # vectors at a time


def main(prepared: Path, weights: Path, embeddings: Path) -> None:
    """Embed the images of all splits, or write that there is nothing."""
    model = load_params().embed.model
    with atomic_folder(embeddings) as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        if model == "none":
            for split in SPLITS:  # DVC warns of empty folders
                artifacts.save_json(folder / split / "none.json", {})
            artifacts.save_json(folder / "meta.json", {})
            save_flops(folder, 0)
            return
        from stages.embed.frozen import Frozen  # here, because it needs torch

        meta = artifacts.load_meta(prepared)
        frozen = Frozen(model, weights, meta)
        for split in SPLITS:
            frozen.embed(prepared, folder, split)
            for name in ("targets.npy", "sample_ids.csv", "groups.npy"):
                if (prepared / split / name).exists():  # groups are there if the user has some
                    shutil.copyfile(prepared / split / name, folder / split / name)
        save_flops(folder, frozen.flops * sum(meta.num_samples.values()), frozen.shown)
        artifacts.save_meta(folder, _meta(meta, frozen.name, folder))


def _meta(meta: Meta, name: str, folder: Path) -> Meta:
    """Return the description of the embeddings as a data set of vectors."""
    vectors_ND = artifacts.load_vectors(folder, "train")
    mean_D, std_D = _mean_and_std(vectors_ND)
    # The network and the pixels decide the vectors.
    known = hashlib.blake2b(f"{name} {meta.fingerprint}".encode(), digest_size=16)
    for split in ("train", "validation"):
        known.update(load_digests(folder, split).data)
    return replace(
        meta,
        task=TASK,
        input_shape=[vectors_ND.shape[1]],
        mean=mean_D.tolist(),
        std=std_D.tolist(),
        fingerprint=known.hexdigest(),
    )


def _mean_and_std(vectors_ND: Array) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each number, float64 [D]."""
    parts = range(0, len(vectors_ND), BLOCK)
    mean_D, squares_D = np.zeros((2, vectors_ND.shape[1]))
    for start in parts:
        mean_D += vectors_ND[start : start + BLOCK].astype(np.float64).sum(axis=0)
    mean_D /= len(vectors_ND)
    for start in parts:
        squares_D += ((vectors_ND[start : start + BLOCK] - mean_D) ** 2).sum(axis=0)
    return mean_D, np.sqrt(squares_D / len(vectors_ND))


if __name__ == "__main__":
    command.run(main)
