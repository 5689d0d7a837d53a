"""Where and how fast things run; it comes from the environment and decides no bytes.

`SUBSET_ENGINE` (local, ray), `SUBSET_DEVICE` (auto, cpu, cuda), `SUBSET_CORES` (of one process),
`SUBSET_WORKERS` (how many pieces of work run at once on this machine), `SUBSET_LOADERS` (how many
image files are decoded at once); cluster.py has those of a cluster. dispatch.py runs the pieces.
An empty variable is none, as compose files leave it.
"""

import ctypes
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from stages.shared.errors import ParamsError
from stages.shared.running import cgroups

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Shared = TypeVar("Shared")
Part = TypeVar("Part")
Report = Callable[[object], None]

# Of glibc's mallopt: parameters, and values that are never reached. Some versions take no more than
# 32 MiB for the first.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
NO_TRIM, NO_MMAP, LITTLE_MMAP = 2**31 - 1, 2**30, 2**25


def on_cluster() -> bool:
    """Return whether pieces run on a Ray cluster.

    Raises:
        ParamsError: `SUBSET_ENGINE` is unknown.
    """
    wanted = os.environ.get("SUBSET_ENGINE") or "local"
    if wanted not in ("local", "ray"):
        raise ParamsError(f"SUBSET_ENGINE is {wanted!r}; choose one of local, ray")
    return wanted == "ray"


def num_workers(threads_per_piece: int) -> int:
    """Return how many pieces run at once: `SUBSET_WORKERS`, or what fits cores or the GPU."""
    fitting = 1 if has_gpu() else max(1, num_cores() // threads_per_piece)
    return positive("SUBSET_WORKERS") or fitting


def loaders_each(workers: int) -> int:
    """Return how many image files each of some processes side by side decodes at once."""
    return max(1, num_cores() // workers)


def num_loaders() -> int:
    """Return how many image files are decoded at once: `SUBSET_LOADERS`, or one for each core."""
    return positive("SUBSET_LOADERS") or num_cores()


def keep_freed_memory() -> None:
    """Let this process reuse the memory that it frees instead of returning it (glibc alone).

    Else activations are returned after each step, and the next one waits for the kernel to hand
    out zeroed pages: a seventh of a training, a quarter of a prediction of large batches.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    # Setting one threshold ends glibc's own choice of both: first the one that may be refused.
    if mallopt and (mallopt(MMAP_THRESHOLD, NO_MMAP) or mallopt(MMAP_THRESHOLD, LITTLE_MMAP)):
        mallopt(TRIM_THRESHOLD, NO_TRIM)


def num_cores() -> int:
    """Return how many cores this process may use: `SUBSET_CORES`, or what the system allows.

    A container's share of processors is rounded up: 1.5 are two.
    """
    if wanted := positive("SUBSET_CORES"):
        return wanted
    is_told = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if is_told else os.cpu_count() or 1
    return max(1, min(cores, math.ceil(cgroups.num_cpus() or cores)))


def limit_threads() -> None:
    """Let libraries compute in as many threads as the container has processors for.

    They count those of the machine, and 64 threads that share two processors wait for each other.
    """
    if cgroups.num_cpus() is None:
        return
    import threadpoolctl  # type: ignore[import-untyped]  # it ships no type information

    threadpoolctl.threadpool_limits(num_cores())  # of what is loaded,
    os.environ.setdefault("OMP_NUM_THREADS", str(num_cores()))  # and of what will be


def device_name() -> str:
    """Return the device of this process, `cpu` or `cuda` (needs torch).

    Raises:
        ParamsError: `SUBSET_DEVICE` is unknown or is not there.
    """
    import torch

    wanted = wanted_device()
    has_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not has_gpu:
        raise ParamsError("SUBSET_DEVICE is 'cuda'; torch finds no GPU, so choose auto or cpu")
    return "cuda" if has_gpu and wanted != "cpu" else "cpu"


def wanted_device() -> str:
    """Return `SUBSET_DEVICE`: auto, cpu or cuda.

    Raises:
        ParamsError: it is something else.
    """
    wanted = os.environ.get("SUBSET_DEVICE") or "auto"
    if wanted not in ("auto", "cpu", "cuda"):
        raise ParamsError(f"SUBSET_DEVICE is {wanted!r}; choose one of auto, cpu, cuda")
    return wanted


def has_gpu() -> bool:
    """Guess whether a GPU is there and wanted, without the cost of importing torch.

    Whatever else SUBSET_DEVICE names, `device_name` says whether it is there.
    """
    wanted = os.environ.get("SUBSET_DEVICE") or "auto"
    return Path("/dev/nvidiactl").exists() if wanted == "auto" else wanted != "cpu"


def positive(name: str) -> int | None:
    """Return the whole number in an environment variable; None where it is unset or empty.

    Raises:
        ParamsError: it is no positive whole number.
    """
    text = os.environ.get(name)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ParamsError(f"{name} is {text!r}; it must be a positive integer")
    return int(text)


def settings() -> dict[str, str]:
    """Return what the environment says of where and how fast to run."""
    return {name: value for name, value in os.environ.items() if name.startswith("SUBSET_")}
