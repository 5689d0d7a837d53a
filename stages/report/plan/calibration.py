"""How fast this machine is: each model trains and predicts for a moment, on data without meaning.

As the engine would have it: as many members side by side as `SUBSET_WORKERS` says, the training
loop itself, batches and images as large as they will be. What decides bytes is not touched.

Shapes: B batch.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.report.plan import generated
from stages.report.plan.data import Data
from stages.report.plan.work import Predictions, Trainings
from stages.shared import engine
from stages.shared.artifacts import Epoch, Meta
from stages.shared.cost import TRAINING_COST
from stages.shared.images import decode_or_describe
from stages.shared.job import Job
from stages.shared.params_sections import Dataset
from stages.shared.params_training import EpochLength, OneCycle

if TYPE_CHECKING:
    import torch

BATCHES = 16  # of an epoch at most: enough to make what an epoch costs beside them small
MODELS = 3  # that predict together at most
ALL_SECONDS = 4.0  # of all trials together, the start of their processes left out
LEAST_SECONDS, MOST_SECONDS = 0.3, 1.0  # of one
DECODING_SECONDS = 0.3
STARTS = 3  # of a light stage
ENDLESS = 10**6  # epochs
# FLOP/s that a batch is cut by where it would take more than MOST_SECONDS; its memory is then
# scaled. A guess on the low side, so that the command ends soon.
GUESSED_SPEED = {"cpu": 2e10, "cuda": 5e12}
UPDATES_LOOKED_AT = 1000  # of a training whose images grow
CUDA_BYTES = 2**29  # of a process that uses a GPU, whatever it does there


@dataclass(frozen=True)
class Rate:
    """What was measured of one model, trained or predicting."""

    seconds_per_pass: float  # of one image, side by side with the other workers
    seconds_to_begin: float  # of a member: its first batch is slow
    flops_per_pass: float  # at the size that images have on average
    process_bytes: float  # most memory of a process, samples left out
    gpu_bytes: float  # most memory of a process on the GPU, 0 without one
    weights_bytes: int  # of one checkpoint
    num_features: int = 0  # that the last layer reads, where predictions have them


@dataclass(frozen=True)
class Calibration:
    """What was measured on this machine, just now."""

    device: str
    gpu_bytes: float  # that there are on the GPU, 0 without one
    start: float  # seconds of a stage that does little
    torch_start: float  # seconds until processes with torch are there
    decoding: float  # seconds of a core to decode one image file
    rates: Mapping[object, Rate]

    def of_training(self, trainings: Trainings) -> Rate:
        """Return what was measured for some trainings."""
        return self.rates[_training_key(trainings)]

    def of_prediction(self, predictions: Predictions) -> Rate:
        """Return what was measured for some predictions."""
        return self.rates[_prediction_key(predictions)]


def calibrate(
    trainings: Iterable[Trainings], predictions: Iterable[Predictions], data: Data, dataset: Dataset
) -> Calibration:
    """Measure what the stages will do, each kind once."""
    to_train = {_training_key(each): each for each in trainings}
    to_predict = {_prediction_key(each): each for each in predictions}
    start = _seconds_of_light_stage()
    began = time.perf_counter()
    ((device, gpu_bytes),) = _in_processes(_device, [None])
    torch_start = time.perf_counter() - began
    seconds = ALL_SECONDS / max(1, len(to_train) + len(to_predict))
    seconds = min(MOST_SECONDS, max(LEAST_SECONDS, seconds))
    rates: dict[object, Rate] = {}
    for key, each in to_train.items():
        trial = Trial(data.meta, seconds, each)
        num = min(engine.num_workers(each.settings.num_threads), each.num_members)
        rates[key] = _mean(_in_processes(train_a_moment, [trial] * num, each.settings.num_threads))
    for key, predicted in to_predict.items():
        trial = Trial(data.meta, seconds, predicted)
        (rates[key],) = _in_processes(predict_a_moment, [trial], engine.num_cores())
    decoding = _seconds_to_decode(data.files, dataset)
    return Calibration(device, gpu_bytes, start, torch_start, decoding, rates)


def _training_key(each: Trainings) -> object:
    """Return what trainings have in common that take the same time for an image."""
    picks = min(each.num_picks, BATCHES * each.settings.batch_size)
    return type(each.settings).__name__, each.model, picks


def _prediction_key(each: Predictions) -> object:
    return each.model, each.batch_size, each.views, each.precision, min(each.num_models, MODELS)


def _in_processes(
    function: Callable[[Any, engine.Report], Any], pieces: Sequence[Any], num_threads: int = 1
) -> list[Any]:
    return engine.map_pieces(
        function, pieces, threads_per_piece=num_threads, on_report=lambda number, message: None
    )


def _device(piece: None, report: engine.Report) -> tuple[str, float]:
    """Return the device and the bytes of the GPU."""
    import torch

    device = engine.device_name()
    return device, torch.cuda.mem_get_info()[1] if device == "cuda" else 0.0


def _seconds_of_light_stage() -> float:
    """Return how long a stage takes that does nothing: Python and what each stage imports."""
    command = [sys.executable, "-m", "stages.seed_subset", "--help"]
    marks = [time.perf_counter()]
    for _ in range(STARTS):  # in a fresh clone the first compiles
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        marks.append(time.perf_counter())
    return float(np.median(np.diff(marks)))


def _seconds_to_decode(files: Sequence[Path], dataset: Dataset) -> float:
    """Return how long one core takes for an image file; 0 where there are none."""
    began, num = time.perf_counter(), 0
    for path in cycle(files):
        decode_or_describe(path.parent, path.name, dataset.image_size)
        num += 1
        if time.perf_counter() - began > DECODING_SECONDS:
            break
    return (time.perf_counter() - began) / num if num else 0.0


def _mean(rates: Sequence[Rate]) -> Rate:
    """Return the mean of the times, and the largest of the memory."""
    return replace(
        rates[0],
        seconds_per_pass=float(np.mean([rate.seconds_per_pass for rate in rates])),
        seconds_to_begin=float(np.mean([rate.seconds_to_begin for rate in rates])),
        process_bytes=max(rate.process_bytes for rate in rates),
        gpu_bytes=max(rate.gpu_bytes for rate in rates),
    )


# --- in a worker process --------------------------------------------------------------------------


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

    from stages.shared.flops import forward_flops
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
    size = _mean_size(work, trial.meta)
    return Rate(
        seconds_per_pass=of_epoch / (TRAINING_COST * picks),
        seconds_to_begin=max(0.0, ends[0] - began - of_epoch),
        flops_per_pass=flops * size,
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
            "resolution": "full",
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

    from stages.shared import models, prediction, tasks
    from stages.shared.flops import forward_flops

    work: Predictions = trial.work
    torch.set_num_threads(engine.num_cores())
    device, before = torch.device(engine.device_name()), _process_bytes()
    task, flops = tasks.load(trial.meta.task), forward_flops(work.model, trial.meta)
    num_models = min(work.num_models, MODELS)
    batch = _batch(flops * num_models, min(work.batch_size, work.num_samples), device)
    with TemporaryDirectory() as folder:
        meta = generated.write(Path(folder), trial.meta, batch)
        rows, net = [slice(0, batch)], models.build(work.model, meta.num_classes, meta.input_shape)
        net = net.eval().to(device).to(memory_format=torch.channels_last)
        targets_B = task.load_targets(Path(folder), "train", device)
        ends = [time.perf_counter()]
        while len(ends) < 3 or ends[-1] - ends[1] < trial.seconds:  # noqa: PLR2004 - one is slow
            (inputs_B,) = task.read_batches(Path(folder), "train", rows, meta, device)
            made = [prediction.forward(task, net, inputs_B, work.precision)] * num_models
            made[1:] = [prediction.forward(task, net, inputs_B, work.precision) for _ in made[1:]]
            probs_MB = torch.stack([prediction.probabilities(task, m, work.views) for m in made])
            [part.cpu() for part in task.signals(probs_MB, targets_B).values()]  # waits for a GPU
            ends.append(time.perf_counter())
    of_batch = (ends[-1] - ends[1]) / (len(ends) - 2)
    weights_bytes = _weights_bytes(work.model, trial.meta)
    return Rate(
        seconds_per_pass=of_batch / (batch * num_models * len(work.views)),
        seconds_to_begin=max(0.0, ends[1] - ends[0] - of_batch),
        flops_per_pass=flops,
        process_bytes=before
        + (_process_bytes() - before) * work.batch_size / batch
        + weights_bytes * (work.num_models - 1),
        gpu_bytes=_gpu_bytes(device) * work.batch_size / batch,
        weights_bytes=weights_bytes,
        num_features=0 if made[0].features_BD is None else made[0].features_BD.shape[1],
    )


def _batch(flops_per_sample: float, wanted: int, device: "torch.device") -> int:
    """Return the size of a batch that the trial has time for, 3 at least."""
    fitting = int(GUESSED_SPEED[device.type] * MOST_SECONDS / max(1.0, flops_per_sample))
    return max(3, min(wanted, fitting))


def _mean_size(work: Trainings, meta: Meta) -> float:
    """Return the share of a whole image's operations that images have over the training."""
    if isinstance(work.settings.resolution, str):
        return 1.0
    from stages.shared.flops import forward_flops
    from stages.shared.training.resolution import Resolution

    resolution = Resolution(work.settings.resolution, meta.input_shape, UPDATES_LOOKED_AT)
    flops = {size: forward_flops(work.model, meta, size) for size in resolution.sizes}
    sizes = [resolution.size(update) for update in range(UPDATES_LOOKED_AT)]
    return float(np.mean([flops[size] for size in sizes])) / flops[resolution.full]


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
