"""How fast this machine is, just now: each model trains for a moment.

By the training loop itself, as many members side by side as `SUBSET_WORKERS` says, with batches as
large as they will be, on samples without meaning.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from commands.plan import generated
from commands.plan.data_sets import Data
from commands.plan.work import Predictions, Trainings, Work
from stages.shared import models
from stages.shared.artifacts import Epoch, Meta
from stages.shared.errors import TrainingError
from stages.shared.prediction.cost import TRAINING_COST
from stages.shared.running import engine, workers
from stages.shared.samples.decoding import decode_or_describe
from stages.shared.settings.sections import Dataset
from stages.shared.settings.training_sections import EpochLength, OneCycle
from stages.shared.training.job import Job

SECONDS = 0.4  # of one trial, its first batch left out
DECODING_SECONDS = 0.3
STARTS = 3  # of a light stage
EMBEDDING = 1280  # numbers, of EfficientNets and MobileNets
BATCHES = 16  # of an epoch at most: enough to make what an epoch costs beside them small
ENDLESS = 10**6  # epochs
LONGEST_BATCH = 1.0  # seconds
# FLOP/s by which a batch is cut that would take longer; its memory is then scaled. A guess on the
# low side, so that the command ends soon.
GUESSED_SPEED = {"cpu": 2e10, "cuda": 5e12}


@dataclass(frozen=True)
class Rate:
    """What was measured of one model, trained or predicting."""

    seconds_per_image: float  # side by side with the other workers
    seconds_to_begin: float  # of a member: its first batch is slow
    process_bytes: float  # most memory of a process, samples left out
    weights_bytes: int  # of one checkpoint


@dataclass(frozen=True)
class Machine:
    """What was measured on this machine."""

    device: str
    start: float  # seconds of a stage that does little
    torch_start: float  # seconds until processes with torch are there
    decoding: float  # seconds of a core to decode one image file
    rates: Mapping[object, Rate]

    def rate(self, work: Trainings) -> Rate:
        """Return what was measured for some trainings."""
        return self.rates[_key(work)]


def measure(work: Iterable[Work], data: Data, dataset: Dataset) -> Machine:
    """Measure what the stages will do, each kind once."""
    start = _seconds_of_light_stage()
    began = time.perf_counter()
    (device,) = in_processes(_device, [None])
    torch_start = time.perf_counter() - began
    trainings = (each.like if isinstance(each, Predictions) else each for each in work if each)
    kinds = {_key(each): each for each in trainings}
    rates = {key: _rate(each, data.meta) for key, each in kinds.items()}
    decoding = _seconds_to_decode(data.files or data.to_decode, dataset)
    return Machine(device, start, torch_start, decoding, rates)


def in_processes(
    function: Callable[[Any, engine.Report], Any], pieces: Sequence[Any], num_threads: int = 1
) -> list[Any]:
    """Return what the function makes of each piece, in processes as the stages start them."""
    return workers.map_pieces(
        function, pieces, threads_per_piece=num_threads, on_report=lambda number, message: None
    )


def num_workers(trainings: Trainings) -> int:
    """Return how many members train side by side; 1 where all are finished."""
    fitting = engine.num_workers(trainings.settings.num_threads)
    return max(1, min(fitting, trainings.num_members))


def _key(work: Trainings) -> object:
    """Return what trainings have in common that take the same time for an image."""
    picks = min(work.num_picks, BATCHES * work.settings.batch_size)
    return type(work.settings).__name__, work.model, picks


def _rate(work: Trainings, meta: Meta) -> Rate:
    """Return what the slowest of the workers measured, which a stage would wait for."""
    pieces = [(_read_by(work.model, meta), work)] * num_workers(work)
    rates: list[Rate] = in_processes(train_a_moment, pieces, work.settings.num_threads)
    return max(rates, key=lambda rate: rate.seconds_per_image)


def _read_by(model: str, meta: Meta) -> Meta:
    """Return what a model reads: the samples, or embeddings as long as most networks give them."""
    if not models.takes_embeddings(meta.task, model):
        return meta
    mean, std = [0.0] * EMBEDDING, [1.0] * EMBEDDING
    return replace(meta, task="vector_classification", input_shape=[EMBEDDING], mean=mean, std=std)


def _device(piece: None, report: engine.Report) -> str:
    import torch  # noqa: F401 - its start is timed

    return engine.device_name()


def _seconds_of_light_stage() -> float:
    """Return how long a stage takes that does nothing: Python and what each stage imports."""
    command = [sys.executable, "-m", "stages.seed_subset", "--help"]
    marks = [time.perf_counter()]
    for _ in range(STARTS):  # in a fresh clone the first compiles
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        marks.append(time.perf_counter())
    return median(np.diff(marks).tolist())


def _seconds_to_decode(files: Sequence[Path], dataset: Dataset) -> float:
    """Return how long one core takes for an image file; 0 where there are none."""
    began, num = time.perf_counter(), 0
    while files and time.perf_counter() - began < DECODING_SECONDS:
        path = files[num % len(files)]
        decode_or_describe(path.parent, path.name, dataset.image_size)
        num += 1
    return (time.perf_counter() - began) / max(1, num)


# --- in a worker process -------------------------------------------------------------------------


class _EnoughError(Exception):
    """The trial has lasted long enough."""


def train_a_moment(piece: tuple[Meta, Trainings], report: engine.Report) -> Rate:
    """Train for some epochs of a few batches."""
    import torch

    from stages.shared.training import loop

    meta, work = piece
    device, before = torch.device(engine.device_name()), _process_bytes()
    batch = _batch(work, meta, device.type)
    picks = min(work.num_picks, BATCHES * batch)
    ends: list[float] = []

    def note(epoch: Epoch, images: int) -> None:
        ends.append(time.perf_counter())
        if len(ends) > 1 and ends[-1] - ends[0] > SECONDS:
            raise _EnoughError

    with TemporaryDirectory() as folder, suppress(_EnoughError):
        prepared, member = Path(folder) / "prepared", Path(folder) / "member"
        job = _job(work, generated.write(prepared, meta, picks), batch, prepared)
        began = time.perf_counter()
        try:
            loop.train(job, member, device, note)
        except torch.OutOfMemoryError:
            raise TrainingError(
                f"{work.model} does not fit on the GPU in batches of {batch}, {num_workers(work)} "
                "trainings side by side; lower batch_size or SUBSET_WORKERS"
            ) from None
    of_epoch = (ends[-1] - ends[0]) / (len(ends) - 1)
    return Rate(
        seconds_per_image=of_epoch / picks,
        seconds_to_begin=max(0.0, ends[0] - began - of_epoch),
        process_bytes=before + (_process_bytes() - before) * work.settings.batch_size / batch,
        weights_bytes=_weights_bytes(work.model, meta),
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
        index_P=np.arange(meta.num_samples["train"]),
        prepared=prepared,
        meta=meta,
        initial_weights=None,
        track=getattr(settings, "track", "none"),
    )


def _batch(work: Trainings, meta: Meta, device: str) -> int:
    """Return the size of a batch that the trial has time for, 3 at least."""
    from stages.shared.prediction.flops import forward_flops

    flops = TRAINING_COST * max(1, forward_flops(work.model, meta))
    fitting = int(GUESSED_SPEED[device] * LONGEST_BATCH / flops)
    return max(3, min(work.settings.batch_size, fitting))


def _weights_bytes(model: str, meta: Meta) -> int:
    net = models.build(model, meta.num_classes, meta.input_shape)
    return sum(tensor.nbytes for tensor in net.state_dict().values())


def _process_bytes() -> int:
    """Return the most memory that this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
