"""Seconds, FLOPs, memory and disk of each stage, from what it does and how fast the machine is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from commands.plan.calibration import Calibration
from commands.plan.data_sets import Data
from commands.plan.disk import Sizes, stage_bytes
from commands.plan.graph import Stage
from commands.plan.work import Predictions, Trainings, Work
from stages.shared.running import engine
from stages.shared.samples.decoding import MOST_RESIDENT
from stages.shared.settings.params import Params
from stages.shared.sizes import num_picks, parse_size
from stages.shared.training import schedules

# What stages take that neither train nor predict, in starts of one that does nothing: the default
# pipeline on two cores, where such a start was 0.35 s on a quiet machine and 1.45 s on a busy one.
STARTS_OF_PREPARE = 4.5  # which imports the data set's library
STARTS_OF_EVALUATE = 3.5  # scikit-learn
STARTS_OF_REPORT = 3.5
STARTS_OF_ROUND, STARTS_OF_MODEL = 1.5, 1.0  # pictures and tables of each
# Seconds for each train sample: score and select of 1.28 million in benchmarks/results.
SECONDS_PER_SAMPLE = 4e-6
# Products of k-centers a second, on one core: 4,277 picks of 50,000 x 64 in benchmarks/results.
K_CENTERS_SPEED = 4_277 * 50_000 * 64
FEATURES = 128  # of a model, where nobody asked it
MOST_DECODED = (
    2 * 2**30
)  # bytes of pixels that a training decodes once, as stages/shared/networks/batches.py
LIGHT_BYTES = 150e6  # of a stage without torch
BYTES_PER_SAMPLE = 400  # of score with 100 voters, in benchmarks/results


class Machine(NamedTuple):
    """What was measured here and what is to be run."""

    params: Params
    data: Data
    calibration: Calibration


@dataclass(frozen=True)
class Estimate:
    """What a stage will take when it runs."""

    stage: Stage
    work: Work
    flops: float
    seconds: float
    memory_bytes: float  # most of all its processes together
    gpu_bytes: float
    disk_bytes: float
    workers: int = 1  # processes that hold the memory


def estimate(stage: Stage, work: Work, machine: Machine) -> Estimate:
    """Return what a stage will take."""
    params, data, _ = machine
    if work.trainings is not None:
        return _of_training(stage, work, work.trainings, machine)
    if work.predictions is not None:
        return _of_prediction(stage, work, work.predictions, machine)
    return Estimate(
        stage=stage,
        work=work,
        flops=0.0,
        seconds=_light_seconds(stage, machine),
        memory_bytes=LIGHT_BYTES + BYTES_PER_SAMPLE * data.num_train,
        gpu_bytes=0.0,
        disk_bytes=stage_bytes(stage, work, Sizes(params, data, 0, 0)),
    )


def member_seconds(trainings: Trainings, machine: Machine) -> float:
    """Return what one member's training takes, with the others at its side."""
    rate = machine.calibration.of_training(trainings)
    computing = rate.seconds_to_begin + trainings.passes * rate.seconds_per_pass
    return computing + _decoding_seconds(trainings, machine)


def total_seconds(estimates: Iterable[Estimate], dvc_seconds: float) -> float:
    """Return the seconds of all stages, one after the other, and of DVC."""
    return dvc_seconds + sum(each.seconds for each in estimates)


def num_epochs(trainings: Trainings) -> int:
    """Return how many epochs a member trains, at most."""
    settings = trainings.settings
    return schedules.num_epochs(settings, -(-trainings.num_picks // settings.batch_size))


def _of_training(stage: Stage, work: Work, trainings: Trainings, machine: Machine) -> Estimate:
    params, data, calibration = machine
    rate = calibration.of_training(trainings)
    workers = num_workers(trainings)
    waves = -(-trainings.num_members // workers)
    start = calibration.start + calibration.torch_start
    sizes = Sizes(params, data, rate.weights_bytes, num_epochs(trainings))
    resident = resident_bytes(trainings, data)
    on_gpu = rate.gpu_bytes > 0
    return Estimate(
        stage=stage,
        work=work,
        flops=trainings.num_members * trainings.passes * rate.flops_per_pass,
        seconds=start + waves * member_seconds(trainings, machine),
        memory_bytes=LIGHT_BYTES + workers * (rate.process_bytes + (0 if on_gpu else resident)),
        gpu_bytes=workers * (rate.gpu_bytes + resident) if on_gpu else 0.0,
        disk_bytes=stage_bytes(stage, work, sizes),
        workers=workers,
    )


def _of_prediction(
    stage: Stage, work: Work, predictions: Predictions, machine: Machine
) -> Estimate:
    params, data, calibration = machine
    rate = calibration.of_prediction(predictions)
    start = calibration.start + calibration.torch_start
    if stage.kind == "evaluate":
        start += STARTS_OF_EVALUATE * calibration.start
    computing = rate.seconds_to_begin + predictions.passes * rate.seconds_per_pass
    decoding = predictions.num_samples * calibration.decoding / engine.num_loaders()
    return Estimate(
        stage=stage,
        work=work,
        flops=predictions.passes * rate.flops_per_pass,
        seconds=start + computing + (decoding if data.storage == "files" else 0.0),
        memory_bytes=rate.process_bytes,
        gpu_bytes=rate.gpu_bytes,
        disk_bytes=stage_bytes(
            stage, work, Sizes(params, data, rate.weights_bytes, 0, rate.num_features)
        ),
    )


def resident_bytes(trainings: Trainings, data: Data) -> float:
    """Return what a member holds of its subset and of validation, where that is not read as needed.

    Texts stay on disk, in pages that all members share.
    """
    if not data.are_images:
        return 0.0
    rows = min(trainings.num_picks, data.num_train)
    most = MOST_RESIDENT if data.storage == "memory" else MOST_DECODED
    parts = (num * data.input_bytes for num in (rows, trainings.num_validation))
    return sum(part for part in parts if part <= most)


def _decoding_seconds(trainings: Trainings, machine: Machine) -> float:
    """Return what decoding adds to a member: of each draw, or once where all stays in memory."""
    data = machine.data
    if data.storage != "files":
        return 0.0
    rows = min(trainings.num_picks, data.num_train)
    num = rows if rows * data.input_bytes <= MOST_DECODED else trainings.images
    loaders = engine.loaders_each(num_workers(trainings))
    return num * machine.calibration.decoding / loaders


def num_workers(trainings: Trainings) -> int:
    """Return how many members train side by side; 1 where all are finished."""
    fitting = engine.num_workers(trainings.settings.num_threads)
    return max(1, min(fitting, trainings.num_members))


def _light_seconds(stage: Stage, machine: Machine) -> float:
    params, data, calibration = machine
    start = calibration.start
    if stage.kind == "prepare":
        decoding = data.num_samples * calibration.decoding / engine.num_loaders()
        return STARTS_OF_PREPARE * start + decoding
    if stage.kind == "report":
        rounds = STARTS_OF_ROUND * len(params.rounds)
        return start * (STARTS_OF_REPORT + rounds + STARTS_OF_MODEL * len(params.compare.models))
    seconds = start + SECONDS_PER_SAMPLE * data.num_train
    if stage.kind == "select" and params.select.rule == "k_centers":
        picks = data.num_train if params.select.order == "all" else _added(stage, data)
        seconds += picks * data.num_train * FEATURES / K_CENTERS_SPEED
    return seconds


def _added(stage: Stage, data: Data) -> int:
    """Return how many picks a round adds, or keeps where it shrinks."""
    source, target = (num_picks(parse_size(text), data.num_train) for text in stage.arguments[:2])
    return target - source if target > source else target
