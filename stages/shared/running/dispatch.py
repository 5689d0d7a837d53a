"""Map a function over independent pieces of work, on this machine or on a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from stages.shared.running import engine, workers
from stages.shared.running.engine import Part, Piece, Report, Result, Shared


def map_pieces(
    function: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
    *,
    threads_per_piece: int,
    gpus_per_piece: int = 1,
    on_report: Callable[[int, Any], None],
) -> list[Result]:
    """Return `function(piece, report)` of each piece, in order; reports arrive as they are made.

    Pieces run in processes of their own. After one that fails none begins; those under way end
    first, so that what they finish is kept. A path that a piece returns is a folder in its
    machine's resume folder; on return it is in that of this machine. A piece needs so many GPUs
    where it runs on any.

    Raises:
        TrainingError: a process was killed.
    """
    run = workers.map_pieces
    if engine.on_cluster():
        from stages.shared.running import cluster  # it imports asyncio

        run = cluster.map_pieces
    return run(
        function,
        pieces,
        threads_per_piece=threads_per_piece,
        gpus_per_piece=gpus_per_piece,
        on_report=on_report,
    )


def stream(
    function: Callable[[Shared, Piece], Iterator[Part]], shared: Shared, pieces: Sequence[Piece]
) -> Iterator[Part]:
    """Yield the parts that `function(shared, piece)` yields of each piece, in order.

    Here they come one after the other in this process: what is streamed uses all cores, or the
    GPU, by itself. On a cluster several pieces are under way, and `shared` travels once.
    """
    if engine.on_cluster():
        from stages.shared.running import cluster

        yield from cluster.stream(function, shared, pieces)
        return
    for piece in pieces:
        yield from function(shared, piece)
