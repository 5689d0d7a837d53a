"""Pieces of work on a Ray cluster: the back end for more than one machine, or more than one GPU.

`SUBSET_ENGINE=ray` chooses it. `RAY_ADDRESS` names the cluster; without it Ray takes the one that
was started on this machine, or starts one. What a piece asks the cluster for:

    SUBSET_CPUS_PER_PIECE   cores; default: a training's threads, or to predict those of a node
    SUBSET_GPUS_PER_PIECE   GPUs, 0.25 for four pieces on each; default: 1 where there are any

All nodes see the repository and its data under the same path, on a shared file system, and have
the same packages installed: prepared data and images are too large for Ray's store. A member's
files travel through it only from a node that does not see the stage's resume folder.

Ray starts a piece again whose process or node was lost. That does no harm: what a piece writes
appears whole, under a name that says its content.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from stages.shared.artifacts.files import atomic_folder
from stages.shared.errors import ParamsError, TrainingError, UserError
from stages.shared.running import engine, resume_folder
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
    needs = _needs(ray, threads_per_piece, gpus_per_piece)
    run = ray.remote(_run_piece).options(**needs, num_returns=2, max_retries=RETRIES)
    with _reports(ray, on_report) as mailbox, _Place.like_here(needs) as here:
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
    needs = _needs(ray, _share_of_a_node(ray))
    run = ray.remote(_run_shard).options(**needs, max_retries=RETRIES)
    stored, waiting = ray.put(shared), iter(pieces)
    running: deque[Any] = deque()
    with _Place.like_here(needs) as here:
        place = ray.put(here)
        while True:
            more = AHEAD * _num_at_once(ray, needs) - len(running)
            running.extend(
                run.remote(function, stored, piece, place) for piece in islice(waiting, more)
            )
            if not running:
                return
            yield from _get(ray, running.popleft())


def _num_at_once(ray: Any, needs: dict[str, float]) -> int:
    """Return how many pieces with these needs the cluster runs at once, 1 at least."""
    fitting = [
        min(int(node["Resources"].get(kind, 0) / needs[name]) for kind, name in _kinds(needs))
        for node in _nodes(ray)
    ]
    return max(1, sum(fitting))


@dataclass(frozen=True)
class _Place:
    """Where a piece runs must be like where the stage runs, or it would make other bytes."""

    settings: dict[str, str]
    root: str
    torch: str
    finished: frozenset[str]  # names in the resume folder of the stage's node
    marker: Path  # a file in that folder: who sees it shares the folder

    @classmethod
    @contextmanager
    def like_here(cls, needs: dict[str, float]) -> Iterator["_Place"]:
        cores = str(max(1, int(needs["num_cpus"])))
        settings = {"SUBSET_LOADERS": cores, **engine.settings(), "SUBSET_CORES": cores}
        here = resume_folder.folder().absolute()
        here.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=here, prefix=resume_folder.MARKER) as marker:
            yield cls(
                {**settings, "SUBSET_RESUME": str(here)},
                str(Path.cwd()),
                version("torch"),
                resume_folder.finished(here),
                Path(marker.name),
            )

    def take(self) -> None:
        """Make this process such a place."""
        found = version("torch")
        if found != self.torch:
            raise ParamsError(
                f"node {_node_name()} has torch {found}; every node must have {self.torch}, as the "
                "one where the pipeline runs"
            )
        if not Path(self.root).is_dir():
            raise ParamsError(
                f"node {_node_name()} has no folder {self.root}; the repository must lie on a file "
                "system that all nodes share"
            )
        os.chdir(self.root)
        os.environ.update(self.settings)
        resume_folder.known_elsewhere = self.finished
        engine.keep_freed_memory()


class _Mailbox:
    """An actor that takes the reports of all pieces to the stage, and says if one may begin."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[tuple[int, object] | None] = asyncio.Queue()
        self._is_open = True

    async def may_begin(self) -> bool:
        return self._is_open

    async def close(self) -> None:
        self._is_open = False

    async def end(self) -> None:
        self._messages.put_nowait(None)

    async def put(self, number: int, message: object) -> None:
        self._messages.put_nowait((number, message))

    async def take(self) -> tuple[int, object] | None:
        return await self._messages.get()


def _run_piece(
    function: Callable[[Piece, Report], Result],
    number: int,
    piece: Piece,
    mailbox: Any,
    place: _Place,
) -> tuple[Result | None, Content]:
    """Run a piece on a node; return what it returned and, if that is a folder, its files."""
    ray = _ray()
    place.take()
    if not ray.get(mailbox.may_begin.remote()):
        return None, {}
    last: list[Any] = []

    def report(message: object) -> None:
        last[:] = [mailbox.put.remote(number, message)]

    with _named_node():
        result = function(piece, report)
    ray.get(last)  # they arrive in order: none is on its way when the piece has ended
    return result, _packed(result, place)


def _run_shard(
    function: Callable[[Shared, Piece], Iterator[Part]], shared: Shared, piece: Piece, place: _Place
) -> list[Part]:
    place.take()
    with _named_node():
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


def _packed(result: object, place: _Place) -> Content:
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


@contextmanager
def _reports(ray: Any, on_report: Callable[[int, Any], None]) -> Iterator[Any]:
    """Yield a mailbox for the reports of pieces, all of which are told when the block ends.

    On Ctrl-C nothing is waited for: the cluster may be gone already.
    """
    mailbox = _on_this_node(ray, _Mailbox)
    reader = threading.Thread(target=_read_reports, args=(ray, mailbox, on_report), daemon=True)
    reader.start()
    failed: UserError | None = None
    try:
        yield mailbox
    except UserError as error:
        failed = error
    with suppress(ray.exceptions.RayError):
        ray.get(mailbox.end.remote())
    reader.join()
    if failed is not None:
        raise failed


def _read_reports(ray: Any, mailbox: Any, on_report: Callable[[int, Any], None]) -> None:
    with suppress(ray.exceptions.RayError):  # the mailbox is lost: reports are for people
        while (item := ray.get(mailbox.take.remote())) is not None:
            # A closed terminal must not stop the work.
            with suppress(Exception):
                on_report(*item)


def _on_this_node(ray: Any, kind: type[Any]) -> Any:
    """Start an actor beside the stage: as long as the stage lives, so does its node."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=here).remote()


def _needs(ray: Any, num_cpus: int, num_gpus: int = 1) -> dict[str, float]:
    """Return what a piece asks the cluster for.

    Raises:
        ParamsError: no node has it, so that it would wait for ever.
    """
    nodes = _nodes(ray)
    most_gpus = max(node["Resources"].get("GPU", 0.0) for node in nodes)
    device = engine.wanted_device()
    if device == "cuda" and not most_gpus:
        raise ParamsError("SUBSET_DEVICE is 'cuda'; the cluster has no GPU, so choose auto or cpu")
    gpus = 0.0
    if device != "cpu" and most_gpus:
        # A training on several GPUs needs each of them whole.
        gpus = float(num_gpus) if num_gpus > 1 else _share("SUBSET_GPUS_PER_PIECE", 1.0)
    needs = {
        "num_cpus": float(engine.positive("SUBSET_CPUS_PER_PIECE") or num_cpus),
        "num_gpus": gpus,
    }
    kinds = _kinds(needs)
    if not any(
        all(node["Resources"].get(kind, 0.0) >= needs[name] for kind, name in kinds)
        for node in nodes
    ):
        wanted = " and ".join(f"{needs[name]:g} {kind}s" for kind, name in kinds)
        largest = max(nodes, key=lambda node: [node["Resources"].get(kind, 0) for kind, _ in kinds])
        found = " and ".join(f"{largest['Resources'].get(kind, 0):g} {kind}s" for kind, _ in kinds)
        raise ParamsError(
            f"a piece of work needs {wanted}; the largest node of the cluster has {found}, so "
            "lower SUBSET_CPUS_PER_PIECE, SUBSET_GPUS_PER_PIECE or num_threads"
        )
    return needs


def _kinds(needs: dict[str, float]) -> list[tuple[str, str]]:
    return [
        (kind, name) for kind, name in (("CPU", "num_cpus"), ("GPU", "num_gpus")) if needs[name]
    ]


def _share(name: str, default: float) -> float:
    """Return a positive number of the environment, below 1 or whole, as Ray shares GPUs."""
    text = os.environ.get(name)
    if not text:
        return default
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not (0 < share < 1 or (share >= 1 and share.is_integer())):
        raise ParamsError(f"{name} is {text!r}; it must be in (0, 1), or whole")
    return share


def _share_of_a_node(ray: Any) -> int:
    """Return the cores of the smallest node, or with GPUs those that each of them has there."""
    wants_gpu = engine.wanted_device() != "cpu"
    shares = []
    for node in _nodes(ray):
        gpus = int(node["Resources"].get("GPU", 0)) if wants_gpu else 0
        shares.append(max(1, int(node["Resources"]["CPU"]) // max(1, gpus)))
    return min(shares)


def _nodes(ray: Any) -> list[dict[str, Any]]:
    """Return the nodes that run pieces; the head of a cluster often has no core to give."""
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise ParamsError("the cluster at RAY_ADDRESS has no node with a core; start one")
    return nodes


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


@contextmanager
def _named_node() -> Iterator[None]:
    """Say on which node something of the user's was wrong."""
    try:
        yield
    except UserError as error:
        raise type(error)(f"{error} (on node {_node_name()})") from None


def _node_name() -> str:
    return os.uname().nodename
