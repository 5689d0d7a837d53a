"""What the predictions of a detector are worth: mean average precision as COCO defines it.

Shapes: M members, T images of a split, B batch, A objects found in an image, G its true objects.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from stages.evaluate import jackknife
from stages.evaluate.average_precision import Images, Precision, measure
from stages.shared import artifacts, tasks
from stages.shared.artifacts import Checkpoint, Evaluation, Split
from stages.shared.errors import ArtifactError
from stages.shared.prediction import forward_passes
from stages.shared.settings.sections import Evaluate
from stages.shared.tasks.object_detection.map_decoding import Found, decode

PRECISION = "fp32"  # whatever they were trained in
METRICS = (
    "mean_average_precision",
    "mean_average_precision_50",
    "weighted_average_precision",
    "validation_mean_average_precision",
)
# Less likely objects are left out: they are many and hardly ever there.
LEAST_PROBABILITY = 0.01


def evaluate(
    prepared: Path, model: Path, checkpoints: Sequence[Checkpoint], settings: Evaluate
) -> Evaluation:
    """Predict validation and test with a checkpoint of each member; say what they are worth."""
    found = predict(prepared, "test", model, checkpoints, settings)
    truth = load_truth(prepared, "test")
    test = [measure(images, truth) for images in found]
    *members, ensemble = [
        {
            "mean_average_precision": precision.whole,
            "mean_average_precision_50": precision.at_50,
            "weighted_average_precision": precision.weighted,
            "validation_mean_average_precision": on_validation.whole,
        }
        for precision, on_validation in zip(
            test, _on_validation(prepared, model, checkpoints, settings), strict=True
        )
    ]
    groups_T = jackknife.groups(artifacts.load_sample_ids(prepared, "test"))
    return Evaluation(
        members=[
            {"member": checkpoint.member, "epoch": checkpoint.epoch, **values}
            for checkpoint, values in zip(checkpoints, members, strict=True)
        ],
        mean={name: float(np.mean([values[name] for values in members])) for name in METRICS},
        ensemble=ensemble,
        by_class=_by_class(test[:-1], truth, artifacts.load_meta(prepared).class_names),
        test_values_MT=np.stack(
            [jackknife.pseudo_values(images, truth, groups_T) for images in found[:-1]]
        ),
    )


def _on_validation(
    prepared: Path, model: Path, checkpoints: Sequence[Checkpoint], settings: Evaluate
) -> list[Precision]:
    truth = load_truth(prepared, "validation")
    found = predict(prepared, "validation", model, checkpoints, settings)
    return [measure(images, truth) for images in found]


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
