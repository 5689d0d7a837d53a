"""Train one member: the only training loop, for ensembles and target models alike.

Shapes: P picks of the subset (draws of an epoch), R distinct samples among them, B batch.
What inputs, outputs and targets of a batch are is the task's.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stages.shared import models, tasks
from stages.shared.artifacts import Checkpoint, Epoch
from stages.shared.cost import TRAINING_COST
from stages.shared.data import Samples, batches, num_batches
from stages.shared.determinism import deterministic
from stages.shared.errors import TrainingError
from stages.shared.job import Job, Trained
from stages.shared.randomness import stream_seed
from stages.shared.training import augmentation, first_layer, schedules
from stages.shared.training.averaging import MovingAverage
from stages.shared.training.checkpoints import CheckpointKeeper
from stages.shared.training.dynamics import (
    GradientNormTracker,
    NoRecorder,
    Recorder,
    sampled_rows,
)
from stages.shared.training.optimizer import Sgd
from stages.shared.training.resolution import Resolution, flops_by_size, resize
from stages.shared.training.state import Saved, SavedStates, State, Stateful, joined, part_of
from stages.shared.training.tally import Tally
from stages.shared.training.validation import Validation, validated_epochs
from stages.shared.weights import load_weights


def train(
    job: Job,
    folder: Path,
    device: torch.device,
    report: Callable[[Epoch, int], None],
    states: SavedStates | None = None,
) -> Trained:
    """Train one member, leave its kept weights in `folder`, and return what belongs to them.

    `report` is called after each epoch with it and the images of the whole training. From the
    newest of the saved states the training goes on, to the same bytes as without.
    Only the multiset of the picks decides the bytes, not their order.

    Raises:
        ParamsError: the model does not allow a setting.
        TrainingError: the loss is not finite, or an operation is not deterministic.
    """
    torch.set_num_threads(job.settings.num_threads)
    with deterministic(job.settings.deterministic, device.type):
        return _Trainer(job, device).run(folder, report, states)


class _Trainer:
    def __init__(self, job: Job, device: torch.device) -> None:
        self.job = job
        self.device = device
        self.task = tasks.load(job.task)
        self.row_R, self.pick_P = np.unique(np.sort(job.index_P), return_inverse=True)
        self.samples: Samples = self.task.load_samples(job.prepared, "train", device, self.row_R)
        copies_R = torch.from_numpy(np.bincount(self.pick_P)).to(device)
        self.loss, validation_loss = self.task.losses(
            job.settings, job.meta.num_classes, self.samples.targets_N, copies_R
        )
        self.validation = Validation(job, device, validation_loss)
        self.model = initial_model(job).to(device)
        self.updates_per_epoch = num_batches(len(self.pick_P), job.settings.batch_size)
        self.num_updates = schedules.num_updates(job.settings, self.updates_per_epoch)
        self.num_epochs = schedules.num_epochs(job.settings, self.updates_per_epoch)
        self.schedule = schedules.build(job.settings, self.updates_per_epoch)
        self.resolution = Resolution(
            job.settings.resolution, job.meta.input_shape, self.num_updates
        )
        self.flops_per_sample = flops_by_size(self.resolution, job)
        self.optimizer = Sgd(self.model, job.settings.optimizer)
        self.average = self._average()
        # What is validated and kept.
        self.result = self.average.model if self.average else self.model
        self.recorder = self._recorder(copies_R)
        self.tracker = None if job.track == "none" else GradientNormTracker(job, device)
        self.validated = validated_epochs(job.settings.validations, self.num_epochs)
        self.updates = 0
        self.images_seen = 0
        self.flops = 0

    def _average(self) -> MovingAverage | None:
        settings = self.job.settings.weight_averaging
        return None if isinstance(settings, str) else MovingAverage(self.model, settings.ema)

    def _recorder(self, copies_R: Tensor) -> Recorder | NoRecorder:
        if not tasks.rules(self.job.task).has_labels:
            return NoRecorder()
        place_S = np.searchsorted(self.row_R, sampled_rows(self.job))
        return Recorder(
            self.task,
            copies_R,
            torch.from_numpy(place_S).to(self.device),
            self.job.meta.num_classes,
            self.job.settings.el2n_epoch,
        )

    def _num_images(self) -> int:
        """Return about how many images the whole training draws."""
        whole, rest = divmod(self.num_updates, self.updates_per_epoch)
        rest_images = rest * len(self.pick_P) // self.updates_per_epoch
        return min(self.num_epochs, whole) * len(self.pick_P) + rest_images

    def run(
        self,
        folder: Path,
        report: Callable[[Epoch, int], None],
        states: SavedStates | None = None,
    ) -> Trained:
        """Train all epochs, or those that the newest saved state lacks."""
        ends_early = self.job.settings.schedule.name == "plateau"
        last_epoch = None if ends_early else self.num_epochs
        kept = CheckpointKeeper(folder, self.job.member, self.job.settings.checkpoints, last_epoch)
        history = self._restore(states.newest, kept) if states and states.newest else []
        # What a schedule knows follows from the history.
        ended = any(self.schedule.end_epoch(epoch.validation_accuracy) for epoch in history)
        while not ended and len(history) < self.num_epochs:
            epoch = self._epoch(len(history) + 1, kept)
            history.append(epoch)
            ended = self.schedule.end_epoch(epoch.validation_accuracy)
            if states:
                states.save(self._state(), history, folder)
            report(epoch, self._num_images())
        return self._finish(history, kept.finish())

    def _epoch(self, number: int, kept: CheckpointKeeper) -> Epoch:
        with self._dropout_stream(number):
            epoch = self._train_epoch(number)
        if number in self.validated:
            epoch = self._validate(epoch)
        kept.add(epoch, self.result)
        self.recorder.end_epoch(number, kept.epochs)
        if self.tracker:
            self.tracker.add(self.result)
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
        every = {
            "optimizer": self.optimizer,
            "average": self.average,
            "recorder": self.recorder,
            "tracker": self.tracker,
        }
        return {name: each for name, each in every.items() if each is not None}

    def _state(self) -> State:
        states = {name: each.state() for name, each in self._stateful().items()}
        return joined({"model": self.model.state_dict(), **states})

    def _restore(self, saved: Saved, kept: CheckpointKeeper) -> list[Epoch]:
        self.model.load_state_dict(part_of(saved.tensors, "model"))
        for name, each in self._stateful().items():
            each.restore(part_of(saved.tensors, name))
        kept.restore(saved.history, saved.kept)
        last = saved.history[-1]
        self.updates, self.images_seen, self.flops = (
            last.updates,
            last.images_seen,
            int(last.flops),
        )
        return list(saved.history)

    def _train_epoch(self, number: int) -> Epoch:
        tally = Tally(self.device)
        images, rate = 0, 0.0
        self.model.train()
        for rows_B, inputs_B, targets_B in self._epoch_batches(number):
            if self.updates == self.num_updates:
                break
            rate = self.job.learning_rate * self.schedule.factor(self.updates)
            size = self.resolution.size(self.updates)
            if size != self.resolution.full:
                inputs_B = resize(inputs_B, size)
            loss, outputs_B = self._update(inputs_B, targets_B, rate)
            tally.add(loss, self.task.right_and_all(outputs_B, targets_B), len(rows_B))
            self.recorder.add(number, rows_B, outputs_B, targets_B)
            images += len(rows_B)
            self.flops += TRAINING_COST * self.flops_per_sample[size] * len(rows_B)
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

    def _epoch_batches(self, number: int) -> Iterator[tuple[Tensor, Any, Any]]:
        """Yield the places in [0, R) of each batch's samples, its inputs and its targets."""
        settings, num = self.job.settings, len(self.pick_P)
        order_P = torch.randperm(num, generator=self._generator("order", number))
        order_P = torch.from_numpy(self.pick_P)[order_P].to(self.device)
        draws = augmentation.draw(settings.augmentation, num, self._generator("augment", number))
        draws = draws.to(self.device)
        parts = list(batches(num, settings.batch_size))
        loaded = self.samples.in_batches(order_P[rows] for rows in parts)
        for rows, raw_B in zip(parts, loaded, strict=True):
            rows_B = order_P[rows]
            inputs_B = augmentation.augment(raw_B, draws[rows], settings.augmentation)
            targets_B = self.task.moved(
                self.samples.targets_N[rows_B], draws[rows], settings.augmentation
            )
            yield rows_B, self.task.as_inputs(inputs_B, self.job.meta), targets_B

    def _update(self, inputs_B: Any, targets_B: Any, rate: float) -> tuple[Tensor, Tensor]:
        _, outputs_B = self.task.forward(self.model, inputs_B, self.job.settings.precision)
        loss = self.loss(outputs_B, targets_B)
        loss.backward()
        self.optimizer.step(rate)
        if self.average:
            self.average.add()
        return loss.detach(), outputs_B.detach()

    def _validate(self, epoch: Epoch) -> Epoch:
        mean_loss, accuracy = self.validation.measure(self.result)
        self.flops += self.flops_per_sample[self.resolution.full] * self.validation.num_samples
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

    def _generator(self, purpose: str, epoch: int) -> torch.Generator:
        return torch.Generator().manual_seed(self._seed(purpose, epoch))

    @contextmanager
    def _dropout_stream(self, epoch: int) -> Iterator[None]:
        """Seed torch's global generator, which dropout draws from, and leave it as it was."""
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self._seed("dropout", epoch))
            yield

    def _seed(self, purpose: str, epoch: int) -> int:
        return stream_seed(self.job.random_seed, purpose, self.job.member, epoch)


def initial_model(job: Job) -> nn.Module:
    """Return the model with its first weights, the same for every subset (paired trainings)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(job.random_seed, "initial weights", job.member))
        model: nn.Module = models.build(job.model, job.meta.num_classes, job.meta.input_shape)
    if job.settings.first_layer == "whitened":
        layer = first_layer.first_convolution(model, job)
        if job.initial_weights is None:
            first_layer.whiten(layer, job)
        layer.weight.requires_grad_(False)
    if job.initial_weights is not None:
        load_weights(job.initial_weights, model)
    return model.to(memory_format=torch.channels_last)
