"""What will not fit into memory, the GPU or the disk, and which setting would make it fit."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.plan.data_sets import Data
from commands.plan.estimates import Estimate, resident_bytes
from stages.shared.settings.params import Params

CGROUP = Path("/sys/fs/cgroup/memory.max")  # of a container on Linux


@dataclass(frozen=True)
class Limits:
    """What there is, in bytes; 0 on the GPU where there is none."""

    memory: float
    gpu: float
    disk: float


def limits_here(gpu: float) -> Limits:
    """Return what this machine, or the container, has."""
    memory = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if CGROUP.exists() and (text := CGROUP.read_text().strip()).isdecimal():
        memory = min(memory, float(text))
    return Limits(memory, gpu, shutil.disk_usage(Path()).free)


def will_not_fit(
    estimates: Sequence[Estimate], params: Params, data: Data, limits: Limits
) -> Iterator[str]:
    """Yield a line for each thing that is too large: what it needs, what there is, a way out.

    The stage that takes most memory speaks for all.
    """
    for what, field, there in (
        ("memory", "memory_bytes", limits.memory),
        ("GPU memory", "gpu_bytes", limits.gpu),
    ):
        need, largest = max(
            ((getattr(each, field), each) for each in estimates),
            key=lambda pair: pair[0],
            default=(0.0, None),
        )
        if largest is not None and need > there > 0:
            way = _less_memory(largest, need / there, params, data)
            yield (
                f"{largest.stage.name} needs {in_bytes(need)} of {what} and there are "
                f"{in_bytes(there)}: {way}"
            )
    disk = sum(each.disk_bytes for each in estimates)
    if disk > limits.disk:
        way = _less_disk(estimates, params, data)
        yield (
            f"the stages write {in_bytes(disk)} and the disk has {in_bytes(limits.disk)} left: "
            f"{way}"
        )


def _less_memory(largest: Estimate, times: float, params: Params, data: Data) -> str:
    """Return a way to make a stage fit that needs so many times of what there is."""
    work, section = largest.work, largest.stage.kind
    if work.predictions is not None:
        way = f"set {section}.batch_size to {_fitting(work.predictions.batch_size, times)} or less"
        many = section == "predict_pool" and params.predict_pool.voters.count > 1
        return f"{way}, or lower predict_pool.voters.count" if many else way
    if work.trainings is None:
        return "lower predict_pool.voters.count, whose votes are what grows"
    fitting = int(largest.workers / times)
    if fitting and largest.workers > 1:
        return f"set SUBSET_WORKERS={fitting}"
    resident = resident_bytes(work.trainings, data)
    is_most = resident > (largest.memory_bytes or largest.gpu_bytes) / largest.workers / 2
    if data.storage == "memory" and data.are_images and is_most:
        return "set dataset.storage: files, and images are decoded as they are needed"
    smaller = _fitting(work.trainings.settings.batch_size, times)
    return f"set {section}.batch_size to {smaller} or less"


def _fitting(batch_size: int, times: float) -> int:
    """Return a batch size that is so many times smaller, 3 at least."""
    return max(3, int(batch_size / times))


def _less_disk(estimates: Iterable[Estimate], params: Params, data: Data) -> str:
    """Return the setting that the most of the bytes depend on."""
    by_kind: dict[str, float] = {}
    for each in estimates:
        by_kind[each.stage.kind] = by_kind.get(each.stage.kind, 0.0) + each.disk_bytes
    kind = max(by_kind, key=lambda name: by_kind[name])
    ways = {
        "prepare": "set dataset.storage: files, and images stay where they are",
        "predict_pool": "lower predict_pool.voters.count, or name fewer predict_pool.signals",
        "train_ensemble": "lower train_ensemble.checkpoints.last or members",
        "train_subset_model": "lower train_subset_model.checkpoints.last or members",
    }
    return f"{ways.get(kind, 'name fewer rounds and subsets')} ({kind} writes most of it)"


def in_bytes(number: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004 - SI
            return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"  # noqa: PLR2004
        number /= 1000
    return f"{number:.1f} TB"
