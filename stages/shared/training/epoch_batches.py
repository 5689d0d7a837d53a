"""The batches of an epoch: in which order samples come, and how they are augmented.

Shapes: P picks of the subset (draws of an epoch), R distinct samples among them, B batch, S this
process's share of a batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stages.shared.artifacts import Ints
from stages.shared.networks.batches import Samples, batches
from stages.shared.networks.task import Task
from stages.shared.training import augmentation
from stages.shared.training.job import Job
from stages.shared.training.parallel import Group
from stages.shared.training.streams import Streams


@dataclass(frozen=True)
class EpochBatches:
    """Those of one member."""

    job: Job
    task: Task
    samples: Samples
    pick_P: Ints  # places in [0, R)
    streams: Streams
    group: Group

    def of(self, number: int) -> Iterator[tuple[Tensor, Any, Any]]:
        """Yield the places in [0, R) of a batch's samples, a share of its inputs, its targets."""
        settings, num, device = self.job.settings, len(self.pick_P), self.streams.device
        order_P = torch.randperm(num, generator=self.streams.generator("order", number))
        order_P = torch.from_numpy(self.pick_P)[order_P].to(device)
        stream = self.streams.generator("augment", number)
        draws = augmentation.draw(settings.augmentation, num, stream).to(device)
        parts = list(batches(num, settings.batch_size))
        loaded = self.samples.in_batches(order_P[self.group.share(rows)] for rows in parts)
        for rows, raw_S in zip(parts, loaded, strict=True):
            rows_B, own = order_P[rows], self.group.share(rows)
            inputs_S = augmentation.augment(raw_S, draws[own], settings.augmentation)
            targets_B = self.task.moved(
                self.samples.targets_N[rows_B], draws[rows], settings.augmentation
            )
            yield rows_B, self.task.as_inputs(inputs_S, self.job.meta), targets_B
