"""Seconds, memory and disk of each stage, from what it does and how fast the machine is."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from commands.plan.data_sets import Data
from commands.plan.graph import Stage
from commands.plan.trials import Machine, num_workers
from commands.plan.work import Predictions, Trainings, Work
from stages.shared.prediction.cost import training_cost
from stages.shared.running import cgroups, engine
from stages.shared.samples.decoding import MOST_RESIDENT
from stages.shared.settings.params import Params

# In starts of a stage that does nothing, as measured on the default pipeline. The first is what DVC
# takes for a stage beside it, the others what stages take that neither train nor predict.
OF_DVC = 4.0
OF_LIGHT_STAGE = 1.0
OF_PREPARE = 5.0  # which imports the data set's library
OF_EVALUATE = 5.0  # scikit-learn and torchmetrics, beside torch
OF_REPORT, OF_REPORTED_ROUND = 5.0, 1.5
MOST_DECODED = 2**31  # bytes that a training decodes once, as stages/shared/networks/batches.py
LIGHT_BYTES = 150e6  # of a stage without torch
BYTES_OF_SIGNALS = 40  # of a sample, beside the votes


class Plan(NamedTuple):
    """What is to be run and what was measured."""

    params: Params
    data: Data
    machine: Machine


@dataclass(frozen=True)
class Estimate:
    """What a stage will take when it runs; bytes are those of its largest parts alone."""

    stage: Stage
    work: Work
    seconds: float  # without DVC's own
    memory_bytes: float  # most of all its processes together
    disk_bytes: float


def estimate(stage: Stage, work: Work, plan: Plan) -> Estimate:
    """Return what a stage will take."""
    params, data, machine = plan
    if isinstance(work, Trainings):
        return _of_training(stage, work, plan)
    if isinstance(work, Predictions):
        return _of_prediction(stage, work, plan)
    starts, disk = OF_LIGHT_STAGE, 0.0
    if stage.kind == "report":
        starts = OF_REPORT + OF_REPORTED_ROUND * len(params.rounds)
    seconds = starts * machine.start
    if stage.kind == "prepare":
        num, seconds = sum(data.num_samples.values()), OF_PREPARE * machine.start
        seconds += num * machine.decoding / engine.num_loaders() if data.to_decode else 0.0
        disk = 0.0 if data.files else num * data.input_bytes
    return Estimate(stage, work, seconds, LIGHT_BYTES, disk)


def member_seconds(work: Trainings, plan: Plan) -> float:
    """Return what one member's training takes, with the others at its side."""
    rate = plan.machine.rate(work)
    images = work.images + work.validated / training_cost(work.settings.train)
    computing = rate.seconds_to_begin + images * rate.seconds_per_image
    if not plan.data.files:
        return computing
    # Images are decoded at each draw, or once where all stay in memory.
    once = work.num_picks * plan.data.input_bytes <= MOST_DECODED
    loaders = engine.loaders_each(num_workers(work))
    return computing + (work.num_picks if once else images) * plan.machine.decoding / loaders


def total_seconds(estimates: Sequence[Estimate], plan: Plan) -> float:
    """Return the seconds of some stages, one after the other, with DVC's own."""
    of_dvc = OF_DVC * plan.machine.start * len(estimates)
    return of_dvc + sum(each.seconds for each in estimates)


def _of_training(stage: Stage, work: Trainings, plan: Plan) -> Estimate:
    rate, workers, kept = plan.machine.rate(work), num_workers(work), work.settings.checkpoints
    waves = -(-work.num_members // workers)
    seconds = _torch_start(plan) + waves * member_seconds(work, plan)
    memory = LIGHT_BYTES + workers * (rate.process_bytes + _resident_bytes(work, plan.data))
    checkpoints = work.num_members * min(work.epochs, kept.last + kept.best)
    # There, and in the resume folder.
    return Estimate(stage, work, seconds, memory, 2 * checkpoints * rate.weights_bytes)


def _of_prediction(stage: Stage, work: Predictions, plan: Plan) -> Estimate:
    """Return what a prediction takes: the forward pass of a training, on all cores."""
    data, machine, rate = plan.data, plan.machine, plan.machine.rate(work.like)
    cost = training_cost(work.like.settings.train)
    of_sample = rate.seconds_per_image / cost / num_workers(work.like)
    seconds = _torch_start(plan) + work.num_models * work.num_samples * of_sample
    if data.files:
        seconds += work.num_samples * machine.decoding / engine.num_loaders()
    if stage.kind in ("evaluate", "evaluate_ensemble"):
        return Estimate(stage, work, seconds + OF_EVALUATE * machine.start, LIGHT_BYTES, 0)
    disk = data.num_samples["train"] * (2 * work.num_models + BYTES_OF_SIGNALS)
    return Estimate(stage, work, seconds, rate.process_bytes, disk)


def _torch_start(plan: Plan) -> float:
    return plan.machine.start + plan.machine.torch_start


def _resident_bytes(work: Trainings, data: Data) -> float:
    """Return what a member holds of its subset and of validation; texts stay on disk."""
    most = MOST_DECODED if data.files else MOST_RESIDENT
    rows = min(work.num_picks, data.num_samples["train"])
    parts = [num * data.input_bytes for num in (rows, work.num_validation)]
    if data.inputs == "texts":  # they stay on disk
        return 0.0
    return sum(part for part in parts if part <= most)


# --- what will not fit ---------------------------------------------------------------------------


def will_not_fit(estimates: Sequence[Estimate]) -> Iterator[str]:
    """Yield a line for each thing that is too large: what it needs, what there is, a way out."""
    largest, there = max(estimates, key=lambda each: each.memory_bytes), _memory()
    if largest.memory_bytes > there:
        yield (
            f"Will not fit: {largest.stage.name} needs {in_bytes(largest.memory_bytes)} of memory "
            f"and there are {in_bytes(there)}: lower SUBSET_WORKERS or "
            f"{largest.stage.kind}.batch_size, or set dataset.storage: files."
        )
    largest = max(estimates, key=lambda each: each.disk_bytes)
    need, there = sum(each.disk_bytes for each in estimates), shutil.disk_usage(Path()).free
    if need > there:
        yield (
            f"Will not fit: the stages write {in_bytes(need)} and the disk has {in_bytes(there)} "
            f"left; {largest.stage.name} writes most of it."
        )


def _memory() -> float:
    """Return the bytes that this machine, or the container, has."""
    memory = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(memory, cgroups.memory_bytes() or memory)


def in_bytes(number: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004 - SI
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
