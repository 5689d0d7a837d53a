"""Run the stages of dvc.yaml in this process: DVC resolves them, each stage's own `main` runs.

As `dvc repro` in a fresh clone, without starting Python for each stage.
"""

import importlib
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from unittest import mock

from dvc.parsing import DataResolver
from dvc.repo import Repo
from ruamel.yaml import YAML

from stages.shared.running import command, timings


@dataclass(frozen=True)
class Stage:
    """A stage with every name filled in."""

    name: str
    command: list[str]
    deps: list[Path]
    outs: list[Path]


def stages(project: Path) -> list[Stage]:
    """Return the stages of a folder's dvc.yaml and params.yaml, each after those it depends on."""
    content = YAML(typ="safe").load((project / "dvc.yaml").read_text())
    repo = Repo(str(project), uninitialized=True)
    resolved = DataResolver(repo, str(project), content).resolve()["stages"]
    found = {name: _stage(name, spec) for name, spec in resolved.items()}
    graph = {
        name: {other.name for other in found.values() if _feeds(other, stage)}
        for name, stage in found.items()
    }
    return [found[name] for name in TopologicalSorter(graph).static_order()]


def run(project: Path) -> list[str]:
    """Run all stages in the working folder; return their names in the order they ran.

    As DVC does it requires that what a stage depends on is there before and what it writes after.
    """
    ran = []
    for stage in stages(project):
        missing = [path for path in stage.deps if not path.exists()]
        assert not missing, f"{stage.name} runs before there is {missing}"
        _, _, module, *arguments = stage.command
        main = importlib.import_module(f"{module}.__main__").main
        begun = time.perf_counter()
        with (
            mock.patch.object(sys, "argv", [module, *arguments]),
            mock.patch.object(timings, "_noted", timings._Noted()),
        ):
            command.run(main)
            timings.record(stage.name, time.perf_counter() - begun)
        missing = [path for path in stage.outs if not path.exists()]
        assert not missing, f"{stage.name} has not written {missing}"
        ran.append(stage.name)
    return ran


def _stage(name: str, spec: Mapping[str, Any]) -> Stage:
    outs = [*spec.get("outs", []), *spec.get("metrics", [])]
    return Stage(
        name, shlex.split(spec["cmd"]), list(_paths(spec.get("deps", []))), list(_paths(outs))
    )


def _paths(entries: list[Any]) -> Iterator[Path]:
    for entry in entries:
        yield Path(entry if isinstance(entry, str) else next(iter(entry)))


def _feeds(first: Stage, second: Stage) -> bool:
    outs, deps = ([f"{path}/" for path in paths] for paths in (first.outs, second.deps))
    return any(out.startswith(dep) or dep.startswith(out) for out in outs for dep in deps)
