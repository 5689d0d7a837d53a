"""Floating-point operations: the same on every machine, so costs can be compared."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from stages.shared import models
from stages.shared.artifacts import Meta

# A backward pass costs twice a forward pass: one product for the inputs, one for the weights.
TRAINING_COST = 3


def forward_flops(model: str, meta: Meta) -> int:
    """Return the floating-point operations of one image's forward pass."""
    height, width, channels = meta.image_shape
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        net = models.build(model, meta.num_classes, meta.image_shape).eval()
        net(torch.empty(1, channels, height, width))
    return counter.get_total_flops()
