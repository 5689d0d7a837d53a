"""How large the gradient of each sample's loss is (Vodrahalli et al. 2018, arXiv 1811.12569).

The loss is the plain cross-entropy with the true label, the model is in evaluation mode. Norms are
taken over all chosen parameters as one vector, section 4: l1, l2 or linf. `weights` are all
parameters that are no biases, so the scales of normalisations too.

Shapes: B batch, C classes, D inputs of the last layer, K x H x W channels and pixels.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from stages.shared.networks.one_label import Classification
from stages.shared.prediction.forward_passes import ForwardPass
from stages.shared.settings.sections import GradientNorm

# What the backward passes that run side by side may take, in bytes: as much on every machine, since
# how many samples that are decides last bits.
MOST_BYTES = 2**30

ORDERS = {"l1": 1.0, "l2": 2.0, "linf": math.inf}
# Whether a parameter is a bias, for the choices that need a backward pass.
IS_BIAS = {"weights": {False}, "biases": {True}, "all": {False, True}}


def sample_norms(
    task: Classification, forward: ForwardPass, targets_B: Tensor, settings: GradientNorm
) -> Tensor:
    """Return the norm of each sample's gradient, float64 [B], from 0.

    Of the last layer in closed form: there the gradient is the outer product of that by the
    logits, r = p - y, and the layer's input h. Of more, by backward passes in float32, as many at
    a time as `MOST_BYTES` hold.
    """
    if settings.needs_backward:
        return _norms_by_backward(Loss(task, forward.model), forward.inputs_B, targets_B, settings)
    r_BC, h_BD = _factors(task, forward, targets_B, settings)
    norm_B: Tensor = task.outer_product_norm(r_BC, h_BD, ORDERS[settings.norm])
    return norm_B


def norm_of_sum(
    task: Classification, forward: ForwardPass, targets_B: Tensor, settings: GradientNorm
) -> Tensor:
    """Return the norm of the sum of the samples' gradients, float64, a scalar from 0.

    Backward passes take as many samples at a time as `MOST_BYTES` hold. Their gradients are added
    in float32, one micro-batch after the other, so more micro-batches change the last bits alone.
    """
    if not settings.needs_backward:
        r_BC, h_BD = _factors(task, forward, targets_B, settings)
        with _one_thread():
            return _norm([r_BC.T @ h_BD], settings)
    loss = Loss(task, forward.model)
    chosen = list(chosen_parameters(loss, settings).values())
    with _one_thread():
        gradients = _gradients_of_sum(loss, chosen, forward.inputs_B, targets_B)
        return _norm(gradients, settings)


def _factors(
    task: Classification, forward: ForwardPass, targets_B: Tensor, settings: GradientNorm
) -> tuple[Tensor, Tensor]:
    """Return the factors of the last layer's gradients, float64 [B, C] and [B, D]."""
    assert forward.features_BD is not None  # params has checked the task
    h_BD = forward.features_BD.double()
    if settings.parameters == "last_layer":
        # A bias is the weight of an input that is always 1.
        h_BD = torch.cat([h_BD, torch.ones_like(h_BD[:, :1])], dim=1)
    return task.loss_gradient(forward.outputs_B, targets_B), h_BD


def _norms_by_backward(
    loss: "Loss", inputs_BKHW: Tensor, targets_B: Tensor, settings: GradientNorm
) -> Tensor:
    # Here, because their first use imports torch's compiler, which takes two seconds.
    from torch.func import functional_call, grad, vmap

    chosen = chosen_parameters(loss, settings)

    def loss_of_one(parameters: Mapping[str, Tensor], input_KHW: Tensor, target: Tensor) -> Tensor:
        arguments = (input_KHW[None], target[None])
        return functional_call(loss, dict(parameters), arguments)

    def norm_of_one(input_KHW: Tensor, target: Tensor) -> Tensor:
        return _norm(grad(loss_of_one)(chosen, input_KHW, target).values(), settings)

    # vmap holds a gradient for each sample.
    gradient = sum(parameter.nbytes for parameter in chosen.values())
    micro_batch = _num_within(gradient + bytes_of_one(loss, inputs_BKHW, targets_B))
    # Without no_grad, the gradients of all other parameters would be prepared for as well.
    with torch.no_grad(), _one_thread():
        return vmap(norm_of_one, chunk_size=micro_batch)(inputs_BKHW, targets_B)


def _gradients_of_sum(
    loss: "Loss", chosen: Sequence[nn.Parameter], inputs_BKHW: Tensor, targets_B: Tensor
) -> list[Tensor]:
    """Return the summed loss's gradient by each chosen parameter, float32 of its shape."""
    micro_batch = _num_within(bytes_of_one(loss, inputs_BKHW, targets_B))
    sums = [torch.zeros_like(parameter) for parameter in chosen]
    parts = (torch.split(whole, micro_batch) for whole in (inputs_BKHW, targets_B))
    for part_BKHW, part_B in zip(*parts, strict=True):
        with torch.enable_grad():
            total = loss(part_BKHW, part_B) * len(part_B)
        for gradient, part in zip(sums, torch.autograd.grad(total, chosen), strict=True):
            gradient += part
    return sums


def _num_within(bytes_of_each: int) -> int:
    """Return how many samples `MOST_BYTES` hold, one at least."""
    return max(1, MOST_BYTES // bytes_of_each)


def bytes_of_one(loss: nn.Module, inputs_BKHW: Tensor, targets_B: Tensor) -> int:
    """Return about what is kept of one sample's forward pass for the way back, in bytes.

    What is there already is not counted, and the samples of a batch share it: the weights, the
    batch itself. What several operations keep is counted once.
    """
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        loss(inputs_BKHW[:1], targets_B[:1])
    # By its storage, a view is known as what it is a view of.
    sizes = {storage.data_ptr(): storage.nbytes() for storage in map(Tensor.untyped_storage, kept)}
    for tensor in (*loss.parameters(), *loss.buffers(), inputs_BKHW, targets_B):
        sizes.pop(tensor.untyped_storage().data_ptr(), None)
    return sum(sizes.values())


class Loss(nn.Module):
    """The mean loss of a batch, as a module: its parameters are those of the model."""

    def __init__(self, task: Classification, model: Any) -> None:
        super().__init__()
        self.task = task
        self.model = model

    def forward(self, inputs_BKHW: Tensor, targets_B: Tensor) -> Tensor:
        """Return the mean cross-entropy in nats, float64, a scalar."""
        _, logits_BC = self.task.forward(self.model, inputs_BKHW, "fp32")
        # In float64, p - 1 keeps its digits where p is near 1.
        return self.task.loss(logits_BC.double(), targets_B, 0.0)


def chosen_parameters(module: nn.Module, settings: GradientNorm) -> dict[str, nn.Parameter]:
    """Return a module's parameters by name, those that a norm by backward passes is taken over."""
    is_wanted = IS_BIAS[settings.parameters]
    return {
        name: parameter
        for name, parameter in module.named_parameters()
        if name.endswith(".bias") in is_wanted
    }


def _norm(gradients: Iterable[Tensor], settings: GradientNorm) -> Tensor:
    """Return the norm over several tensors: that of their norms."""
    order = ORDERS[settings.norm]
    parts = [torch.linalg.vector_norm(part, order, dtype=torch.float64) for part in gradients]
    return torch.linalg.vector_norm(torch.stack(parts), order)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run on one thread of the processor: backward passes give other last bits on more."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)
