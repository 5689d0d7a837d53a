"""What detectors find, what is there, and what groups of images say of the metrics.

Shapes: M members, T images, B batch, A objects found in an image, G its true objects.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stages.shared import artifacts
from stages.shared.artifacts import Floats, Ints, Split
from stages.shared.errors import ArtifactError
from stages.shared.measuring import jackknife
from stages.shared.measuring.average_precision import Images
from stages.shared.tasks.object_detection.map_decoding import Found, decode

# Of `average_precision.Precision`, by metric.
PARTS = {
    "mean_average_precision": "whole",
    "mean_average_precision_50": "at_50",
    "weighted_average_precision": "weighted",
}
# Less likely objects are left out: they are many and hardly ever there.
LEAST_PROBABILITY = 0.01


def found_in(
    predicted: Iterable[tuple[Any, torch.Tensor]], num_members: int, input_shape: Sequence[int]
) -> list[Images]:
    """Return what each member finds in each image, and at last their ensemble.

    The ensemble's maps are the mean of its members', taken in float64.
    """
    height, width, _ = input_shape
    found: list[Images] = [[] for _ in range(num_members + 1)]
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


def pseudo_values(
    sample_ids: Sequence[str], group_T: Ints | None, found: Sequence[Images], truth: Images
) -> dict[str, Floats]:
    """Return the pseudo-values of each member and group of images, [M, groups], by part.

    The user's groups, `group_T`, stay together in these.
    """
    groups_T = jackknife.groups(sample_ids, group_T)
    members = [jackknife.of_objects(images, truth, groups_T) for images in found]
    return {part: np.stack([values[part] for values in members]) for part in members[0]}
