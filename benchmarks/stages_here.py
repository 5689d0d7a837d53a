"""The pipeline's stages as they are, run in this process, in a folder of their own.

A training then costs no start of a process, and processor seconds are those of this process. What
was trained is kept in `<work>/.resume`: a broken-off series goes on where it stopped.
"""

import contextlib
import inspect
import os
import shutil
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.generated import ROOT
from stages.shared.running import dispatch, engine


def enter(work: Path, name: str, raw: Path) -> None:
    """Make a folder below `work`, with its `data/raw`, and go there; from now on train here."""
    folder = work.absolute() / name
    os.environ["SUBSET_RESUME"] = str(work.absolute() / ".resume")
    engine.keep_freed_memory()
    dispatch.map_pieces = map_here
    if not folder.exists():
        shutil.copytree(ROOT / "lists", folder / "lists")
        (folder / "data").mkdir()
        (folder / "data/raw").symlink_to(raw.absolute())
    os.chdir(folder)


def stage(name: str, *arguments: str) -> None:
    """Run a stage, its paths below data/; what it says goes to runs.log."""
    main = import_module(f"stages.{name}.__main__").main
    kinds = inspect.signature(main).parameters.values()
    converted = [
        Path("data") / text if kind.annotation is Path else text
        for text, kind in zip(arguments, kinds, strict=False)
    ]
    with (
        Path("runs.log").open("a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        main(*converted)


def map_here(function: Callable[..., Any], pieces: Sequence[Any], **_: object) -> list[Any]:
    """Do what `dispatch.map_pieces` does, one piece after the other in this process."""
    return [function(piece, lambda _: None) for piece in pieces]
