"""Floating-point operations: the same on every machine, so costs can be compared."""

import torch
from torch import Tensor, nn

from stages.shared import models, tasks
from stages.shared.artifacts import Meta


def forward_flops(model: str, meta: Meta) -> int:
    """Return the floating-point operations of one sample's forward pass.

    Two, a product and a sum, for each weight of a convolution or linear layer at each position,
    and for each number that an embedding bag looks up: it is a linear layer whose other inputs are
    0. The rest is not counted. As torch's FlopCounterMode, against which a test compares it: that
    class imports torch's compiler, which takes as long as torch itself.
    """
    with torch.random.fork_rng(devices=[]):
        net = models.build(model, meta.num_classes, meta.input_shape).eval()
    counts: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(layer, nn.EmbeddingBag):
            counts.append(2 * layer.embedding_dim * inputs[0].numel())
        else:
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            counts.append(2 * layer.weight[0].numel() * output.numel())

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.EmbeddingBag | nn.Linear):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        net(tasks.load(meta.task).example(meta))
    return sum(counts)
