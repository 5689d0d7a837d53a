"""The optimizer: SGD with momentum."""

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from stages.shared.settings.training_sections import Optimizer
from stages.shared.training.state import State


class Sgd:
    """SGD with momentum, as torch.optim.SGD with the fused kernel.

    That class imports torch's compiler as it is built, which takes as long as torch itself.
    Tables of which a batch looks up a few rows are trained by plain SGD, those rows alone, as
    fastText does: momentum and weight decay would move every row at every step.
    """

    def __init__(self, model: nn.Module, settings: Optimizer) -> None:
        tables = {id(part.weight) for part in model.modules() if getattr(part, "sparse", False)}
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._tables: list[Tensor] = [table for table in trained if id(table) in tables]
        self._parameters: list[Tensor] = [
            parameter for parameter in trained if id(parameter) not in tables
        ]
        self._settings = settings
        self._momentum: list[Tensor | None] = [None] * len(self._parameters)

    def step(self, learning_rate: float) -> None:
        """Update the parameters with their gradients, and drop these."""
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        with torch.no_grad():
            sgd(
                self._parameters,
                gradients,
                self._momentum,
                fused=True,
                lr=learning_rate,
                momentum=self._settings.momentum,
                nesterov=self._settings.nesterov,
                weight_decay=self._settings.weight_decay,
                dampening=0.0,
                maximize=False,
            )
            for table in self._tables:
                assert table.grad is not None
                table.add_(table.grad, alpha=-learning_rate)
        for parameter in (*self._parameters, *self._tables):
            parameter.grad = None

    def state(self) -> State:
        """Return the momentum of each parameter that has one."""
        return {
            str(number): tensor
            for number, tensor in enumerate(self._momentum)
            if tensor is not None
        }

    def restore(self, state: State) -> None:
        """Go on from there."""
        for name, tensor in state.items():
            # In the parameter's memory layout, which the fused kernel relies on.
            momentum = torch.empty_like(self._parameters[int(name)], requires_grad=False)
            self._momentum[int(name)] = momentum.copy_(tensor)
