"""Average precision through torchmetrics, as COCO defines it.

Shapes: A objects found in an image, G its true objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

# Of each image: `boxes` float32 [A, 4] or [G, 4], left, top, right, bottom in pixels, `labels`
# int64, and `scores` float32 of what was found.
Images = list[dict[str, Tensor]]

# Of COCO's sizes, areas below 32^2 pixels, below 96^2 and above: the larger the more it counts.
SIZE_WEIGHTS = {"map_small": 1.0, "map_medium": 2.0, "map_large": 3.0}


@dataclass(frozen=True)
class Precision:
    """Mean average precision over the classes that have objects, in [0, 1]."""

    whole: float  # the mean over IoU 0.5, 0.55, ..., 0.95
    at_50: float  # at IoU 0.5
    weighted: float  # over sizes
    by_class: dict[int, float]  # of those that have objects


def measure(found: Images, truth: Images) -> Precision:
    """Return how precise what was found is; `truth` holds one object at least."""
    from torchmetrics.detection import MeanAveragePrecision  # here: the import takes seconds

    metric = MeanAveragePrecision(backend="faster_coco_eval", extended_summary=True)
    metric.update(found, truth)
    result = metric.compute()
    return Precision(
        whole=float(result["map"]),
        at_50=float(result["map_50"]),
        weighted=weighted({size: float(result[size]) for size in SIZE_WEIGHTS}),
        by_class=_by_class(result),
    )


def weighted(by_size: Mapping[str, float]) -> float:
    """Return the mean over the sizes with weights 1, 2 and 3, large objects first.

    Chitta et al. 2020, section 5, prioritise large objects and do not say by how much. A size
    without objects, -1 here, is left out and the others' weights grow, so that 1 can be reached.
    """
    present = [size for size in SIZE_WEIGHTS if by_size[size] >= 0]
    total = sum(SIZE_WEIGHTS[size] for size in present)
    return sum(SIZE_WEIGHTS[size] * by_size[size] for size in present) / total


def _by_class(result: Mapping[str, Tensor]) -> dict[int, float]:
    # IoU, recall, class, size (the first: all), most objects in an image (the last: 100).
    precision_C = result["precision"][:, :, :, 0, -1].double().mean(dim=(0, 1))
    classes_C = result["classes"].reshape(-1)  # of one class it is a number
    by_class = zip(classes_C.tolist(), precision_C.tolist(), strict=True)
    return {label: value for label, value in by_class if value >= 0}  # -1 without objects
