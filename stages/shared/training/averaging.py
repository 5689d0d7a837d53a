"""The moving average of a model's weights: what is validated and kept instead of them."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from stages.shared.training.state import State, joined, part_of


class MovingAverage:
    """The exponential moving average of a model, with what its normalisations know of the data.

    After update n, from 1: average = d x average + (1 - d) x weights, where d is the decay, but at
    most (1 + n) / (10 + n), so that a short training forgets its first weights too. Means and
    variances of batch normalisations are averaged alike: to first order they are those of the
    averaged weights, and no pass over the data is needed.

    Attributes:
        model: the average, a model of the same form on the same device, without gradients.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = deepcopy(model).requires_grad_(False)
        self._decay = decay
        self._updates = 0
        self._averages, self._copies = _floats_and_counts(self.model)
        self._weights, self._counts = _floats_and_counts(model)

    def add(self) -> None:
        """Take the model's weights after an update; nothing waits for the device."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
        if self._counts:
            torch._foreach_copy_(self._copies, self._counts)

    def state(self) -> State:
        """Return the average, and how many updates it is of."""
        updates = torch.tensor(self._updates)
        return joined({"model": self.model.state_dict(), "count": {"updates": updates}})

    def restore(self, state: State) -> None:
        """Go on from there."""
        self.model.load_state_dict(part_of(state, "model"))
        self._updates = int(state["count/updates"])


def _floats_and_counts(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Return what can be averaged, and the whole numbers, such as batches counted."""
    tensors = list(model.state_dict().values())  # they share the model's memory
    return (
        [tensor for tensor in tensors if tensor.is_floating_point()],
        [tensor for tensor in tensors if not tensor.is_floating_point()],
    )
