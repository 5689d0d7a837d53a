"""Floating-point operations: the same on every machine, so costs can be compared."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stages.shared import models
from stages.shared.artifacts import Meta


def forward_flops(model: str, meta: Meta, size: Sequence[int] | None = None) -> int:
    """Return the floating-point operations of one image's forward pass.

    `size` is its height and width where these are not those of the prepared images.
    Two, a product and a sum, for each weight of a convolution or linear layer at each position;
    the rest is not counted. As torch's FlopCounterMode, against which a test compares it: that
    class imports torch's compiler, which takes as long as torch itself.
    """
    *own_size, channels = meta.image_shape
    height, width = size or own_size
    with torch.random.fork_rng(devices=[]):
        net = models.build(model, meta.num_classes, meta.image_shape).eval()
    counts: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        counts.append(2 * layer.weight[0].numel() * output.numel())

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        net(torch.zeros(1, channels, height, width))
    return sum(counts)
