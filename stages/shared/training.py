"""Train one member: the only training loop, for ensembles and target models alike.

Shapes: P picks of the subset (draws of an epoch), R distinct samples among them, B batch,
C classes, H x W x K pixels and channels.
"""

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.sgd import sgd

from stages.shared import augmentation, models, schedules, tasks
from stages.shared.artifacts import Checkpoint, Epoch
from stages.shared.cost import TRAINING_COST
from stages.shared.data import batches, load_samples, normalise, num_batches
from stages.shared.dynamics import GradientNormTracker, Recorder, sampled_rows
from stages.shared.errors import TrainingError
from stages.shared.flops import forward_flops
from stages.shared.job import Job, Trained
from stages.shared.layers import Classifier
from stages.shared.params_sections import Checkpoints, Optimizer
from stages.shared.randomness import stream_seed
from stages.shared.weights import load_weights, save_weights

VALIDATION_BATCH = 500


def train(
    job: Job, folder: Path, device: torch.device, report: Callable[[Epoch, int], None]
) -> Trained:
    """Train one member, leave its kept weights in `folder`, and return what belongs to them.

    `report` is called after each epoch with it and the images of the whole training.
    Only the multiset of the picks decides the bytes, not their order.

    Raises:
        TrainingError: the loss is not finite.
    """
    torch.set_num_threads(job.settings.num_threads)
    return _Trainer(job, device).run(folder, report)


class _Trainer:
    def __init__(self, job: Job, device: torch.device) -> None:
        self.job = job
        self.device = device
        self.task = tasks.load(job.task)
        self.row_R, self.pick_P = np.unique(np.sort(job.index_P), return_inverse=True)
        self.samples = load_samples(job.prepared, "train", device, self.row_R)
        self.validation = load_samples(job.prepared, "validation", device)
        self.model = initial_model(job).to(device)
        self.flops_per_image = forward_flops(job.model, job.meta)
        self.updates_per_epoch = num_batches(len(self.pick_P), job.settings.batch_size)
        self.num_updates = schedules.num_updates(job.settings, self.updates_per_epoch)
        self.num_epochs = schedules.num_epochs(job.settings, self.updates_per_epoch)
        self.schedule = schedules.build(job.settings, self.updates_per_epoch)
        self.optimizer = Sgd(self.model, job.settings.optimizer)
        self.recorder = self._recorder()
        self.tracker = None if job.track == "none" else GradientNormTracker(job, device)
        self.updates = 0
        self.images_seen = 0
        self.images_validated = 0

    def _recorder(self) -> Recorder:
        place_S = np.searchsorted(self.row_R, sampled_rows(self.job))
        return Recorder(
            self.task,
            torch.from_numpy(np.bincount(self.pick_P)).to(self.device),
            torch.from_numpy(place_S).to(self.device),
            self.job.meta.num_classes,
            self.job.settings.el2n_epoch,
        )

    def _num_images(self) -> int:
        """Return about how many images the whole training draws."""
        whole, rest = divmod(self.num_updates, self.updates_per_epoch)
        rest_images = rest * len(self.pick_P) // self.updates_per_epoch
        return min(self.num_epochs, whole) * len(self.pick_P) + rest_images

    def run(self, folder: Path, report: Callable[[Epoch, int], None]) -> Trained:
        """Train all epochs."""
        ends_early = self.job.settings.schedule.name == "plateau"
        kept = CheckpointKeeper(
            folder,
            self.job.member,
            self.job.settings.checkpoints,
            None if ends_early else self.num_epochs,
        )
        validated = validated_epochs(self.job.settings.validations, self.num_epochs)
        history: list[Epoch] = []
        for number in range(1, self.num_epochs + 1):
            with self._dropout_stream(number):
                epoch = self._train_epoch(number)
            if number in validated:
                epoch = self._validate(epoch)
            history.append(epoch)
            kept.add(epoch, self.model)
            self.recorder.end_epoch(number, kept.epochs)
            if self.tracker:
                self.tracker.add(self.model)
            report(epoch, self._num_images())
            if self.schedule.end_epoch(epoch.validation_accuracy):
                break
        checkpoints = kept.finish()
        return Trained(
            history,
            checkpoints,
            self.recorder.finish(self.row_R, len(history), checkpoints),
            self.tracker.finish() if self.tracker else None,
        )

    def _train_epoch(self, number: int) -> Epoch:
        loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        images, rate = 0, 0.0
        self.model.train()
        for rows_B, inputs_BKHW, targets_B in self._epoch_batches(number):
            if self.updates == self.num_updates:
                break
            rate = self.job.learning_rate * self.schedule.factor(self.updates)
            loss, logits_BC = self._update(inputs_BKHW, targets_B, rate)
            loss_sum += loss * len(targets_B)
            correct += self.task.num_correct(logits_BC, targets_B)
            self.recorder.add(number, rows_B, logits_BC, targets_B)
            images += len(targets_B)
            self.updates += 1
        self.images_seen += images
        mean_loss = float(loss_sum) / images
        self._require_finite(mean_loss, "loss", number, rate)
        return Epoch(
            member=self.job.member,
            epoch=number,
            updates=self.updates,
            images_seen=self.images_seen,
            flops=self._flops(),
            learning_rate=rate,
            train_loss=mean_loss,
            train_accuracy=int(correct) / images,
            validation_loss=None,
            validation_accuracy=None,
        )

    def _epoch_batches(self, number: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield the places in [0, R) of each batch's samples, its inputs and its targets."""
        settings, num = self.job.settings, len(self.pick_P)
        order_P = torch.randperm(num, generator=self._generator("order", number))
        order_P = torch.from_numpy(self.pick_P)[order_P].to(self.device)
        draws = augmentation.draw(settings.augmentation, num, self._generator("augment", number))
        for rows in batches(num, settings.batch_size):
            rows_B = order_P[rows]
            images_BHWK = self.samples.images(rows_B)
            images_BHWK = augmentation.augment(images_BHWK, draws[rows], settings.augmentation)
            yield rows_B, normalise(images_BHWK, self.job.meta), self.samples.targets_N[rows_B]

    def _update(self, inputs_BKHW: Tensor, targets_B: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        logits_BC = self.task.logits(self.model, inputs_BKHW, self.job.settings.precision)
        loss = self.task.loss(logits_BC, targets_B, self.job.settings.label_smoothing)
        loss.backward()
        self.optimizer.step(rate)
        return loss.detach(), logits_BC.detach()

    @torch.inference_mode()
    def _validate(self, epoch: Epoch) -> Epoch:
        self.model.eval()
        loss_sum, correct, num = 0.0, 0, len(self.validation)
        for rows in batches(num, VALIDATION_BATCH):
            images_BHWK = self.validation.images(torch.arange(rows.start, rows.stop))
            inputs_BKHW = normalise(images_BHWK, self.job.meta)
            targets_B = self.validation.targets_N[rows]
            logits_BC = self.task.logits(self.model, inputs_BKHW, self.job.settings.precision)
            loss_sum += float(self.task.loss(logits_BC, targets_B, 0.0)) * len(targets_B)
            correct += int(self.task.num_correct(logits_BC, targets_B))
        self.images_validated += num
        self._require_finite(loss_sum / num, "validation loss", epoch.epoch, epoch.learning_rate)
        return replace(
            epoch,
            flops=self._flops(),
            validation_loss=loss_sum / num,
            validation_accuracy=correct / num,
        )

    def _require_finite(self, loss: float, name: str, epoch: int, rate: float) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"member {self.job.member}, epoch {epoch}, learning rate {rate:.3g}: the {name} is "
                f"{loss}; it must stay finite, so lower optimizer.learning_rate"
            )

    def _flops(self) -> float:
        return self.flops_per_image * (TRAINING_COST * self.images_seen + self.images_validated)

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


class Sgd:
    """SGD with momentum, as torch.optim.SGD with the fused kernel.

    That class imports torch's compiler as it is built, which takes as long as torch itself.
    """

    def __init__(self, model: Classifier, settings: Optimizer) -> None:
        self._parameters: list[Tensor] = list(model.parameters())
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
        for parameter in self._parameters:
            parameter.grad = None


def initial_model(job: Job) -> Classifier:
    """Return the model with its first weights, the same for every subset (paired trainings)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(job.random_seed, "initial weights", job.member))
        model = models.build(job.model, job.meta.num_classes, job.meta.image_shape)
    if job.initial_weights is not None:
        load_weights(job.initial_weights, model)
    return model.to(memory_format=torch.channels_last)


def validated_epochs(validations: int | str, num_epochs: int) -> set[int]:
    """Return the epochs after which to validate: evenly spread over the training, the last too."""
    if not isinstance(validations, int):
        return set(range(1, num_epochs + 1))
    return {math.ceil(number * num_epochs / validations) for number in range(1, validations + 1)}


class CheckpointKeeper:
    """Writes the weights of the epochs that are to be kept, and drops those that no longer are.

    Where the last epoch is known only the epochs to keep are ever written; else all that may
    still be among them.
    """

    def __init__(
        self, folder: Path, member: int, settings: Checkpoints, last_epoch: int | None
    ) -> None:
        self._folder = folder
        self._member = member
        self._settings = settings
        self._last_epoch = last_epoch
        self._written: dict[int, Path] = {}
        self._accuracy: dict[int, float] = {}
        self._best = 0  # no epoch yet
        self._epoch = 0

    @property
    def epochs(self) -> Collection[int]:
        """The epochs whose weights are kept so far."""
        return self._written.keys()

    def add(self, epoch: Epoch, model: Classifier) -> None:
        """Take the weights after an epoch."""
        self._epoch = epoch.epoch
        if epoch.validation_accuracy is not None:
            self._accuracy[epoch.epoch] = epoch.validation_accuracy
            if epoch.validation_accuracy > self._accuracy.get(self._best, float("-inf")):
                self._best = epoch.epoch
        if self._is_kept(epoch.epoch):
            path = self._folder / self._checkpoint(epoch.epoch).path
            save_weights(path, model)
            self._written[epoch.epoch] = path
        self._drop()

    def finish(self) -> list[Checkpoint]:
        """Return the checkpoints by epoch; the last epoch that was added is the last of all."""
        self._last_epoch = self._epoch
        self._drop()
        return [self._checkpoint(number) for number in sorted(self._written)]

    def _drop(self) -> None:
        for number in [number for number in self._written if not self._is_kept(number)]:
            self._written.pop(number).unlink()

    def _is_kept(self, number: int) -> bool:
        return self._is_last(number) or (self._settings.best and number == self._best)

    def _is_last(self, number: int) -> bool:
        last, every = self._settings.last, self._settings.every
        if self._last_epoch is None:
            return number >= self._epoch - (last - 1) * every
        back = self._last_epoch - number
        return back % every == 0 and back // every < last

    def _checkpoint(self, number: int) -> Checkpoint:
        return Checkpoint(
            member=self._member,
            epoch=number,
            validation_accuracy=self._accuracy.get(number),
            is_best=number == self._best,
            is_last=self._is_last(number),
        )
