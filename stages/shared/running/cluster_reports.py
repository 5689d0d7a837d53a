"""How the reports of pieces that run on a Ray cluster come to the stage."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from stages.shared.errors import UserError


@contextmanager
def mailbox_for(ray: Any, on_report: Callable[[int, Any], None]) -> Iterator[Any]:
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
