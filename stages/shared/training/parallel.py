"""One training on several processes: each takes a share of every batch (data parallel).

The first process is the one that trains a member; it starts the others, validates, records and
saves. All make the same updates to the same weights: gradients are averaged by torch's
DistributedDataParallel, over gloo on processors and NCCL on GPUs, one for each process.

Shapes: B batch, S the share of one process.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from stages.shared.errors import ParamsError, TrainingError, UserError
from stages.shared.networks.task import Task
from stages.shared.running import engine, processes
from stages.shared.training.job import Job

LEAST_SHARE = 2  # samples of a batch: one alone cannot be normalised

# Processes of one machine talk over its loopback.
LOOPBACK = "lo" if sys.platform == "linux" else "lo0"


@dataclass(frozen=True)
class Group:
    """The processes of a training, as one of them sees them; by default it is alone."""

    size: int = 1
    rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that records."""
        return self.rank == 0

    def share(self, rows: slice) -> slice:
        """Return this process's share of a batch; shares differ by one sample at most."""
        num = rows.stop - rows.start
        first, last = (num * place // self.size for place in (self.rank, self.rank + 1))
        return slice(rows.start + first, rows.start + last)

    def weight(self, num_own: int, num_all: int) -> float:
        """Return what to multiply the mean loss of a share by.

        So that the mean over the processes is the mean over the samples of the batch.
        """
        return self.size * num_own / num_all

    def whole(self, outputs_S: Tensor, num_all: int) -> Tensor:
        """Return the outputs of the whole batch from those of all shares."""
        if self.size == 1:
            return outputs_S
        shares = [Group(self.size, rank).share(slice(0, num_all)) for rank in range(self.size)]
        lengths = [share.stop - share.start for share in shares]
        padded_S = outputs_S.new_zeros((max(lengths), *outputs_S.shape[1:]))
        padded_S[: len(outputs_S)] = outputs_S
        gathered = [torch.empty_like(padded_S) for _ in shares]
        dist.all_gather(gathered, padded_S)
        return torch.cat([part[:length] for part, length in zip(gathered, lengths, strict=True)])

    def told(self, what: Any) -> Any:
        """Return what the first process says, whatever the others do."""
        if self.size == 1:
            return what
        said = [what]
        dist.broadcast_object_list(said)
        return said[0]

    def averaging(self, model: nn.Module, task: Task, precision: str) -> nn.Module:
        """Return a module that makes the task's outputs and averages gradients."""
        outputs = _Outputs(model, task, precision)
        # A bucket for each parameter: how they are put together changes after the first update,
        # and with it the order of sums, so that a training that goes on would differ.
        return outputs if self.size == 1 else DistributedDataParallel(outputs, bucket_cap_mb=1e-6)


ALONE = Group()


class _Outputs(nn.Module):
    """What a task makes of a model's inputs: DistributedDataParallel wants one call."""

    def __init__(self, model: nn.Module, task: Task, precision: str) -> None:
        super().__init__()
        self.model = model
        self._task = task
        self._precision = precision

    def forward(self, inputs_B: Any) -> Tensor:
        """Return the outputs [B, ...]."""
        outputs_B: Tensor = self._task.forward(self.model, inputs_B, self._precision)[1]
        return outputs_B


def device_of(device: torch.device, group: Group) -> torch.device:
    """Return where a process of the group trains."""
    return torch.device("cuda", group.rank) if device.type == "cuda" and group.size > 1 else device


def check(job: Job, device: torch.device) -> None:
    """Check what only the machine and the subset can tell.

    Raises:
        ParamsError: the setting does not fit them.
    """
    size, here = job.parallel.processes, "params.yaml: train_subset_model"
    if size == 1:
        return
    if len(job.index_P) < LEAST_SHARE * size:
        raise ParamsError(
            f"{here}.processes is {size}; a subset of {len(job.index_P)} picks allows "
            f"{len(job.index_P) // LEAST_SHARE or 1} at most"
        )
    if device.type == "cpu" and job.parallel.sync_batch_norm:
        raise ParamsError(
            f"{here}.sync_batch_norm is true; it must be false on a processor, torch has it on "
            "GPUs alone"
        )
    if device.type == "cuda" and torch.cuda.device_count() < size:
        raise ParamsError(
            f"{here}.processes is {size}; this machine has {torch.cuda.device_count()} GPUs, one "
            "for each"
        )


@contextmanager
def started(
    job: Job, device: torch.device, follow: Callable[[Job, torch.device, Group], None]
) -> Iterator[Group]:
    """Yield this process's place in the group of a training whose other processes it starts.

    These call `follow` with theirs, and end when the block does.

    Raises:
        ParamsError: the setting does not fit the machine or the subset.
        TrainingError: one of them was killed.
    """
    check(job, device)
    size = job.parallel.processes
    if size == 1:
        yield Group()
        return
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        others: list[SpawnProcess] = []
        try:
            for rank in range(1, size):
                # No daemon: it starts processes that decode images.
                process = get_context("spawn").Process(
                    target=_follow, args=(follow, job, device, Group(size, rank), store)
                )
                process.start()
                others.append(process)
            with _joined(Group(size), device, store) as group, _explained(job, others):
                yield group
        finally:
            for process in others:
                process.terminate()
                process.join()


@contextmanager
def _explained(job: Job, others: list[SpawnProcess]) -> Iterator[None]:
    """Tell what comes of another process's end from other errors, while the group still stands."""
    try:
        yield
    except RuntimeError:
        for process in others:
            process.join(timeout=1)
        if all(process.exitcode is None for process in others):
            raise
        raise TrainingError(
            f"member {job.member}: one of its {job.parallel.processes} processes ended (out of "
            "memory?); what was saved is kept, so run `dvc repro` again"
        ) from None


@contextmanager
def _joined(group: Group, device: torch.device, store: Path) -> Iterator[Group]:
    """Join the group; they meet in a file."""
    if device.type == "cuda":
        torch.cuda.set_device(device_of(device, group))
    os.environ.update(GLOO_SOCKET_IFNAME=LOOPBACK, NCCL_SOCKET_IFNAME=LOOPBACK)
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=store.as_uri(),
        rank=group.rank,
        world_size=group.size,
    )
    try:
        yield group
    finally:
        dist.destroy_process_group()


def _follow(
    follow: Callable[[Job, torch.device, Group], None],
    job: Job,
    device: torch.device,
    group: Group,
    store: Path,
) -> None:
    processes.end_with_parent()
    engine.keep_freed_memory()
    try:
        with _joined(group, device, store):
            follow(job, device_of(device, group), group)
    except TrainingError:
        sys.exit(1)  # the first process says the same
    except UserError as error:
        sys.exit(str(error))
