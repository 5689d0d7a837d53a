"""Train one member: the only training loop, for ensembles and target models alike.

Shapes: P picks of the subset (draws of an epoch), R distinct samples among them, B batch.
What inputs, outputs and targets of a batch are is the task's.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.shared import tasks
from stages.shared.artifacts import Checkpoint, Epoch
from stages.shared.errors import TrainingError
from stages.shared.networks.batches import Samples, num_batches
from stages.shared.networks.determinism import deterministic
from stages.shared.networks.library_networks import normalised_for
from stages.shared.prediction.cost import training_cost
from stages.shared.prediction.flops import forward_flops
from stages.shared.training import optimizer, parallel, schedules
from stages.shared.training.checkpoints import CheckpointKeeper
from stages.shared.training.dynamics import NoRecorder, recorder_of
from stages.shared.training.epoch_batches import EpochBatches
from stages.shared.training.gradient_norm_tracker import GradientNormTracker
from stages.shared.training.initial import begin_epoch, initial_model
from stages.shared.training.job import Job, Trained
from stages.shared.training.parallel import ALONE, Group
from stages.shared.training.state import Saved, State, Stateful, States, joined, part_of
from stages.shared.training.streams import Streams
from stages.shared.training.tally import Tally
from stages.shared.training.validation import Validation, validated_epochs


def train(
    job: Job,
    folder: Path,
    device: torch.device,
    report: Callable[[Epoch, int], None],
    states: States | None = None,
) -> Trained:
    """Train one member, leave its kept weights in `folder`, and return what belongs to them.

    `report` is called after each epoch with it and the images of the whole training. From the
    newest of the saved states the training goes on, to the same bytes as without.
    Several processes may train it together (`parallel`); this one is then the first of them.
    Only the multiset of the picks decides the bytes, not their order.

    Raises:
        ParamsError: the model does not allow a setting.
        TrainingError: the loss is not finite, or an operation is not deterministic.
    """
    torch.set_num_threads(job.settings.num_threads)
    with (
        deterministic(job.settings.deterministic, device.type),
        parallel.started(job, device, follow) as group,
    ):
        return _Trainer(job, parallel.device_of(device, group), group).run(folder, report, states)


def follow(job: Job, device: torch.device, group: Group) -> None:
    """Take part in a training that the first process of the group runs."""
    torch.set_num_threads(job.settings.num_threads)
    with deterministic(job.settings.deterministic, device.type):
        _Trainer(job, device, group).follow()


class _Trainer:
    def __init__(self, job: Job, device: torch.device, group: Group = ALONE) -> None:
        self.group = group
        self.device = device
        self.model = initial_model(job).to(device)
        self.job = job = replace(job, meta=normalised_for(self.model, job.meta))
        self.task = tasks.load(job.task)
        self.row_R, self.pick_P = np.unique(np.sort(job.index_P), return_inverse=True)
        self.streams = Streams(job, device, group)
        self.samples: Samples = self.task.load_samples(job.prepared, "train", device, self.row_R)
        copies_R = torch.from_numpy(np.bincount(self.pick_P)).to(device)
        self.loss, validation_loss = self.task.losses(
            job.settings, job.meta.num_classes, self.samples.targets_N, copies_R
        )
        self.validation = Validation(job, device, validation_loss)
        self.outputs = group.averaging(self.model, self.task, job.settings.precision)
        self.epoch_batches = EpochBatches(
            job, self.task, self.samples, self.pick_P, self.streams, group
        )
        self.updates_per_epoch = num_batches(len(self.pick_P), job.settings.batch_size)
        # The epochs of the settings may be those of a smaller subset.
        paced = num_batches(job.as_long_as or len(self.pick_P), job.settings.batch_size)
        self.num_updates = schedules.made_updates(job.settings, paced)
        self.num_epochs = -(-self.num_updates // self.updates_per_epoch)
        self.schedule = schedules.build(job.settings, paced)
        self.flops_per_sample = forward_flops(job.model, job.meta)
        self.cost = training_cost(job.settings.train)
        self.optimizer = optimizer.build(self.model, job.settings.optimizer)
        self.recorder = recorder_of(job, self.row_R, copies_R) if group.is_first else NoRecorder()
        tracks = job.track != "none" and group.is_first
        self.tracker = GradientNormTracker(job, device) if tracks else None
        self.validated = validated_epochs(job.settings.validations, self.num_epochs)
        self.updates = 0
        self.images_seen = 0
        self.flops = 0

    def _num_images(self) -> int:
        """Return about how many images the whole training draws."""
        whole, rest = divmod(self.num_updates, self.updates_per_epoch)
        rest_images = rest * len(self.pick_P) // self.updates_per_epoch
        return min(self.num_epochs, whole) * len(self.pick_P) + rest_images

    def run(
        self,
        folder: Path,
        report: Callable[[Epoch, int], None],
        states: States | None = None,
    ) -> Trained:
        """Train all epochs, or those that the newest saved state lacks."""
        ends_early = self.job.settings.schedule.name == "plateau"
        last_epoch = None if ends_early else self.num_epochs
        kept = CheckpointKeeper(folder, self.job.member, self.job.settings.checkpoints, last_epoch)
        history = self._restore(self.group.told(states.take(folder) if states else None))
        kept.restore(history)
        if self.tracker and not history:
            self.tracker.add(self.model)
        # What a schedule knows follows from the history.
        ended = any(self.schedule.end_epoch(epoch.validation_accuracy) for epoch in history)
        while not ended and len(history) < self.num_epochs:
            epoch = self._epoch(len(history) + 1, kept)
            history.append(epoch)
            ended = self.schedule.end_epoch(self.group.told(epoch.validation_accuracy))
            if states:
                states.save(self._state(), history, folder)
            report(epoch, self._num_images())
        return self._finish(history, kept.finish())

    def follow(self) -> None:
        """Make the updates of all epochs with the first process of the group."""
        history = self._restore(self.group.told(None))
        ended = any(self.schedule.end_epoch(epoch.validation_accuracy) for epoch in history)
        for number in range(len(history) + 1, self.num_epochs + 1):
            if ended:
                return
            with self.streams.dropout(number):
                self._train_epoch(number)
            ended = self.schedule.end_epoch(self.group.told(None))

    def _epoch(self, number: int, kept: CheckpointKeeper) -> Epoch:
        with self.streams.dropout(number):
            epoch = self._train_epoch(number)
        if number in self.validated:
            epoch = self._validate(epoch)
        kept.add(epoch, self.model)
        self.recorder.end_epoch(number, kept.epochs)
        if self.tracker:
            self.tracker.add(self.model)
        return epoch

    def _finish(self, history: list[Epoch], checkpoints: list[Checkpoint]) -> Trained:
        return Trained(
            history,
            checkpoints,
            self.recorder.finish(self.row_R, len(history), checkpoints),
            self.tracker.finish() if self.tracker else None,
        )

    def _stateful(self) -> dict[str, Stateful]:
        """Return what changes from epoch to epoch, beside the model and what the history says."""
        every = {"optimizer": self.optimizer, "recorder": self.recorder, "tracker": self.tracker}
        return {name: each for name, each in every.items() if each is not None}

    def _state(self) -> State:
        states = {name: each.state() for name, each in self._stateful().items()}
        return joined({"model": self.model.state_dict(), **states})

    def _restore(self, saved: Saved | None) -> list[Epoch]:
        if saved is None:
            return []
        self.model.load_state_dict(part_of(saved.tensors, "model"))
        for name, each in self._stateful().items():
            each.restore(part_of(saved.tensors, name))
        last = saved.history[-1]
        self.updates, self.images_seen, self.flops = last.updates, last.images_seen, int(last.flops)
        return list(saved.history)

    def _train_epoch(self, number: int) -> Epoch:
        tally = Tally(self.device)
        images, rate = 0, 0.0
        begin_epoch(self.model, self.job.settings)
        for rows_B, inputs_S, targets_B in self.epoch_batches.of(number):
            if self.updates == self.num_updates:
                break
            rate = self.job.learning_rate * self.schedule.factor(self.updates)
            loss, outputs_B = self._update(inputs_S, targets_B, rate)
            tally.add(loss, self.task.right_and_all(outputs_B, targets_B), len(rows_B))
            self.recorder.add(number, rows_B, outputs_B, targets_B)
            images += len(rows_B)
            self.flops += self.cost * self.flops_per_sample * len(rows_B)
            self.updates += 1
        self.images_seen += images
        mean_loss, accuracy = tally.means()
        self._require_finite(mean_loss, "loss", number, rate)
        return Epoch(
            member=self.job.member,
            epoch=number,
            updates=self.updates,
            images_seen=self.images_seen,
            flops=self.flops,
            learning_rate=rate,
            train_loss=mean_loss,
            train_accuracy=accuracy,
            validation_loss=None,
            validation_accuracy=None,
        )

    def _update(self, inputs_S: Any, targets_B: Any, rate: float) -> tuple[Tensor, Tensor]:
        """Return the mean loss of the batch and its outputs."""
        own, num = self.group.share(slice(0, len(targets_B))), len(targets_B)
        outputs_S = self.outputs(inputs_S)
        loss = self.loss(outputs_S, targets_B[own])
        weighted = loss * self.group.weight(own.stop - own.start, num)
        weighted.backward()  # type: ignore[no-untyped-call]  # torch does not say its types
        self.optimizer.step(rate)
        outputs_B = self.group.whole(outputs_S.detach(), num)
        if self.group.size > 1:
            loss = self.loss(outputs_B, targets_B)
        return loss.detach(), outputs_B

    def _validate(self, epoch: Epoch) -> Epoch:
        mean_loss, accuracy = self.validation.measure(self.model)
        self.flops += self.flops_per_sample * self.validation.num_samples
        self._require_finite(mean_loss, "validation loss", epoch.epoch, epoch.learning_rate)
        return replace(
            epoch, flops=self.flops, validation_loss=mean_loss, validation_accuracy=accuracy
        )

    def _require_finite(self, loss: float, name: str, epoch: int, rate: float) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"member {self.job.member}, epoch {epoch}, learning rate {rate:.3g}: the {name} is "
                f"{loss}; it must stay finite, so lower optimizer.learning_rate"
            )
