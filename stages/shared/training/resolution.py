"""The size that images are trained at: smaller ones at first cost less (progressive resizing).

Shapes: B batch, K x H x W channels and pixels.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stages.shared.errors import ParamsError
from stages.shared.prediction.flops import forward_flops
from stages.shared.settings.training_sections import Resizing
from stages.shared.training.job import Job

Size = tuple[int, ...]  # height and width in pixels; texts have a length that stays as it is

# Sizes rise in so many steps of the edge: few shapes, for which kernels are chosen only once, and
# whole pixels where edges are multiples of 8.
STEPS = 8


class Resolution:
    """The size of the training images over a training.

    From `start` of the edge it rises linearly and reaches all of it at `until` of the updates
    (after Howard 2018, DAWNBench entry of fast.ai), in whole eighths of the edge, rounded down.
    """

    def __init__(
        self, settings: Resizing | str, image_shape: Sequence[int], num_updates: int
    ) -> None:
        self._settings = settings
        self._image_shape = image_shape
        self._num_updates = num_updates

    @property
    def full(self) -> Size:
        """The images' own size."""
        return self._scaled(STEPS)

    @property
    def sizes(self) -> list[Size]:
        """All sizes of the training, rising to the full one."""
        if isinstance(self._settings, str):
            return [self.full]
        return [self._scaled(step) for step in range(int(self._settings.start * STEPS), STEPS + 1)]

    def size(self, update: int) -> Size:
        """Return the size of the images of the update of this number (from 0)."""
        if isinstance(self._settings, str):
            return self.full
        start, end = self._settings.start, self._settings.until * self._num_updates
        if update >= end:
            return self.full
        return self._scaled(int(STEPS * (start + (1 - start) * update / end)))

    def _scaled(self, step: int) -> Size:
        edges = self._image_shape[:2]
        return tuple(max(1, (edge * step + STEPS // 2) // STEPS) for edge in edges)


def flops_by_size(resolution: Resolution, job: Job) -> dict[Size, int]:
    """Return what a forward pass of one image costs at each size of the training.

    Raises:
        ParamsError: the model does not read images of every size.
    """
    full = forward_flops(job.model, job.meta)
    try:
        smaller = {size: forward_flops(job.model, job.meta, size) for size in resolution.sizes[:-1]}
    except RuntimeError:  # what it is depends on the layer
        raise ParamsError(
            f"params.yaml: resolution starts with images of {resolution.sizes[0]} pixels; "
            f"it must be full, {job.model} does not read images of every size"
        ) from None
    return {**smaller, resolution.full: full}


def resize(inputs_BKHW: Tensor, size: Size) -> Tensor:
    """Return the images at this size, linearly interpolated with antialiasing; as they are if so.

    Of a smaller size each pixel is a weighted mean of all those under it.
    """
    if tuple(inputs_BKHW.shape[2:]) == size:
        return inputs_BKHW
    resized_BKHW = F.interpolate(inputs_BKHW, size, mode="bilinear", antialias=True)
    return resized_BKHW.contiguous(memory_format=torch.channels_last)
