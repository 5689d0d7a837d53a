"""How fast this machine is, measured just now as the stages will use it.

Each model trains and predicts for a moment, as the engine would have it: as many members side by
side as `SUBSET_WORKERS` says.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from commands.plan.data_sets import Data
from commands.plan.trials import (
    BATCHES,
    MODELS,
    Rate,
    Trial,
    predict_a_moment,
    train_a_moment,
)
from commands.plan.work import Predictions, Trainings
from stages.shared.running import engine, workers
from stages.shared.samples.decoding import decode_or_describe
from stages.shared.settings.sections import Dataset

ALL_SECONDS = 3.0  # of all trials together, the start of their processes left out
LEAST_SECONDS, MOST_SECONDS = 0.3, 1.0  # of one
DECODING_SECONDS = 0.3
STARTS = 3  # of a light stage


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
    return workers.map_pieces(
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
    """Return how long one core takes for an image file; 0 where there are none.

    It goes on for so many seconds of the processor: on a busy machine a shorter look may catch a
    moment in which this process does not run.
    """
    began, used, num = time.perf_counter(), time.process_time(), 0
    for path in cycle(files):
        decode_or_describe(path.parent, path.name, dataset.image_size)
        num += 1
        if time.process_time() - used > DECODING_SECONDS:
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
