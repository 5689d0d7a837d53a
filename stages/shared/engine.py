"""Map a function over independent pieces of work, in worker processes on this machine.

Where and how fast things run comes from the environment and decides no bytes:
`SUBSET_DEVICE` (auto, cpu, cuda) and `SUBSET_WORKERS` (how many pieces run at once).
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from stages.shared.errors import ParamsError, TrainingError

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Report = Callable[[object], None]

_report: Report = lambda message: None  # noqa: E731 - replaced in each worker process


def map_pieces(
    function: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
    *,
    threads_per_piece: int,
    on_report: Callable[[int, Any], None],
) -> list[Result]:
    """Return `function(piece, report)` of each piece, in order; reports arrive as they are made.

    A piece that fails stops those that have not begun; those under way end first, so that what
    they finish is kept.

    Raises:
        TrainingError: a worker process was killed.
    """
    # The parent needs no torch: the server that workers are forked from imports it once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stages.shared.training"])
    reports = context.SimpleQueue()
    reader = threading.Thread(target=_read_reports, args=(reports, on_report), daemon=True)
    reader.start()
    workers = min(num_workers(threads_per_piece), len(pieces))
    try:
        with ProcessPoolExecutor(workers, context, _start_worker, (reports, _settings())) as pool:
            futures = [
                pool.submit(_run, function, number, piece) for number, piece in enumerate(pieces)
            ]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool:
        raise TrainingError(
            "a worker process was killed (out of memory?); finished members are kept, so run "
            "`dvc repro` again, with a smaller SUBSET_WORKERS if memory is short"
        ) from None
    finally:
        reports.put(None)
        reader.join()


def num_workers(threads_per_piece: int) -> int:
    """Return how many pieces run at once: `SUBSET_WORKERS`, or what fits cores or the GPU."""
    text = os.environ.get("SUBSET_WORKERS")
    if text is None:
        return 1 if _has_gpu() else max(1, (os.cpu_count() or 1) // threads_per_piece)
    if not text.isdecimal() or int(text) < 1:
        raise ParamsError(f"SUBSET_WORKERS is {text!r}; it must be a positive integer")
    return int(text)


def end_with_parent() -> None:
    """Make this worker process end when the one that started it does, as after SIGKILL."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


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


def _has_gpu() -> bool:
    # A guess without torch, which only sets the default number of workers.
    return os.environ.get("SUBSET_DEVICE") != "cpu" and Path("/dev/nvidiactl").exists()


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("SUBSET_")}


def _start_worker(reports: Any, settings: dict[str, str]) -> None:
    global _report
    _report = reports.put
    # The server that workers are forked from still has the environment it was started with.
    os.environ.update(settings)
    end_with_parent()


def _end_with(parent: Any) -> None:
    # An orphan would write beside the next run.
    parent.join()
    os._exit(1)


def _run(function: Callable[[Piece, Report], Result], number: int, piece: Piece) -> Result:
    return function(piece, lambda message: _report((number, message)))


def _read_reports(reports: Any, on_report: Callable[[int, Any], None]) -> None:
    while (message := reports.get()) is not None:
        on_report(*message)
