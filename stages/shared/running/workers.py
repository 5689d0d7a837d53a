"""Pieces of work in processes of this machine: the back end that needs nothing installed."""

import os
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from stages.shared.errors import TrainingError
from stages.shared.running import engine
from stages.shared.running.engine import Piece, Report, Result
from stages.shared.running.processes import Call, Process, ProcessKilledError, first_done, report

# The parent needs no torch: the server that workers are forked from imports it once.
PRELOAD = ["stages.shared.training.loop"]


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
    num_workers = min(engine.num_workers(threads_per_piece), len(pieces))
    settings = {"SUBSET_LOADERS": str(engine.loaders_each(num_workers)), **engine.settings()}
    workers: list[Process] = []
    try:
        return _run_all(workers, num_workers, settings, function, pieces, on_report)
    except ProcessKilledError:
        for worker in workers:
            worker.kill()
        raise TrainingError(
            "a worker process was killed (out of memory?); finished members are kept, so run "
            "`dvc repro` again, with a smaller SUBSET_WORKERS if memory is short"
        ) from None
    finally:
        for worker in workers:
            worker.end()


def _run_all(
    workers: list[Process],
    num_workers: int,
    settings: dict[str, str],
    function: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
    on_report: Callable[[int, Any], None],
) -> list[Result]:
    """Return the results of all pieces; the workers that it starts are added to the list."""
    waiting = iter(enumerate(pieces))
    running: dict[Call[Result], int] = {}
    results: dict[int, Result] = {}

    def begin(worker: Process) -> None:
        for number, piece in islice(waiting, 1):
            running[worker.call(_run, function, number, piece)] = number

    for _ in range(num_workers):
        worker = Process(
            PRELOAD,
            _set_up,
            [settings],
            has_children=True,
            on_report=lambda message: on_report(*message),
        )
        workers.append(worker)
        begin(worker)
    while running:
        for call in first_done(running):
            results[running.pop(call)] = call.result()
            begin(call.process)
    return [results[number] for number in range(len(pieces))]


def _set_up(settings: dict[str, str]) -> None:
    # The server that workers are forked from still has the environment it was started with.
    os.environ.update(settings)
    engine.keep_freed_memory()


def _run(function: Callable[[Piece, Report], Result], number: int, piece: Piece) -> Result:
    return function(piece, lambda message: report((number, message)))
