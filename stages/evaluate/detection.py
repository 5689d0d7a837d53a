"""What the predictions of a detector are worth: mean average precision as COCO defines it.

Shapes: M members, T images of a split, B batch, A objects found in an image, G its true objects.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from stages.evaluate import above_chance
from stages.shared import artifacts, tasks
from stages.shared.artifacts import ENSEMBLE, Checkpoint, Evaluation, Floats, Split
from stages.shared.measuring import found_objects, jackknife, user_groups
from stages.shared.measuring.average_precision import Images, Precision, measure
from stages.shared.measuring.found_objects import PARTS, load_truth
from stages.shared.prediction import forward_passes
from stages.shared.settings.sections import Evaluate

PRECISION = "fp32"  # whatever they were trained in
METRICS = (*PARTS, "validation_mean_average_precision", "above_chance")


def evaluate(
    prepared: Path, model: Path, checkpoints: Sequence[Checkpoint], settings: Evaluate
) -> Evaluation:
    """Predict validation and test with a checkpoint of each member; say what they are worth."""
    splits: tuple[Split, Split] = ("test", "validation")
    found, validated = (predict(prepared, split, model, checkpoints, settings) for split in splits)
    truth, validation_truth = (load_truth(prepared, split) for split in splits)
    test = [measure(images, truth) for images in found]
    group_T = user_groups.of_split(prepared, "test")
    groups_T = jackknife.groups(artifacts.load_sample_ids(prepared, "test"), group_T)
    chance_MT = [above_chance.of_objects(images, truth, groups_T) for images in found]
    *members, ensemble = [
        {
            **{name: getattr(precision, part) for name, part in PARTS.items()},
            "validation_mean_average_precision": measure(images, validation_truth).whole,
            "above_chance": float(chance_T.mean()),
        }
        for precision, images, chance_T in zip(test, validated, chance_MT, strict=True)
    ]
    of_test = _pseudo_values(prepared, "test", found, truth)
    of_validation = _pseudo_values(prepared, "validation", validated[:-1], validation_truth)
    return Evaluation(
        members=[
            {"member": checkpoint.member, "epoch": checkpoint.epoch, **values}
            for checkpoint, values in zip(checkpoints, members, strict=True)
        ],
        mean={name: float(np.mean([values[name] for values in members])) for name in METRICS},
        ensemble=ensemble,
        by_class=_by_class(test[:-1], truth, artifacts.load_meta(prepared).class_names),
        values={
            **{name: of_test[part][:-1] for name, part in PARTS.items()},
            **{f"{ENSEMBLE}{name}": of_test[part][-1:] for name, part in PARTS.items()},
            "validation_mean_average_precision": of_validation["whole"],
            "above_chance": np.stack(chance_MT[:-1]),
        },
    )


def _pseudo_values(
    prepared: Path, split: Split, found: Sequence[Images], truth: Images
) -> dict[str, Floats]:
    """Return the pseudo-values of each row of `found` and group of images, by metric."""
    sample_ids = artifacts.load_sample_ids(prepared, split)
    group_T = user_groups.of_split(prepared, split)
    return found_objects.pseudo_values(sample_ids, group_T, found, truth)


def predict(
    prepared: Path,
    split: Split,
    model: Path,
    checkpoints: Sequence[Checkpoint],
    settings: Evaluate,
) -> list[Images]:
    """Return what each member finds in each image, and at last their ensemble."""
    meta = artifacts.load_meta(prepared)
    batches = forward_passes.forward_passes(
        model, checkpoints, prepared, split, settings.batch_size, PRECISION
    )
    predicted = forward_passes.predict(tasks.load(meta.task), batches, settings.views)
    return found_objects.found_in(predicted, len(checkpoints), meta.input_shape)


def _by_class(
    members: Sequence[Precision], truth: Images, class_names: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """Return how many objects of a class there are, and the members' mean average precision."""
    labels = torch.cat([image["labels"] for image in truth])
    counts = torch.bincount(labels, minlength=len(class_names)).tolist()
    return {
        name: {
            "num": num,
            "mean_average_precision": float(np.mean([each.by_class[label] for each in members]))
            if num
            else None,
        }
        for label, (name, num) in enumerate(zip(class_names, counts, strict=True))
    }
