"""The objects of a batch of images, or of a whole split, as tensors.

Shapes: N images, G places for objects in each, as many as the image with most of them needs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import BoxList, Ints, Split


@dataclass(frozen=True)
class Boxes:
    """Any number of objects in each of N images; places without one hold zeros."""

    corners_NG4: Tensor  # float32: left, top, right, bottom in pixels
    classes_NG: Tensor  # int64
    is_there_NG: Tensor  # bool
    size: tuple[int, int]  # height and width of the images, pixels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.classes_NG)

    def __getitem__(self, rows: Tensor | slice) -> "Boxes":
        """Return the objects of some of the images."""
        return Boxes(
            self.corners_NG4[rows], self.classes_NG[rows], self.is_there_NG[rows], self.size
        )

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.classes_NG.device

    @property
    def centres_NG2(self) -> Tensor:  # noqa: N802 - a shape suffix
        """The middle of each, x and y in pixels."""
        return (self.corners_NG4[..., :2] + self.corners_NG4[..., 2:]) / 2

    @property
    def edges_NG2(self) -> Tensor:  # noqa: N802 - a shape suffix
        """The width and height of each, in pixels."""
        return self.corners_NG4[..., 2:] - self.corners_NG4[..., :2]

    def counts_by_class(self, num_classes: int, copies_N: Tensor) -> Tensor:
        """Return how many objects each class has, each image as often as it is drawn, int64 [C]."""
        copies_NG = copies_N[:, None] * self.is_there_NG
        counts_C = torch.zeros(num_classes, dtype=torch.int64, device=self.device)
        return counts_C.index_add_(0, self.classes_NG.flatten(), copies_NG.flatten())


def load(prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None) -> Boxes:
    """Return the objects of all images of a split, or of the given rows, on the device."""
    listed = artifacts.load_boxes(prepared, split)
    height, width, _ = artifacts.load_meta(prepared).input_shape
    return padded(listed if rows_N is None else listed.of(rows_N), (height, width), device)


def padded(listed: BoxList, size: tuple[int, int], device: torch.device) -> Boxes:
    """Return listed objects, those of one image beside each other, on the device."""
    shape = (len(listed), int(listed.count_N.max(initial=0)))
    is_there_NG = np.arange(shape[1]) < listed.count_N[:, None]
    corners_NG4 = np.zeros((*shape, 4), dtype=np.float32)
    classes_NG = np.zeros(shape, dtype=np.int64)
    corners_NG4[is_there_NG] = listed.box_A4
    classes_NG[is_there_NG] = listed.class_A
    return Boxes(
        torch.from_numpy(corners_NG4).to(device),
        torch.from_numpy(classes_NG).to(device),
        torch.from_numpy(is_there_NG).to(device),
        size,
    )


def moved(boxes: Boxes, draws: Any, settings: object) -> Boxes:
    """Return the objects of augmented images, where `augmentation.augment` moves their pixels.

    An object whose middle leaves the image is none any more; others end at the image's border.
    """
    del settings  # without zoom, crop or flip the draws themselves change nothing
    height, width = boxes.size
    zoom_N1 = draws.zoom_N[:, None]
    down_N1, right_N1 = draws.shift_N2.split(1, dim=1)
    x_NG, y_NG = boxes.centres_NG2.unbind(2)
    # Seen from the middle of the window that the augmented image shows.
    x_NG = (x_NG - width / 2 - right_N1) * zoom_N1
    y_NG = (y_NG - height / 2 - down_N1) * zoom_N1 + height / 2
    x_NG = torch.where(draws.is_flipped_N[:, None], -x_NG, x_NG) + width / 2
    is_inside_NG = (x_NG >= 0) & (x_NG < width) & (y_NG >= 0) & (y_NG < height)
    return Boxes(
        corners(x_NG, y_NG, boxes.edges_NG2 * zoom_N1[:, None], boxes.size),
        boxes.classes_NG,
        boxes.is_there_NG & is_inside_NG,
        boxes.size,
    )


def corners(x_NG: Tensor, y_NG: Tensor, edges_NG2: Tensor, size: tuple[int, int]) -> Tensor:
    """Return boxes by their middles, widths and heights, as far as the image goes, [N, G, 4].

    Left, top, right, bottom in pixels; `size` is the image's height and width.
    """
    height, width = size
    half_width_NG, half_height_NG = (edges_NG2 / 2).unbind(2)
    clipped = [
        (x_NG - half_width_NG).clamp(0, width),
        (y_NG - half_height_NG).clamp(0, height),
        (x_NG + half_width_NG).clamp(0, width),
        (y_NG + half_height_NG).clamp(0, height),
    ]
    return torch.stack(clipped, dim=2)
