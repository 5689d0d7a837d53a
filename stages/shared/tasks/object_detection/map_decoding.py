"""Boxes from maps.

Shapes: B images, C classes, H x W positions of a map, A objects found in each image.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from stages.shared.tasks.object_detection.maps import NUM_BOX_VALUES, at_cells, boxes_at

MOST_OBJECTS = 100  # in an image, as COCO's metrics count them


class Found(NamedTuple):
    """Objects found in a batch of images, those of an image from the likeliest on."""

    corners_BA4: Tensor  # float32: left, top, right, bottom in pixels
    probs_BA: Tensor  # float32
    classes_BA: Tensor  # int64


def decode(maps_BKHW: Tensor, size: tuple[int, int]) -> Found:
    """Return the likeliest objects of each image: of each class the maxima among 3 x 3 positions.

    `maps_BKHW` are probabilities of the classes and values of the boxes, `size` is the images'
    height and width.
    """
    probs_BCHW = maps_BKHW[:, :-NUM_BOX_VALUES]
    is_peak_BCHW = F.max_pool2d(probs_BCHW, 3, stride=1, padding=1) == probs_BCHW
    # Others come last, not never: an image always has as many.
    peaks_BL = torch.where(is_peak_BCHW, probs_BCHW, 0).flatten(1)
    probs_BA, places_BA = peaks_BL.topk(min(MOST_OBJECTS, peaks_BL.shape[1]), dim=1)
    num_positions = maps_BKHW.shape[2] * maps_BKHW.shape[3]
    cells_BA = places_BA % num_positions
    values_BA4 = at_cells(maps_BKHW[:, -NUM_BOX_VALUES:], cells_BA)
    return Found(boxes_at(cells_BA, values_BA4, size), probs_BA, places_BA // num_positions)
