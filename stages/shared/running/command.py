"""Run a stage from the command line: its arguments are those of its `main`.

An error of the user's, or a disk that takes no more, ends the process with code 1 and one line;
`SUBSET_DEBUG=1` shows the traceback. The seconds of each stage go to metrics/timings.json.
"""

import argparse
import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import stages
from stages.shared.artifacts import files
from stages.shared.errors import UserError
from stages.shared.running import ending, timings


def run(main: Callable[..., None]) -> None:
    """Call `main` with the command line's arguments, converted to the types it declares."""
    arguments = _parse(main)
    with errors_in_one_line(), ending.with_dvc(), ending.on_interrupt():
        _run(main, arguments)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the process with one line where the block meets an error of the user's, or Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        _stop("interrupted; what is finished is kept, and `dvc repro` goes on from there", 130)
    except (UserError, OSError) as error:
        line = files.describe(error) if isinstance(error, OSError) else str(error)
        if line is None or os.environ.get("SUBSET_DEBUG") == "1":
            raise
        _stop(line, 1)


def _run(main: Callable[..., None], arguments: dict[str, Any]) -> None:
    stage = os.environ.get("DVC_STAGE")
    if stage:
        # DVC lets no other stage write these meanwhile: what lies there is of one that was killed.
        files.remove_unfinished(path for path in arguments.values() if isinstance(path, Path))
    main(**arguments)
    if stage:
        timings.record(stage, time.perf_counter() - stages.STARTED)


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
