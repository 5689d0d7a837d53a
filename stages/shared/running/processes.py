"""Processes of this machine that do one call after the other, each over a pipe of its own.

Not `concurrent.futures`: where a process of its pool is killed while the next one is started, the
pool may wait for ever, and a killed process takes along the lock of the queue that it reads from. A
pipe of two ends needs no lock, and ends when one of them is gone.
"""

import multiprocessing
import os
import signal
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any, Generic, NoReturn, TypeVar

from stages.shared.errors import ParamsError

Result = TypeVar("Result")

LONGEST_TEMPORARY = 70  # letters: a socket's path has 108 at most, and its own folder and name 30

REPORT, ANSWER = b"r", b"a"  # the first byte of a message

_connection: Connection  # of such a process, to the one that started it


class ProcessKilledError(Exception):
    """A process ended before it had done what it was called for."""


class Call(Generic[Result]):
    """What a process was called for."""

    def __init__(self, process: "Process") -> None:
        self.process = process
        self._answer: bytes | None = None

    @property
    def is_done(self) -> bool:
        """Whether the result is here."""
        return self._answer is not None

    def result(self) -> Result:
        """Return the result, or raise what the function raised, as soon as it is here.

        Raises:
            ProcessKilledError: the process is gone.
        """
        while self._answer is None:
            self.process.receive()
        returned: Callable[[], Result] = ForkingPickler.loads(self._answer)
        return returned()


class Process:
    """A process forked from a server that has imported what it needs.

    It does its calls in order, ignores Ctrl-C (ending.py), and ends with the process that started
    it, however that ends.

    Args:
        preload: the modules that the server imports, once for all that name the same.
        set_up: called first, in the process.
        arguments: of `set_up`.
        has_children: whether it may start processes itself; one that may not ends with a program
            that has forgotten to end it.
        on_report: gets what the process reports while a result is waited for.

    Raises:
        ProcessKilledError: it was killed as it started.
    """

    def __init__(
        self,
        preload: list[str],
        set_up: Callable[..., None],
        arguments: Sequence[Any] = (),
        *,
        has_children: bool = False,
        on_report: Callable[[Any], None] = lambda message: None,
    ) -> None:
        context = _forkserver(preload)
        self.connection, there = context.Pipe()
        self._calls: deque[Call[Any]] = deque()  # that are not done yet
        self._on_report = on_report
        self._process = context.Process(
            target=_serve, args=(there, set_up, arguments), daemon=not has_children
        )
        try:
            self._process.start()
        except (EOFError, ConnectionError):
            raise ProcessKilledError from None
        finally:
            there.close()  # so that the pipe ends with the process

    @property
    def id(self) -> int:
        """The number by which the system knows it."""
        assert self._process.pid is not None
        return self._process.pid

    def call(self, function: Callable[..., Result], *arguments: Any) -> Call[Result]:
        """Let the process do this after what it was called for before.

        Raises:
            ProcessKilledError: it is gone.
        """
        try:
            self.connection.send_bytes(_written((function, arguments)))
        except OSError:
            raise ProcessKilledError from None
        call = Call[Result](self)
        self._calls.append(call)
        return call

    def receive(self) -> None:
        """Wait for the next report or result.

        Raises:
            ProcessKilledError: the process is gone.
        """
        try:
            message = self.connection.recv_bytes()
        except (EOFError, OSError):
            raise ProcessKilledError from None
        kind, content = message[:1], message[1:]
        if kind == REPORT:
            # Reports are for people: a closed terminal must not stop the work.
            with suppress(Exception):
                self._on_report(ForkingPickler.loads(content))
        else:
            self._calls.popleft()._answer = content

    def end(self) -> None:
        """Let it end after its calls, and wait for that."""
        with suppress(ProcessKilledError):
            while self._calls:
                self.receive()
        self.connection.close()
        self._process.join()

    def kill(self) -> None:
        """End it as it stands."""
        self._process.kill()
        self.end()


def first_done(calls: Collection[Call[Result]]) -> list[Call[Result]]:
    """Wait for the first of some calls of several processes; return those that are done.

    Raises:
        ProcessKilledError: one of the processes is gone.
    """
    processes = {call.process.connection: call.process for call in calls}
    while not (done := [call for call in calls if call.is_done]):
        for connection in wait(processes):
            processes[connection].receive()  # type: ignore[index]
    return done


def report(message: object) -> None:
    """Report something to the process that started this one."""
    _connection.send_bytes(REPORT + _written(message))


def end_with_parent() -> None:
    """Make this worker process end when the one that started it does, as after SIGKILL."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    # An orphan would write beside the next run.
    parent.join()
    os._exit(1)


def _forkserver(preload: list[str]) -> ForkServerContext:
    """Return what starts processes, which are forked from a server that has imported these modules.

    Raises:
        ParamsError: the machine lacks what processes talk to each other by.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preload)
    folder = tempfile.gettempdir()
    if len(os.fsencode(folder)) > LONGEST_TEMPORARY:
        raise ParamsError(
            f"TMPDIR: {folder!r} has over {LONGEST_TEMPORARY} letters; name a folder with fewer, "
            "where processes make their sockets"
        )
    return context


def _serve(connection: Connection, set_up: Callable[..., None], arguments: Sequence[Any]) -> None:
    global _connection
    _connection = connection
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    set_up(*arguments)
    # Read at once: who calls must never wait here while this process waits there with a result.
    calls: SimpleQueue[bytes | None] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, calls), daemon=True).start()
    while call := calls.get():
        with suppress(OSError):  # nobody waits for it any more
            connection.send_bytes(ANSWER + _answer(call))


def _read(connection: Connection, calls: SimpleQueue[bytes | None]) -> None:
    with suppress(EOFError, OSError):
        while True:
            calls.put(connection.recv_bytes())
    calls.put(None)


def _written(what: object) -> bytes:
    return bytes(ForkingPickler.dumps(what))


def _answer(call: bytes) -> bytes:
    try:
        function, arguments = ForkingPickler.loads(call)
        return _written(partial(_given, function(*arguments)))
    except Exception as error:
        error.add_note(traceback.format_exc())
        with suppress(Exception):  # some errors cannot be written, some not be read again
            answer = _written(partial(_raise, error))
            ForkingPickler.loads(answer)
            return answer
        return _written(partial(_raise, RuntimeError(traceback.format_exc())))


def _given(result: Any) -> Any:
    return result


def _raise(error: Exception) -> NoReturn:
    raise error
