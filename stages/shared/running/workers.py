"""Pieces of work in processes of this machine: the back end that needs nothing installed."""

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

from stages.shared.errors import ParamsError, TrainingError
from stages.shared.running import engine
from stages.shared.running.engine import Piece, Report, Result

LONGEST_TEMPORARY = 70  # letters: a socket's path has 108 at most, and its own folder and name 30

_report: Report = lambda message: None  # noqa: E731 - replaced in each worker process


def map_pieces(
    function: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
    *,
    threads_per_piece: int,
    gpus_per_piece: int = 1,
    on_report: Callable[[int, Any], None],
) -> list[Result]:
    """Do what `dispatch.map_pieces` says in worker processes."""
    del gpus_per_piece  # how many run side by side on a GPU, SUBSET_WORKERS says
    # The parent needs no torch: the server that workers are forked from imports it once.
    context = forkserver(["stages.shared.training.loop"])
    # A pipe without a lock, which a killed worker could take along: short messages arrive whole.
    receiver, sender = context.Pipe(duplex=False)
    reader = threading.Thread(target=_read_reports, args=(receiver, on_report), daemon=True)
    reader.start()
    workers = min(engine.num_workers(threads_per_piece), len(pieces))
    try:
        settings = {"SUBSET_LOADERS": str(engine.loaders_each(workers)), **engine.settings()}
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


def forkserver(preload: list[str]) -> ForkServerContext:
    """Return what starts processes, which are forked from a server that has imported these modules.

    Raises:
        ParamsError: the machine, or the container, lacks what processes talk to each other by.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preload)
    folder = tempfile.gettempdir()
    if len(os.fsencode(folder)) > LONGEST_TEMPORARY:
        raise ParamsError(
            f"TMPDIR: {folder!r} has over {LONGEST_TEMPORARY} letters; name a folder with fewer, "
            "where processes make their sockets"
        )
    try:
        context.Lock()  # a name in /dev/shm, of a few bytes
    except OSError as error:
        raise ParamsError(
            f"/dev/shm: {error.strerror}; processes must be able to write a few bytes there, so "
            "free or mount it (docker run --shm-size=64m)"
        ) from error
    return context


def end_with_parent() -> None:
    """Make this worker process end when the one that started it does, as after SIGKILL."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


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


def _start_worker(sender: Connection, settings: dict[str, str]) -> None:
    global _report
    _report = sender.send
    # Ctrl-C reaches all processes of a terminal: the stage ends its workers (ending.py).
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The server that workers are forked from still has the environment it was started with.
    os.environ.update(settings)
    engine.keep_freed_memory()
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
