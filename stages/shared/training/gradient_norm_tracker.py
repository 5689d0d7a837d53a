"""The gradient norms of a few samples, followed through a training.

Shapes: S tracked samples, B batch, E epochs.
"""

from typing import Any

import torch
from torch import Tensor, nn

from stages.shared import tasks
from stages.shared.artifacts import Ints
from stages.shared.artifacts.tracking import Tracked
from stages.shared.networks.batches import batches
from stages.shared.networks.one_label import labelled
from stages.shared.training.dynamics import random_rows
from stages.shared.training.job import Job
from stages.shared.training.state import State

PRECISION = "fp32"  # in bf16 the small norms, which are the most, are noise
NUM_TRACKED = 512  # as in Fig. 2 of Vodrahalli et al. 2018


class GradientNormTracker:
    """The gradient norms of the same few samples before the training and after each epoch.

    Of the last layer's weights, l2, of the cross-entropy with the true label; the model in
    evaluation mode and in fp32, the images not augmented (Vodrahalli et al. 2018, arXiv
    1811.12569, Fig. 2, which begins where all are about equal).
    """

    def __init__(self, job: Job, device: torch.device) -> None:
        self._job = job
        self._task = labelled(tasks.load(job.task))
        self._row_S = tracked_rows(job)
        self._samples = self._task.load_samples(job.prepared, "train", device, self._row_S)
        self._device = device
        self._norms_ES: list[Tensor] = []

    @torch.inference_mode()
    def add(self, model: nn.Module) -> None:
        """Take the weights of the moment; leaves the model in evaluation mode."""
        model.eval()
        norms = [
            self._norms(model, rows)
            for rows in batches(len(self._row_S), self._job.settings.batch_size)
        ]
        self._norms_ES.append(torch.cat(norms))

    def _norms(self, model: Any, rows: slice) -> Tensor:
        index_B = torch.arange(rows.start, rows.stop)
        (raw_B,) = self._samples.in_batches([index_B])
        norm_B: Tensor = self._task.last_layer_gradient_norm(
            model,
            self._task.as_inputs(raw_B, self._job.meta),
            self._samples.targets_N[rows],
            PRECISION,
        )
        return norm_B

    def state(self) -> State:
        """Return the norms so far, by epoch from 0."""
        return {str(number): norm_S for number, norm_S in enumerate(self._norms_ES)}

    def restore(self, state: State) -> None:
        """Go on from there."""
        self._norms_ES = [state[str(number)].to(self._device) for number in range(len(state))]

    def finish(self) -> Tracked:
        """Return the norms of this one member (M = 1)."""
        return Tracked(self._row_S, torch.stack(self._norms_ES).cpu().numpy()[None])


def tracked_rows(job: Job) -> Ints:
    """Return the rows of the train split whose gradient norms to track."""
    return random_rows(job, "tracked samples", NUM_TRACKED)
