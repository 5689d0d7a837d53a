"""Toy data and parameters that tests share."""

import json
import shutil
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from ruamel.yaml import YAML

from commands.preset import presets
from stages.shared import artifacts
from stages.shared.artifacts import Checkpoint, Ensemble, Meta, Subset
from stages.shared.settings.params import check_params
from stages.shared.settings.training_sections import TrainEnsemble, Training
from stages.shared.training.job import Job

ROOT = Path(__file__).parent.parent
DEFAULT = ROOT / "presets/default.yaml"  # nobody changes it, as they do params.yaml
DRAW = "seed-0"  # the first draw of its random seeds, as in paths
NUM_SAMPLES = {"train": 60, "validation": 20, "test": 20}
CLASS_NAMES = ["left", "right", "below"]


def images(
    num: int, rng: np.random.Generator, contrast: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """Return 8x8 images whose bright side is their class, and the classes."""
    targets = np.arange(num, dtype=np.int64) % 3
    pixels = rng.integers(0, 150, (num, 8, 8, 1)).astype(np.uint8)
    pixels[targets == 0, :, :4] += contrast
    pixels[targets == 1, :, 4:] += contrast
    pixels[targets == 2, 4:, :] += contrast
    return pixels, targets


def write_images(
    root: Path,
    made: tuple[np.ndarray, np.ndarray],
    form: str = "png",
    size: tuple[int, int] = (8, 8),
    mode: str = "L",
) -> None:
    """Write such images as files in a folder of each class."""
    for number, (image, target) in enumerate(zip(*made, strict=True)):
        path = root / CLASS_NAMES[target] / f"{number:03d}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).resize(size).convert(mode).save(path)


def write_prepared(folder: Path) -> None:
    """Write a prepared data set of 60 + 20 + 20 images in three classes."""
    rng = np.random.default_rng(0)
    for split, num in NUM_SAMPLES.items():
        pixels, targets = images(num, rng)
        artifacts.save_array(folder / split / "inputs.npy", pixels)
        artifacts.save_targets(folder, split, targets)
        artifacts.save_sample_ids(folder, split, [f"{split}-{row}" for row in range(num)])
    scaled = np.load(folder / "train/inputs.npy") / 255
    meta = Meta(
        task="image_classification",
        dataset="toy",
        class_names=CLASS_NAMES,
        input_shape=[8, 8, 1],
        mean=[float(scaled.mean())],
        std=[float(scaled.std())],
        num_samples=NUM_SAMPLES,
        fingerprint="toy",
    )
    artifacts.save_meta(folder, meta)


def picks(indices: list[int]) -> Subset:
    """Return a seed subset of the given rows."""
    num = len(indices)
    return Subset(
        np.array(indices, dtype=np.int64), np.zeros(num, dtype=np.int64), np.full(num, np.nan)
    )


def training(**changes: Any) -> TrainEnsemble:
    """Return how the default trains an ensemble, but for these keys."""
    return TrainEnsemble.model_validate(default_params()["train_ensemble"] | changes)


def job(prepared: Path, settings: Training, index: Sequence[int], **changes: Any) -> Job:
    """Return a training of `resnet8` on these rows from random weights, or with what is changed."""
    meta = artifacts.load_meta(prepared)
    usual = {
        "task": meta.task,
        "model": "resnet8",
        "learning_rate": 0.05,
        "random_seed": 7,
        "member": 0,
        "initial_weights": None,
        "track": "none",
    }
    index_P = picks(list(index)).index_P
    return Job(settings=settings, index_P=index_P, prepared=prepared, meta=meta, **usual | changes)


def job_of_params(
    prepared: Path, content: dict[str, Any], index: Sequence[int], model: str, **changes: Any
) -> Job:
    """Return a training as a params.yaml has it but for some keys; it notes gradient norms."""
    settings = check_params(content).train_ensemble.model_copy(update=changes)
    rate = settings.optimizer.learning_rate
    return job(prepared, settings, index, model=model, learning_rate=rate, track="gradient_norm")


def default_params() -> dict[str, Any]:
    """Return a params.yaml of two rounds without a race and with a single draw, to be changed."""
    return deepcopy(_default_params())


@cache  # reading it takes ten milliseconds
def _default_params() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(DEFAULT.read_text())
    return content | two_rounds(content)


def two_rounds(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what such a params.yaml changes of the default's, in whole sections."""
    return {
        "random_seeds": 1,
        "seed_size": 0.0625,
        "rounds": [{"from": 0.0625, "to": 0.125}, {"from": 0.125, "to": 0.25}],
        "dataset": content["dataset"] | {"num_folds": 5},
        "race": content["race"] | {"entrants": {}, "judges": 4, "holdout": 0.0},
        "train_subset_model": content["train_subset_model"]
        | {"members": 2, "length": {"updates": 300}},
    }


def resolved(name: str) -> dict[str, Any]:
    """Return the content of the params.yaml that a preset stands for, to be changed."""
    return deepcopy(_resolved(name))


_resolved = cache(presets.resolved)  # it takes twenty milliseconds


def set_values(content: Any, values: Mapping[str, object]) -> None:
    """Set values of a params.yaml by their names, in which `__` is a dot."""
    for name, value in values.items():
        section, key = place(content, name)
        section[key] = value


def place(content: Any, name: str) -> tuple[Any, Any]:
    """Return the section or list of a params.yaml in which a value of this name is, and its key."""
    parts = name.replace("__", ".").split(".")
    *sections, key = [int(part) if part.isdecimal() else part for part in parts]
    return reduce(getitem, sections, content), key


def write_pipeline(project: Path, content: Mapping[str, Any]) -> None:
    """Write what a run needs into an empty folder: these parameters, our stages, empty lists."""
    write_params(project, content)
    shutil.copy(ROOT / "dvc.yaml", project)
    (project / "stages").symlink_to(ROOT / "stages")


def write_ensemble(folder: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Write checkpoints of untrained models that are sure of some images and unsure of others."""
    import torch  # here: most tests need none

    from stages.shared import models
    from stages.shared.artifacts.weights import save_weights

    for number, checkpoint in enumerate(checkpoints):
        torch.manual_seed(number)
        model = models.build("resnet8", len(CLASS_NAMES), [8, 8, 1])
        with torch.no_grad():
            model.classifier.weight *= 20
        save_weights(folder / checkpoint.path, model)
    ensemble = Ensemble("resnet8", len(CLASS_NAMES), [8, 8, 1], list(checkpoints))
    artifacts.save_ensemble(folder, ensemble)


def passed_by_hand(
    prepared: Path, ensemble: Path, checkpoint: Checkpoint
) -> tuple[np.ndarray, np.ndarray]:
    """Return one checkpoint's features and logits of the train split, float64."""
    import torch  # here: most tests need none

    from stages.shared import models
    from stages.shared.artifacts.weights import load_weights
    from stages.shared.networks.batches import normalise

    model = models.build("resnet8", len(CLASS_NAMES), [8, 8, 1])
    load_weights(ensemble / checkpoint.path, model)
    images = torch.from_numpy(np.array(artifacts.load_inputs(prepared, "train")))
    inputs = normalise(images, artifacts.load_meta(prepared)).double()
    model.eval().double()
    with torch.inference_mode():
        return model.features(inputs).numpy(), model(inputs).numpy()


def write_params(folder: Path, content: Mapping[str, Any]) -> None:
    """Write a params.yaml, and the empty lists that it names where there are none."""
    (folder / "params.yaml").write_text(json.dumps(content))  # YAML 1.2 includes JSON
    for path in (ROOT / "lists").iterdir():
        if not (folder / "lists" / path.name).exists():
            (folder / "lists").mkdir(exist_ok=True)
            shutil.copy(path, folder / "lists")
