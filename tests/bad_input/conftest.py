"""Run a stage as the command line does, on what it must refuse."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.shared import command


def everything_below(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of every file."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def line_of(monkeypatch, capsys) -> Callable[..., str]:
    """Run a stage in the working folder, which it must refuse; return the line that it says.

    It ends with code 1 and this one line, and everything that was there before is as it was.
    """

    def run(stage: str, *arguments: str) -> str:
        main = importlib.import_module(f"stages.{stage}.__main__").main
        monkeypatch.setattr(sys, "argv", [stage, *arguments])
        monkeypatch.delenv("SUBSET_DEBUG", raising=False)
        before = everything_below(Path())
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command.run(main)
        said = capsys.readouterr()
        assert ended.value.code == 1
        assert everything_below(Path()) == before
        assert said.out == ""
        assert said.err.startswith("error: ")
        assert said.err.endswith("\n")
        assert said.err.count("\n") == 1
        return said.err.removeprefix("error: ").removesuffix("\n")

    return run
