"""Run a stage from the command line: its arguments are those of its `main`.

An error of the user's ends the process with code 1 and one line; `SUBSET_DEBUG=1` shows the
traceback. The seconds of each stage go to metrics/timings.json.
"""

import argparse
import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stages
from stages.shared import timings
from stages.shared.errors import UserError


def run(main: Callable[..., None]) -> None:
    """Call `main` with the command line's arguments, converted to the types it declares."""
    arguments = _parse(main)
    with one_line_errors():
        main(**arguments)
    stage = os.environ.get("DVC_STAGE")
    if stage:
        timings.record(stage, time.perf_counter() - stages.STARTED)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with code 1 and one line where the block raises an error of the user's."""
    try:
        yield
    except UserError as error:
        if os.environ.get("SUBSET_DEBUG") == "1":
            raise
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None


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
        parser.add_argument(parameter.name, type=kind)
    return vars(parser.parse_args())
