"""The objects of images, where there may be any number in each: data/prepared/<split>/boxes_*.npy.

Shapes: N samples, A objects of all of them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts.formats import Ints, load_array, require_finite, save_array
from stages.shared.artifacts.prepared import Split, require_classes
from stages.shared.errors import ArtifactError


@dataclass(frozen=True)
class BoxList:
    """The objects of N images, those of one after those of another."""

    # Left, top, right, bottom in pixels of the prepared image; the width is right - left.
    box_A4: npt.NDArray[np.float32]
    class_A: Ints
    offset_N1: Ints  # [N + 1]: the objects of image n are rows offset[n] to offset[n + 1]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.offset_N1) - 1

    @property
    def count_N(self) -> Ints:  # noqa: N802 - a shape suffix
        """How many objects each image has."""
        return np.diff(self.offset_N1)

    def rows(self, image: int) -> slice:
        """Return which rows are the objects of an image."""
        return slice(int(self.offset_N1[image]), int(self.offset_N1[image + 1]))

    def of(self, rows_N: Ints) -> "BoxList":
        """Return the objects of some images, one of which may stand twice, in their order."""
        count_N = self.count_N[rows_N]
        offset_N1 = np.concatenate([[0], np.cumsum(count_N)]).astype(np.int64)
        # Of each object its place within its image, added to where those of the image begin.
        within_A = np.arange(offset_N1[-1]) - np.repeat(offset_N1[:-1], count_N)
        row_A = np.repeat(self.offset_N1[rows_N], count_N) + within_A
        return BoxList(self.box_A4[row_A], self.class_A[row_A], offset_N1)


def save_boxes(prepared: Path, split: Split, boxes: BoxList) -> None:
    """Write the objects of a split."""
    folder = prepared / split
    save_array(folder / "boxes_A4.npy", boxes.box_A4)
    save_array(folder / "box_classes_A.npy", boxes.class_A)
    save_array(folder / "box_offsets_N1.npy", boxes.offset_N1)


def load_boxes(prepared: Path, split: Split) -> BoxList:
    """Return the objects of a split.

    Raises:
        ArtifactError: a file is missing, or they do not belong together.
    """
    folder = prepared / split
    offset_N1 = load_array(folder / "box_offsets_N1.npy", np.int64, (None,))
    if not len(offset_N1) or offset_N1[0] != 0 or (np.diff(offset_N1) < 0).any():
        raise ArtifactError(
            f"{folder / 'box_offsets_N1.npy'}: is {offset_N1[:5].tolist()}...; it must rise from 0"
        )
    num = int(offset_N1[-1])
    box_A4 = load_array(folder / "boxes_A4.npy", np.float32, (num, 4))
    require_finite(folder / "boxes_A4.npy", box_A4)
    class_A = load_array(folder / "box_classes_A.npy", np.int64, (num,))
    require_classes(prepared, folder / "box_classes_A.npy", class_A)
    return BoxList(box_A4, class_A, offset_N1)


def load_train_boxes(prepared: Path) -> BoxList | None:
    """Return the objects of the train split; None where a sample has one label instead.

    Raises:
        ArtifactError: as load_boxes.
    """
    has_boxes = (prepared / "train/box_offsets_N1.npy").exists()
    return load_boxes(prepared, "train") if has_boxes else None
