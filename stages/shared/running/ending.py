"""When a stage ends before it is done: with the DVC process that started it, and on Ctrl-C.

A thread looks twice a second for the process that runs the stage. `prctl(PR_SET_PDEATHSIG)` would
see only the shell between them, which does not end when DVC does, and is Linux's alone. A process
called `dvc` need not exist: an experiments queue or an editor may run the stage.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

INTERVAL_S = 0.5  # in which it is noticed that DVC is gone
GRACE_S = 2.0  # after Ctrl-C


@contextmanager
def with_dvc() -> Iterator[None]:
    """End this process if the DVC process that started it is killed while the block runs.

    An orphan would write beside the next run. A stage that was started by hand has no DVC.
    """
    over = threading.Event()
    if "DVC_STAGE" in os.environ:
        threading.Thread(target=_watch, args=(over,), daemon=True).start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def on_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the worker processes first: a pool would wait for what they have begun."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as it is in the background of a script
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # The next Ctrl-C ends this process as it stands, and so does an alarm if tidying up takes long.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, GRACE_S)
    _kill_workers()
    raise KeyboardInterrupt


def _kill_workers() -> None:
    """Kill all processes that this one started, and those that are about to start one."""
    import psutil  # type: ignore[import-untyped]  # it ships no type information

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            # That one ends by itself, when there is nothing left to tidy up.
            if not any("resource_tracker" in word for word in process.cmdline()):
                process.kill()


def _watch(over: threading.Event) -> None:
    parent = os.getppid()
    if over.wait(INTERVAL_S):  # importing psutil would cost many stages a part of what they take
        return
    dvc = _dvc()
    while dvc is not None and parent == os.getppid() and dvc == _dvc():
        if over.wait(INTERVAL_S):
            return
    os._exit(1)


def _dvc() -> int | None:
    """Return the id of the process that runs this stage, None where it is gone.

    It is the nearest ancestor whose command line is not that of this stage: between them may stand
    a shell. Whoever adopts an orphan belongs to another session.
    """
    import psutil

    command = " ".join(sys.orig_argv[1:3])  # -m stages.<stage>
    with suppress(psutil.Error, ProcessLookupError):  # one of them has just ended
        ancestor = psutil.Process().parent()
        while ancestor is not None and command in " ".join(ancestor.cmdline()):
            ancestor = ancestor.parent()
        if ancestor is not None:
            return ancestor.pid if os.getsid(ancestor.pid) == os.getsid(0) else None
    return os.getppid()
