"""The optimizers: SGD with momentum, and AdamW.

They are called by torch's functional form: its classes import torch's compiler as they are built,
which takes as long as torch itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from stages.shared.settings import training_sections
from stages.shared.training.state import State


def build(model: nn.Module, settings: training_sections.Optimizer) -> "Optimizer":
    """Return the optimizer that the settings name, for what of a model is trained."""
    if isinstance(settings, training_sections.Sgd):
        return Sgd(model, settings)
    return AdamW(model, settings)


class Optimizer(ABC):
    """What updates parameters: the last layer by the learning rate, all before it by a share of it.

    Tables of which a batch looks up a few rows are trained by plain SGD, those rows alone, as
    fastText does: momentum and weight decay would move every row at every step.
    """

    def __init__(self, model: nn.Module, settings: training_sections.Optimizer) -> None:
        tables = {id(part.weight) for part in model.modules() if getattr(part, "sparse", False)}
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._tables: list[Tensor] = [table for table in trained if id(table) in tables]
        self._parameters: list[Tensor] = [
            parameter for parameter in trained if id(parameter) not in tables
        ]
        self._backbone = settings.backbone
        self._groups = self._by_share(model)

    def _by_share(self, model: nn.Module) -> dict[float, list[int]]:
        """Return by their share of the rate which parameters have it."""
        if self._backbone == 1:
            return {1.0: list(range(len(self._parameters)))}
        head = {id(parameter) for parameter in model.get_submodule("classifier").parameters()}
        groups: dict[float, list[int]] = {}
        for number, parameter in enumerate(self._parameters):
            share = 1.0 if id(parameter) in head else self._backbone
            groups.setdefault(share, []).append(number)
        return groups

    def step(self, learning_rate: float) -> None:
        """Update the parameters with their gradients, and drop these."""
        with torch.no_grad():
            for share, numbers in self._groups.items():
                reached = [n for n in numbers if self._parameters[n].grad is not None]
                self._update(reached, learning_rate * share)
            for table in self._tables:
                assert table.grad is not None
                table.add_(table.grad, alpha=-learning_rate * self._backbone)
        for parameter in (*self._parameters, *self._tables):
            parameter.grad = None

    def _of(self, numbers: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
        """Return parameters and their gradients."""
        parameters = [self._parameters[number] for number in numbers]
        return parameters, [each.grad for each in parameters if each.grad is not None]

    def _like(self, number: int, tensor: Tensor) -> Tensor:
        """Return a tensor in a parameter's memory layout, which the fused kernels rely on."""
        return torch.empty_like(self._parameters[number], requires_grad=False).copy_(tensor)

    @abstractmethod
    def _update(self, numbers: Sequence[int], learning_rate: float) -> None:
        """Update the parameters of these numbers, all of which have a gradient."""

    @abstractmethod
    def state(self) -> State:
        """Return all that the further updates depend on, beside the parameters."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Go on from there."""


class Sgd(Optimizer):
    """SGD with momentum, as torch.optim.SGD with the fused kernel."""

    def __init__(self, model: nn.Module, settings: training_sections.Sgd) -> None:
        super().__init__(model, settings)
        self._settings = settings
        self._momentum: dict[int, Tensor] = {}  # by the number of the parameter

    def _update(self, numbers: Sequence[int], learning_rate: float) -> None:
        parameters, gradients = self._of(numbers)
        momentum: list[Tensor | None] = [self._momentum.get(number) for number in numbers]
        sgd(
            parameters,
            gradients,
            momentum,
            fused=True,
            lr=learning_rate,
            momentum=self._settings.momentum,
            nesterov=self._settings.nesterov,
            weight_decay=self._settings.weight_decay,
            dampening=0.0,
            maximize=False,
        )
        found = zip(numbers, momentum, strict=True)
        self._momentum |= {number: tensor for number, tensor in found if tensor is not None}

    def state(self) -> State:
        """Return the momentum of each parameter that has one."""
        return {str(number): tensor for number, tensor in self._momentum.items()}

    def restore(self, state: State) -> None:
        """Go on from there."""
        self._momentum = {int(name): self._like(int(name), state[name]) for name in state}


class AdamW(Optimizer):
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), as torch.optim.AdamW, fused."""

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, model: nn.Module, settings: training_sections.AdamW) -> None:
        super().__init__(model, settings)
        self._weight_decay = settings.weight_decay
        self._means = [torch.zeros_like(each) for each in self._parameters]
        self._squares = [torch.zeros_like(each) for each in self._parameters]
        self._steps = [torch.zeros((), device=each.device) for each in self._parameters]

    def _update(self, numbers: Sequence[int], learning_rate: float) -> None:
        parameters, gradients = self._of(numbers)
        adamw(
            parameters,
            gradients,
            [self._means[number] for number in numbers],
            [self._squares[number] for number in numbers],
            [],
            [self._steps[number] for number in numbers],
            fused=True,
            amsgrad=False,
            beta1=self.BETAS[0],
            beta2=self.BETAS[1],
            lr=learning_rate,
            weight_decay=self._weight_decay,
            eps=self.EPSILON,
            maximize=False,
        )

    def state(self) -> State:
        """Return both moving averages and the number of steps of each parameter."""
        parts = {"mean": self._means, "square": self._squares, "steps": self._steps}
        return {
            f"{number}.{name}": tensor
            for name, tensors in parts.items()
            for number, tensor in enumerate(tensors)
        }

    def restore(self, state: State) -> None:
        """Go on from there."""
        for number in range(len(self._parameters)):
            self._means[number] = self._like(number, state[f"{number}.mean"])
            self._squares[number] = self._like(number, state[f"{number}.square"])
            self._steps[number].copy_(state[f"{number}.steps"])
