"""Pieces of work on a Ray cluster: the back end for more than one machine, or more than one GPU.

`SUBSET_ENGINE=ray` chooses it. `RAY_ADDRESS` names the cluster; without it Ray takes the one that
was started on this machine, or starts one.

All nodes see the repository and its data under the same path, on a shared file system, and have
the same packages installed: prepared data and images are too large for Ray's store. A member's
files travel through it only from a node that does not see the stage's resume folder.

Ray starts a piece again whose process or node was lost. That does no harm: what a piece writes
appears whole, under a name that says its content.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from stages.shared.artifacts.files import atomic_folder
from stages.shared.errors import ParamsError, TrainingError, UserError
from stages.shared.running.cluster_nodes import Place, named_node
from stages.shared.running.cluster_reports import mailbox_for
from stages.shared.running.cluster_shares import needs_of_a_piece, num_at_once, share_of_a_node
from stages.shared.running.engine import Part, Piece, Report, Result, Shared

RETRIES = 3  # of a piece whose process or node was lost, beside its first run
AHEAD = 2  # so many pieces of a stream are under way for each that can run at once

Content = dict[str, bytes]  # of a folder: the files in it by name


def map_pieces(
    function: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
    *,
    threads_per_piece: int,
    gpus_per_piece: int = 1,
    on_report: Callable[[int, Any], None],
) -> list[Result]:
    """Do what `dispatch.map_pieces` says on the cluster."""
    ray = _connect()
    needs = needs_of_a_piece(ray, threads_per_piece, gpus_per_piece)
    run = ray.remote(_run_piece).options(**needs, num_returns=2, max_retries=RETRIES)
    with mailbox_for(ray, on_report) as mailbox, Place.like_here(needs) as here:
        place = ray.put(here)
        started = [
            run.remote(function, number, piece, mailbox, place)
            for number, piece in enumerate(pieces)
        ]
        results = _received_as_they_end(ray, mailbox, started)
    return [results[number] for number in range(len(pieces))]


def stream(
    function: Callable[[Shared, Piece], Iterator[Part]], shared: Shared, pieces: Sequence[Piece]
) -> Iterator[Part]:
    """Do what `dispatch.stream` says on the cluster; `shared` is put into its store once."""
    ray = _connect()
    needs = needs_of_a_piece(ray, share_of_a_node(ray))
    run = ray.remote(_run_shard).options(**needs, max_retries=RETRIES)
    stored, waiting = ray.put(shared), iter(pieces)
    running: deque[Any] = deque()
    with Place.like_here(needs) as here:
        place = ray.put(here)
        while True:
            more = AHEAD * num_at_once(ray, needs) - len(running)
            running.extend(
                run.remote(function, stored, piece, place) for piece in islice(waiting, more)
            )
            if not running:
                return
            yield from _get(ray, running.popleft())


def _run_piece(
    function: Callable[[Piece, Report], Result],
    number: int,
    piece: Piece,
    mailbox: Any,
    place: Place,
) -> tuple[Result | None, Content]:
    """Run a piece on a node; return what it returned and, if that is a folder, its files."""
    ray = _ray()
    place.take()
    if not ray.get(mailbox.may_begin.remote()):
        return None, {}
    last: list[Any] = []

    def report(message: object) -> None:
        last[:] = [mailbox.put.remote(number, message)]

    with named_node():
        result = function(piece, report)
    ray.get(last)  # they arrive in order: none is on its way when the piece has ended
    return result, _packed(result, place)


def _run_shard(
    function: Callable[[Shared, Piece], Iterator[Part]], shared: Shared, piece: Piece, place: Place
) -> list[Part]:
    place.take()
    with named_node():
        return list(function(shared, piece))


def _received_as_they_end(ray: Any, mailbox: Any, started: list[Any]) -> dict[int, Any]:
    """Return the results by the number of the piece; after one that failed no other begins.

    Each is brought here as it ends: what is finished is kept, whatever becomes of the others.

    Raises:
        UserError: a piece failed, or its process or node was lost too often.
    """
    failed: Exception | None = None
    waiting = {result: (number, content) for number, (result, content) in enumerate(started)}
    results = {}
    while waiting:
        (ended,), _ = ray.wait(list(waiting), num_returns=1)
        number, content = waiting.pop(ended)
        try:
            results[number] = _received(ray, ended, content)
        except Exception as error:
            failed = failed or error
            with suppress(ray.exceptions.RayError):
                ray.get(mailbox.close.remote())
    if failed is not None:
        raise failed
    return results


def _received(ray: Any, result: Any, content: Any) -> Any:
    """Return what a piece returned; its folder is brought here unless it is here already."""
    value = _get(ray, result)
    if isinstance(value, Path) and not value.exists():
        with atomic_folder(value, keep_first=True) as folder:
            for name, data in _get(ray, content).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
    return value


def _packed(result: object, place: Place) -> Content:
    """Return the files of a folder; none where the stage's node has them."""
    if not isinstance(result, Path) or result.name in place.finished or place.marker.exists():
        return {}
    return {
        str(path.relative_to(result)): path.read_bytes()
        for path in sorted(result.rglob("*"))
        if path.is_file()
    }


def _get(ray: Any, reference: Any) -> Any:
    """Return what a piece returned, or raise what it raised: the error itself, not Ray's."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise  # a mistake of ours, with where it was made
    except ray.exceptions.RayError as error:
        reason = str(error).strip().split("\n")[0]
        raise TrainingError(
            f"a piece of work was lost {RETRIES + 1} times ({type(error).__name__}: {reason}); "
            "finished members are kept, so run `dvc repro` again, with a larger "
            "SUBSET_CPUS_PER_PIECE if memory is short"
        ) from None


def _connect() -> Any:
    """Return the module, connected to the cluster.

    Raises:
        ParamsError: Ray is not installed, or the cluster does not answer.
    """
    # Its workers would otherwise build their own environment, without what is installed here.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = _ray()
    if not ray.is_initialized():
        try:
            ray.init(log_to_driver=False, logging_level="error")
        except ConnectionError as error:
            raise ParamsError(
                f"RAY_ADDRESS is {os.environ.get('RAY_ADDRESS')!r}; no cluster answers there "
                f"({str(error).split('.')[0]})"
            ) from None
    return ray


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise ParamsError(
            "SUBSET_ENGINE is 'ray'; Ray is not installed, so run `uv sync --extra ray` or choose "
            "local"
        ) from None
    return ray
