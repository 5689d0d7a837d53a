"""Prepared data made smaller or worse, for series of benchmarks/race_table.py.

    python -m benchmarks.changed_data data/prepared data/compressed

writes a copy whose training images went through JPEG once more, for benchmarks/bench_recipe.py.

Shapes: N samples, H x W x K pixels and channels.
"""

import argparse
import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from stages.shared import artifacts
from stages.shared.samples.randomness import generator

QUALITY = 75  # of the JPEG files of CIFAR-10 that the results are of
HALF_A_BLOCK = 4  # pixels


def halve(prepared: Path) -> None:
    """Make the images half as wide and high, each pixel the mean of four."""
    meta = artifacts.load_meta(prepared)
    height, width, num_channels = meta.input_shape
    shape = [height // 2, width // 2, num_channels]
    for split in artifacts.SPLITS:
        inputs_NHWK = artifacts.load_inputs(prepared, split)
        parts = np.asarray(inputs_NHWK).reshape(-1, shape[0], 2, shape[1], 2, num_channels)
        mean_NHWK = np.round(parts.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
        artifacts.save_array(prepared / split / "inputs.npy", mean_NHWK)
        if split == "train":
            values = mean_NHWK.reshape(-1, num_channels) / np.float32(255)
            mean, std = (getattr(values, name)(axis=0).tolist() for name in ("mean", "std"))
    halved = {"input_shape": shape, "mean": mean, "std": std}
    name = f"{meta.fingerprint}-halved"
    artifacts.save_meta(prepared, replace(meta, **halved, fingerprint=name))


def plant(prepared: Path, share: float) -> None:
    """Give a share of the train samples a label of another class; validation and test stay."""
    meta, rng = artifacts.load_meta(prepared), generator(0, "wrong labels")
    targets_N = artifacts.load_targets(prepared, "train").copy()
    chosen = rng.permutation(len(targets_N))[: round(share * len(targets_N))]
    shift = rng.integers(1, meta.num_classes, len(chosen))
    targets_N[chosen] = (targets_N[chosen] + shift) % meta.num_classes
    artifacts.save_targets(prepared, "train", targets_N)
    # Trainings on other labels are other trainings.
    artifacts.save_meta(prepared, replace(meta, fingerprint=f"{meta.fingerprint}-{share}"))


def compress(prepared: Path) -> None:
    """Put each train image through JPEG, with colours at half the resolution.

    The blocks lie half a block beside those of before, which would lose nothing more.
    """
    images_NHWK = np.array(artifacts.load_inputs(prepared, "train"))
    for place, image_HWK in enumerate(images_NHWK):
        file = io.BytesIO()
        moved = np.roll(image_HWK, (HALF_A_BLOCK, HALF_A_BLOCK), axis=(0, 1))
        Image.fromarray(moved).save(file, "JPEG", quality=QUALITY, subsampling="4:2:0")
        with Image.open(file) as found:
            back = (-HALF_A_BLOCK, -HALF_A_BLOCK)
            images_NHWK[place] = np.roll(np.asarray(found), back, axis=(0, 1))
    artifacts.save_array(prepared / "train/inputs.npy", images_NHWK)
    meta = artifacts.load_meta(prepared)
    artifacts.save_meta(prepared, replace(meta, fingerprint=f"{meta.fingerprint}-compressed"))


def main() -> None:
    """Write a copy of prepared data whose training images went through JPEG once more."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("copy", type=Path, help="is made")
    parsed = parser.parse_args()
    shutil.copytree(parsed.prepared, parsed.copy)
    compress(parsed.copy)


if __name__ == "__main__":
    main()
