"""Boxes as what a model says at the positions of a map, and back.

Position (i, j) of a map stands for the square of `STRIDE` x `STRIDE` pixels whose left upper corner
is pixel (i x STRIDE, j x STRIDE). It says for each class whether a box of that class has its centre
in the square, and, for all classes alike, which box: one box suffices, since two objects rarely
have their centres in one square, and the rare classes then learn from the boxes of the others.

Shapes: B images, G places for objects in each, C classes, H x W positions of a map.
"""

import torch
from torch import Tensor

from stages.shared.tasks.object_detection.box_targets import Boxes, corners

STRIDE = 8  # pixels
# Of a box: how far its centre lies from that of the square to the right and below, then the
# logarithms of its width and height; all lengths in strides.
NUM_BOX_VALUES = 4
LEAST_EDGE = 1.0  # pixels; a thinner box is learnt as if it had as many


def map_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the map of an image of this height and width."""
    height, width = size
    return -(-height // STRIDE), -(-width // STRIDE)


def cells(boxes: Boxes) -> Tensor:
    """Return at which position, row by row, each object has its centre, int64 [B, G].

    A place without an object has position 0.
    """
    height, width = map_size(boxes.size)
    column_BG, row_BG = (boxes.centres_NG2 / STRIDE).long().unbind(2)
    cells_BG = row_BG.clamp(max=height - 1) * width + column_BG.clamp(max=width - 1)
    return cells_BG * boxes.is_there_NG


def class_maps(boxes: Boxes, num_classes: int) -> Tensor:
    """Return 1 where a box of the class has its centre and 0 elsewhere, float32 [B, C, H, W]."""
    height, width = map_size(boxes.size)
    place_BG = boxes.classes_NG * (height * width) + cells(boxes)
    nowhere = num_classes * height * width  # one place more, for what is no object
    maps_BL = torch.zeros(len(boxes), nowhere + 1, device=boxes.device)
    maps_BL.scatter_(1, place_BG.masked_fill(~boxes.is_there_NG, nowhere), 1.0)
    return maps_BL[:, :nowhere].view(-1, num_classes, height, width)


def box_values(boxes: Boxes) -> Tensor:
    """Return what the position of each object's centre is to say of its box, [B, G, 4]."""
    centres_BG2 = boxes.centres_NG2 / STRIDE
    return torch.cat(
        [
            centres_BG2 - centres_BG2.floor() - 0.5,
            (boxes.edges_NG2.clamp(min=LEAST_EDGE) / STRIDE).log(),
        ],
        dim=2,
    )


def at_cells(values_BKHW: Tensor, cells_BG: Tensor) -> Tensor:
    """Return the values at one position for each object, [B, G, K]."""
    flat_BKL = values_BKHW.flatten(2)
    index_BKG = cells_BG[:, None].expand(-1, flat_BKL.shape[1], -1)
    return flat_BKL.gather(2, index_BKG).transpose(1, 2)


def boxes_at(cells_BG: Tensor, values_BG4: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the boxes of which some positions speak, as far as the image goes, [B, G, 4].

    Left, top, right, bottom in pixels; `size` is the image's height and width.
    """
    _, width = map_size(size)
    x_BG = (cells_BG % width + 0.5 + values_BG4[..., 0]) * STRIDE
    y_BG = (cells_BG // width + 0.5 + values_BG4[..., 1]) * STRIDE
    return corners(x_BG, y_BG, values_BG4[..., 2:].exp() * STRIDE, size)
