"""Run a stage from the command line: its arguments are those of its `main`.

An error of the user's, or a disk that takes no more, ends the process with code 1 and one line;
`SUBSET_DEBUG=1` shows the traceback. The seconds of each stage go to metrics/timings.json.
"""

import argparse
import getpass
import inspect
import io
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import stages
from stages.shared.artifacts import files
from stages.shared.errors import UserError, reason
from stages.shared.running import ending, engine, timings

NO_MEMORY = re.compile("can't allocate memory|out of memory")  # torch's, of the CPU and of GPUs
# What people can do about what other libraries say: Python, libgit2 in a container, and torch where
# nothing is left of an image after some layers.
ADVICE = {
    "can't start new thread": "let more processes run (`ulimit -u`, or the container's limit)",
    "is not owned by current user": '`git config --global --add safe.directory "$PWD"` trusts it',
    "(?i:kernel size can't be greater than|output size is too small)|array of sliding blocks as"
    "|more than 1 value per channel": "images (dataset.image_size), or batches, are too small for "
    "this network: enlarge them, or choose another",
}


def run(main: Callable[..., None]) -> None:
    """Call `main` with the command line's arguments, converted to the types it declares."""
    with errors_in_one_line(), ending.with_dvc(), ending.on_interrupt():
        arguments = _parse(main)
        engine.limit_threads()
        _run(main, arguments)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the process with one line where the block meets an error of the user's, or Ctrl-C."""
    _write_whatever_there_is()
    _name_user()
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        if not _is_output_cut():
            _stop("what is sent to a process is read no further", 1)
        with suppress(OSError, ValueError):  # or Python would say at its end what it cannot write
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None  # as a shell has it of other programs
    except KeyboardInterrupt:
        _stop("interrupted; what is finished is kept, and `dvc repro` goes on from there", 130)
    except Exception as error:
        line = _described(error)
        if line is None or os.environ.get("SUBSET_DEBUG") == "1":
            raise
        _stop(line, 1)


def _is_output_cut() -> bool:
    """Return whether nobody reads any more what is printed, as behind `| head`."""
    watched = select.poll()
    try:
        watched.register(sys.stdout, 0)  # errors are always told
    except (OSError, ValueError):  # it is closed, or no file
        return False
    return bool(watched.poll(0))


def _write_whatever_there_is() -> None:
    """Escape on the terminal, or in a log, what its encoding has no letter for, as ASCII and é.

    Where there is no output, as in some services, it goes nowhere.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end
            setattr(sys, name, nowhere)
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _name_user() -> None:
    """Name who runs this where nobody does: a container's user may have no entry in passwd.

    DVC asks for the name, to keep users' caches apart.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        os.environ["USER"] = str(os.getuid())


def _described(error: Exception) -> str | None:
    """Return the line for what the user can mend; None: it is a mistake of ours."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        return files.describe(error)
    if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
        return (
            "memory is full; lower SUBSET_WORKERS, SUBSET_LOADERS or batch_size. What is finished "
            "is kept: run `dvc repro` again"
        )
    for words, advice in ADVICE.items():
        if re.search(words, str(error)):
            return f"{reason(error)}; {advice}"
    return None


def _run(main: Callable[..., None], arguments: dict[str, Any]) -> None:
    stage = os.environ.get("DVC_STAGE")
    if stage:
        # DVC lets no other stage write these meanwhile: what lies there is of one that was killed.
        files.remove_unfinished(path for path in arguments.values() if isinstance(path, Path))
    main(**arguments)
    if stage:
        timings.record(stage, time.perf_counter() - stages.STARTED, sys.argv[1:])


def _stop(line: str, code: int) -> NoReturn:
    sys.stderr.write(f"error: {line}\n")
    raise SystemExit(code)


def _parse(main: Callable[..., None]) -> dict[str, Any]:
    module = inspect.getmodule(main)
    assert module is not None
    parser = argparse.ArgumentParser(
        prog=f"python -m {module.__package__}",
        description=inspect.getdoc(main),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for parameter in inspect.signature(main).parameters.values():
        kind = Path if parameter.annotation is Path else str
        if parameter.default is inspect.Parameter.empty:
            parser.add_argument(parameter.name, type=kind)
        else:
            parser.add_argument(parameter.name, type=kind, nargs="?", default=parameter.default)
    return vars(parser.parse_args())
