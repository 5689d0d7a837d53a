"""How good a model is on the validation split, and after which epochs that is asked.

Shapes: N validation samples, B batch.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from stages.shared import tasks
from stages.shared.networks.batches import Samples, batches
from stages.shared.training.job import Job
from stages.shared.training.tally import Tally

BATCH = 500


class Validation:
    """The validation split on the device."""

    def __init__(self, job: Job, device: torch.device, loss: Callable[[Any, Any], Tensor]) -> None:
        self._job = job
        self._device = device
        self._loss = loss
        self._task = tasks.load(job.task)
        self._samples: Samples = self._task.load_samples(job.prepared, "validation", device)

    @property
    def num_samples(self) -> int:
        """How many samples there are, N."""
        return len(self._samples)

    @torch.inference_mode()
    def measure(self, model: nn.Module) -> tuple[float, float]:
        """Return mean loss and accuracy; leaves the model in evaluation mode."""
        model.eval()
        tally = Tally(self._device)
        index_N = torch.arange(self.num_samples, device=self._device)
        parts = list(batches(self.num_samples, BATCH))
        loaded = self._samples.in_batches(index_N[rows] for rows in parts)
        for rows, raw_B in zip(parts, loaded, strict=True):
            inputs_B = self._task.as_inputs(raw_B, self._job.meta)
            targets_B = self._samples.targets_N[index_N[rows]]
            _, outputs_B = self._task.forward(model, inputs_B, self._job.settings.precision)
            loss = self._loss(outputs_B, targets_B).double()
            tally.add(loss, self._task.right_and_all(outputs_B, targets_B), rows.stop - rows.start)
        return tally.means()


def validated_epochs(validations: int | str, num_epochs: int) -> set[int]:
    """Return the epochs after which to validate: evenly spread over the training, the last too.

    With equal updates a small subset has many short epochs: validating after each would cost more
    than training. Spread evenly, the curves of different subsets have points at the same updates.
    """
    if not isinstance(validations, int):
        return set(range(1, num_epochs + 1))
    return {math.ceil(number * num_epochs / validations) for number in range(1, validations + 1)}
