"""Map a function over independent pieces of work, in worker processes on this machine.

Where and how fast things run comes from the environment and decides no bytes:
`SUBSET_DEVICE` (auto, cpu, cuda), `SUBSET_WORKERS` (how many pieces run at once) and
`SUBSET_LOADERS` (how many image files are decoded at once).
"""

import ctypes
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from stages.shared.errors import ParamsError, TrainingError

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Report = Callable[[object], None]

# Of glibc's mallopt: parameters, and values that are never reached. Some versions take no more than
# 32 MiB for the first.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
NO_TRIM, NO_MMAP, LITTLE_MMAP = 2**31 - 1, 2**30, 2**25

_report: Report = lambda message: None  # noqa: E731 - replaced in each worker process


def map_pieces(
    function: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
    *,
    threads_per_piece: int,
    on_report: Callable[[int, Any], None],
) -> list[Result]:
    """Return `function(piece, report)` of each piece, in order; reports arrive as they are made.

    After a piece that fails none begins; those under way end first, so that what they finish is
    kept.

    Raises:
        TrainingError: a worker process was killed.
    """
    # The parent needs no torch: the server that workers are forked from imports it once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stages.shared.training.loop"])
    # A pipe without a lock, which a killed worker could take along: short messages arrive whole.
    receiver, sender = context.Pipe(duplex=False)
    reader = threading.Thread(target=_read_reports, args=(receiver, on_report), daemon=True)
    reader.start()
    workers = min(num_workers(threads_per_piece), len(pieces))
    try:
        settings = {"SUBSET_LOADERS": str(loaders_each(workers)), **_settings()}
        with ProcessPoolExecutor(workers, context, _start_worker, (sender, settings)) as pool:
            return _run_all(pool, workers, function, pieces)
    except BrokenProcessPool:
        raise TrainingError(
            "a worker process was killed (out of memory?); finished members are kept, so run "
            "`dvc repro` again, with a smaller SUBSET_WORKERS if memory is short"
        ) from None
    finally:
        sender.close()  # the reader ends when no worker holds its end either
        reader.join()


def _run_all(
    pool: ProcessPoolExecutor,
    workers: int,
    function: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
) -> list[Result]:
    """Run the pieces, never more begun than there are workers: a pool does not take back others."""
    waiting = iter(enumerate(pieces))
    running: dict[Future[Result], int] = {}
    results: dict[int, Result] = {}

    def begin(count: int) -> None:
        for number, piece in islice(waiting, count):
            running[pool.submit(_run, function, number, piece)] = number

    begin(workers)
    while running:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            results[running.pop(future)] = future.result()
            begin(1)
    return [results[number] for number in range(len(pieces))]


def num_workers(threads_per_piece: int) -> int:
    """Return how many pieces run at once: `SUBSET_WORKERS`, or what fits cores or the GPU."""
    fitting = 1 if has_gpu() else max(1, num_cores() // threads_per_piece)
    return _positive("SUBSET_WORKERS") or fitting


def loaders_each(workers: int) -> int:
    """Return how many image files each of some processes side by side decodes at once."""
    return max(1, num_cores() // workers)


def num_loaders() -> int:
    """Return how many image files are decoded at once: `SUBSET_LOADERS`, or one for each core."""
    return _positive("SUBSET_LOADERS") or num_cores()


def end_with_parent() -> None:
    """Make this worker process end when the one that started it does, as after SIGKILL."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


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
    """Return how many cores this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device_name() -> str:
    """Return the device of this process, `cpu` or `cuda` (needs torch).

    Raises:
        ParamsError: `SUBSET_DEVICE` is unknown or is not there.
    """
    import torch

    wanted = os.environ.get("SUBSET_DEVICE", "auto")
    if wanted not in ("auto", "cpu", "cuda"):
        raise ParamsError(f"SUBSET_DEVICE is {wanted!r}; choose one of auto, cpu, cuda")
    has_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not has_gpu:
        raise ParamsError("SUBSET_DEVICE is 'cuda'; torch finds no GPU, so choose auto or cpu")
    return "cuda" if has_gpu and wanted != "cpu" else "cpu"


def has_gpu() -> bool:
    """Guess whether a GPU is there and wanted, without the cost of importing torch.

    Whatever else SUBSET_DEVICE names, `device_name` says whether it is there.
    """
    wanted = os.environ.get("SUBSET_DEVICE", "auto")
    return Path("/dev/nvidiactl").exists() if wanted == "auto" else wanted != "cpu"


def _positive(name: str) -> int | None:
    text = os.environ.get(name)
    if text is not None and (not text.isdecimal() or int(text) < 1):
        raise ParamsError(f"{name} is {text!r}; it must be a positive integer")
    return None if text is None else int(text)


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("SUBSET_")}


def _start_worker(sender: Connection, settings: dict[str, str]) -> None:
    global _report
    _report = sender.send
    # The server that workers are forked from still has the environment it was started with.
    os.environ.update(settings)
    keep_freed_memory()
    end_with_parent()


def _end_with(parent: Any) -> None:
    # An orphan would write beside the next run.
    parent.join()
    os._exit(1)


def _run(function: Callable[[Piece, Report], Result], number: int, piece: Piece) -> Result:
    return function(piece, lambda message: _report((number, message)))


def _read_reports(receiver: Connection, on_report: Callable[[int, Any], None]) -> None:
    while True:
        try:
            number, message = receiver.recv()
        except EOFError:
            return
        # Reports are for people: a closed terminal must not stop the work.
        with suppress(Exception):
            on_report(number, message)
