"""What the predictions of a detector are worth: mean average precision as COCO defines it.

Shapes: M members, T images of a split, B batch, A objects found in an image, G its true objects.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from stages.evaluate import above_chance, jackknife
from stages.evaluate.average_precision import Images, Precision, measure
from stages.shared import artifacts, tasks
from stages.shared.artifacts import ENSEMBLE, Checkpoint, Evaluation, Floats, Split
from stages.shared.errors import ArtifactError
from stages.shared.prediction import forward_passes
from stages.shared.settings.sections import Evaluate
from stages.shared.tasks.object_detection.map_decoding import Found, decode

PRECISION = "fp32"  # whatever they were trained in
# Of `Precision`.
PARTS = {
    "mean_average_precision": "whole",
    "mean_average_precision_50": "at_50",
    "weighted_average_precision": "weighted",
}
METRICS = (*PARTS, "validation_mean_average_precision", "above_chance")
# Less likely objects are left out: they are many and hardly ever there.
LEAST_PROBABILITY = 0.01


def evaluate(
    prepared: Path, model: Path, checkpoints: Sequence[Checkpoint], settings: Evaluate
) -> Evaluation:
    """Predict validation and test with a checkpoint of each member; say what they are worth."""
    splits: tuple[Split, Split] = ("test", "validation")
    found, validated = (predict(prepared, split, model, checkpoints, settings) for split in splits)
    truth, validation_truth = (load_truth(prepared, split) for split in splits)
    test = [measure(images, truth) for images in found]
    groups_T = jackknife.groups(artifacts.load_sample_ids(prepared, "test"))
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
    groups_T = jackknife.groups(artifacts.load_sample_ids(prepared, split))
    members = [jackknife.of_objects(images, truth, groups_T) for images in found]
    return {part: np.stack([values[part] for values in members]) for part in members[0]}


def predict(
    prepared: Path,
    split: Split,
    model: Path,
    checkpoints: Sequence[Checkpoint],
    settings: Evaluate,
) -> list[Images]:
    """Return what each member finds in each image, and at last their ensemble.

    The ensemble's maps are the mean of its members', taken in float64.
    """
    meta = artifacts.load_meta(prepared)
    height, width, _ = meta.input_shape
    batches = forward_passes.forward_passes(
        model, checkpoints, prepared, split, settings.batch_size, PRECISION
    )
    found: list[Images] = [[] for _ in range(len(checkpoints) + 1)]
    predicted = forward_passes.predict(tasks.load(meta.task), batches, settings.views)
    for _, maps_MBKHW in predicted:
        together_BKHW = maps_MBKHW.double().mean(dim=0).float()
        for images, maps_BKHW in zip(found, [*maps_MBKHW, together_BKHW], strict=True):
            images += _by_image(decode(maps_BKHW, (height, width)))
    return found


def _by_image(found: Found) -> Images:
    images = []
    for corners_A4, probs_A, classes_A in zip(*(part.cpu() for part in found), strict=True):
        is_likely_A = probs_A >= LEAST_PROBABILITY
        images.append(
            {
                "boxes": corners_A4[is_likely_A],
                "scores": probs_A[is_likely_A],
                "labels": classes_A[is_likely_A],
            }
        )
    return images


def load_truth(prepared: Path, split: Split) -> Images:
    """Return the objects of each image of a split.

    Raises:
        ArtifactError: there is none, and nothing that could be found.
    """
    listed = artifacts.load_boxes(prepared, split)
    if not len(listed.class_A):
        raise ArtifactError(f"{prepared / split}: has no object; precision needs one at least")
    corners_A4, classes_A = torch.tensor(listed.box_A4), torch.tensor(listed.class_A)
    return [
        {"boxes": corners_A4[listed.rows(image)], "labels": classes_A[listed.rows(image)]}
        for image in range(len(listed))
    ]


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
