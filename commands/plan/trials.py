"""What a worker process tries: a model trains, or predicts, for a moment on data without meaning.

By the training loop itself, with batches and images as large as they will be. What decides bytes
is not touched.

Shapes: B batch, D inputs of the last layer.
"""

import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from commands.plan import generated
from commands.plan.work import Predictions, Trainings
from stages.shared.artifacts import Epoch, Meta
from stages.shared.prediction.cost import TRAINING_COST
from stages.shared.running import engine
from stages.shared.settings.training_sections import EpochLength, OneCycle
from stages.shared.training.job import Job

if TYPE_CHECKING:
    import torch

BATCHES = 16  # of an epoch at most: enough to make what an epoch costs beside them small
MODELS = 3  # that predict together at most
LONGEST_BATCH = 1.0  # seconds
ENDLESS = 10**6  # epochs
# FLOP/s by which a batch is cut that would take longer; its memory is then scaled. A guess on the
# low side, so that the command ends soon.
GUESSED_SPEED = {"cpu": 2e10, "cuda": 5e12}
CUDA_BYTES = 2**29  # of a process that uses a GPU, whatever it does there


@dataclass(frozen=True)
class Rate:
    """What was measured of one model, trained or predicting."""

    seconds_per_pass: float  # of one image, side by side with the other workers
    seconds_to_begin: float  # of a member: its first batch is slow
    flops_per_pass: float
    process_bytes: float  # most memory of a process, samples left out
    gpu_bytes: float  # most memory of a process on the GPU, 0 without one
    weights_bytes: int  # of one checkpoint
    num_features: int = 0  # that the last layer reads, where predictions have them


@dataclass(frozen=True)
class Trial:
    """What a worker is to try, and how long."""

    meta: Meta
    seconds: float
    work: Any  # Trainings or Predictions


class _EnoughError(Exception):
    """The trial has lasted long enough."""


def train_a_moment(trial: Trial, report: engine.Report) -> Rate:
    """Train for a moment by the training loop."""
    import torch

    from stages.shared.prediction.flops import forward_flops
    from stages.shared.training import loop

    work: Trainings = trial.work
    device, before = torch.device(engine.device_name()), _process_bytes()
    flops = forward_flops(work.model, trial.meta)
    batch = _batch(TRAINING_COST * flops, work.settings.batch_size, device)
    picks = min(work.num_picks, BATCHES * batch)
    ends: list[float] = []

    def note(epoch: Epoch, images: int) -> None:
        ends.append(time.perf_counter())
        if len(ends) > 1 and ends[-1] - ends[0] > trial.seconds:
            raise _EnoughError

    began = time.perf_counter()
    with TemporaryDirectory() as folder, suppress(_EnoughError):
        meta = generated.write(Path(folder) / "prepared", trial.meta, picks)
        began = time.perf_counter()
        job = _job(work, meta, batch, Path(folder) / "prepared")
        loop.train(job, Path(folder) / "member", device, note)
    of_epoch = (ends[-1] - ends[0]) / (len(ends) - 1)
    return Rate(
        seconds_per_pass=of_epoch / (TRAINING_COST * picks),
        seconds_to_begin=max(0.0, ends[0] - began - of_epoch),
        flops_per_pass=flops,
        process_bytes=before + (_process_bytes() - before) * work.settings.batch_size / batch,
        gpu_bytes=_gpu_bytes(device) * work.settings.batch_size / batch,
        weights_bytes=_weights_bytes(work.model, trial.meta),
    )


def _job(work: Trainings, meta: Meta, batch: int, prepared: Path) -> Job:
    """Return the training without its end, which the trial will not see."""
    settings = work.settings.model_copy(
        update={
            "batch_size": batch,
            "length": EpochLength(epochs=ENDLESS),
            "schedule": OneCycle(name="one_cycle", peak_at=0.5, start=0.1),
            "stop_after": None,
            "validations": 1,
        }
    )
    return Job(
        task=meta.task,
        model=work.model,
        settings=settings,
        learning_rate=settings.optimizer.learning_rate,
        random_seed=0,
        member=0,
        index_P=np.arange(min(work.num_picks, meta.num_samples["train"])),
        prepared=prepared,
        meta=meta,
        initial_weights=None,
        track=getattr(settings, "track", "none"),
    )


def predict_a_moment(trial: Trial, report: engine.Report) -> Rate:
    """Predict a batch again and again, and reduce it to signals as predict_pool does."""
    import torch

    from stages.shared.prediction.flops import forward_flops

    work: Predictions = trial.work
    torch.set_num_threads(engine.num_cores())
    device, before = torch.device(engine.device_name()), _process_bytes()
    num_models, flops = min(work.num_models, MODELS), forward_flops(work.model, trial.meta)
    batch = _batch(flops * num_models, min(work.batch_size, work.num_samples), device)
    with TemporaryDirectory() as folder:
        meta = generated.write(Path(folder), trial.meta, batch)
        batches = _Batches(Path(folder), meta, work, device)
        ends = [time.perf_counter()]
        while len(ends) < 3 or ends[-1] - ends[1] < trial.seconds:  # noqa: PLR2004 - one is slow
            batches.predict(num_models)
            ends.append(time.perf_counter())
    of_batch, times = (ends[-1] - ends[1]) / (len(ends) - 2), work.batch_size / batch
    weights_bytes = _weights_bytes(work.model, trial.meta)
    added = (_process_bytes() - before) * times + weights_bytes * (work.num_models - 1)
    return Rate(
        seconds_per_pass=of_batch / (batch * num_models * len(work.views)),
        seconds_to_begin=max(0.0, ends[1] - ends[0] - of_batch),
        flops_per_pass=flops,
        process_bytes=before + added,
        gpu_bytes=_gpu_bytes(device) * times,
        weights_bytes=weights_bytes,
        num_features=batches.num_features,
    )


class _Batches:
    """One batch that some models predict, again and again: all have the same weights."""

    def __init__(
        self, prepared: Path, meta: Meta, work: Predictions, device: "torch.device"
    ) -> None:
        import torch

        from stages.shared import models, tasks

        self.num_features = 0
        self._prepared, self._meta, self._work, self._device = prepared, meta, work, device
        self._task = tasks.load(meta.task)
        net = models.build(work.model, meta.num_classes, meta.input_shape)
        self._model = net.eval().to(device).to(memory_format=torch.channels_last)
        self._targets_B = self._task.load_targets(prepared, "train", device)

    def predict(self, num_models: int) -> None:
        """Read the batch, let so many models predict it and take the signals."""
        import torch

        from stages.shared.prediction import forward_passes

        rows = [slice(0, self._meta.num_samples["train"])]
        (inputs_B,) = self._task.read_batches(
            self._prepared, "train", rows, self._meta, self._device
        )
        probs = []
        for _ in range(num_models):
            made = forward_passes.forward(self._task, self._model, inputs_B, self._work.precision)
            probs.append(forward_passes.probabilities(self._task, made, self._work.views))
            if made.features_BD is not None:
                self.num_features = made.features_BD.shape[1]
        for signal in self._task.signals(torch.stack(probs), self._targets_B).values():
            signal.cpu()  # waits for a GPU


def _batch(flops_per_sample: float, wanted: int, device: "torch.device") -> int:
    """Return the size of a batch that the trial has time for, 3 at least."""
    fitting = int(GUESSED_SPEED[device.type] * LONGEST_BATCH / max(1.0, flops_per_sample))
    return max(3, min(wanted, fitting))


def _weights_bytes(model: str, meta: Meta) -> int:
    from stages.shared import models

    net = models.build(model, meta.num_classes, meta.input_shape)
    return sum(tensor.numel() * tensor.element_size() for tensor in net.state_dict().values())


def _process_bytes() -> int:
    """Return the most memory that this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _gpu_bytes(device: "torch.device") -> int:
    """Return the most memory that this process has had on the GPU, and what CUDA itself takes."""
    if device.type != "cuda":
        return 0
    import torch

    return torch.cuda.max_memory_reserved(device) + CUDA_BYTES
