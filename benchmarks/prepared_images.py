"""Prepared images to train on and to predict: the first of a data set, or generated ones.

Shapes: N samples of a split, H x W x K pixels and channels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from commands.preset import presets
from stages.shared import artifacts
from stages.shared.artifacts import Ints, Meta, Split
from stages.shared.samples.loading import load_images
from stages.shared.samples.randomness import generator
from stages.shared.settings.sections import PredictPool
from stages.shared.settings.training_sections import TrainEnsemble

PRESET = "cifar10"
SHAPE = (32, 32, 3)  # of CIFAR-10
NUM_CLASSES = 10
NUM_VALIDATION = 100  # few: what is measured is the train split

Images = tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], Ints]


def write(
    folder: Path, num_train: int, source: Path | None = None, shape: Sequence[int] = SHAPE
) -> Meta:
    """Write prepared data of so many train samples; return its meta.json.

    Args:
        folder: data/prepared, to be made.
        num_train: N; a source may have fewer.
        source: prepared data, in memory or in files, of which the first samples are taken; None:
            generated noise.
        shape: H, W, K of generated images.
    """
    sizes: dict[Split, int] = {"train": num_train, "validation": NUM_VALIDATION}
    num_samples = {"test": 0}
    for split, size in sizes.items():
        inputs_NHWK, targets_N = (
            _load(source, split, size) if source else _noise(split, size, shape)
        )
        artifacts.save_array(folder / split / "inputs.npy", inputs_NHWK)
        artifacts.save_targets(folder, split, targets_N)
        artifacts.save_sample_ids(folder, split, [str(row) for row in range(len(targets_N))])
        num_samples[split] = len(targets_N)
    if source:
        meta = Meta(**{**vars(artifacts.load_meta(source)), "num_samples": num_samples})
    else:
        names = [str(number) for number in range(NUM_CLASSES)]
        flat = [0.5] * shape[-1], [0.29] * shape[-1]  # of uniform noise
        meta = Meta("image_classification", "generated", names, list(shape), *flat, num_samples, "")
    artifacts.save_meta(folder, meta)
    return meta


def _load(source: Path, split: Split, size: int) -> Images:
    inputs_NHWK = load_images(source, split)[:size]
    return np.array(inputs_NHWK), artifacts.load_targets(source, split)[:size]


def _noise(split: Split, size: int, shape: Sequence[int]) -> Images:
    rng = generator(0, f"generated {split}")
    inputs_NHWK = rng.integers(0, 256, (size, *shape), dtype=np.uint8)
    return inputs_NHWK, rng.integers(0, NUM_CLASSES, size)


def training_settings(changes: Sequence[str]) -> TrainEnsemble:
    """Return how presets/cifar10.yaml trains, with settings changed as in dvc's -S."""
    content = _preset(changes)
    return TrainEnsemble.model_validate(content["train_ensemble"])


def prediction_settings(changes: Sequence[str]) -> PredictPool:
    """Return how presets/cifar10.yaml predicts, with settings changed as in dvc's -S."""
    content = _preset(changes)
    return PredictPool.model_validate(content["predict_pool"])


def _preset(changes: Sequence[str]) -> dict[str, Any]:
    return presets.resolved(PRESET, changes)
