"""Which stages `dvc repro` will run: those that DVC finds changed, and all that follow."""

import shlex
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from stages.shared.errors import UserError

# changed: it, or what it reads and no stage writes, is not what DVC knows; it will run.
# follows: a stage above runs; it will run unless the results that it reads stay equal.
# restored: DVC has its outputs in the cache. unchanged: there is nothing to do.
State = Literal["changed", "follows", "restored", "unchanged"]
RUNNING = ("changed", "follows")

# What DVC takes for a stage that runs, beside the stage: so many rewritings of dvc.lock. The
# default pipeline on two busy cores: 1.7 s for each of its 18 stages, a rewriting 0.4 to 1.0 s.
LOCKS_PER_STAGE = 2.5
REWRITINGS = 3  # that are timed


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline and what DVC will do with it."""

    name: str  # as DVC writes it: score@round0
    command: list[str]  # python -m stages.score ...
    state: State
    why: str  # what has changed, or after which stage it follows
    inputs_stay: bool  # no stage above runs

    @property
    def kind(self) -> str:
        """The stage of dvc.yaml that it is one of."""
        return self.name.partition("@")[0]

    @property
    def arguments(self) -> list[str]:
        """What the stage's `main` gets."""
        return self.command[3:]

    @property
    def runs(self) -> bool:
        """Whether DVC will run it, unless a result above stays equal."""
        return self.state in RUNNING


@dataclass(frozen=True)
class Graph:
    """All stages, each after those it depends on, and what DVC itself takes."""

    stages: list[Stage]
    seconds_to_look: float  # at what has changed
    seconds_per_stage: float  # that runs

    @property
    def dvc_seconds(self) -> float:
        """What DVC takes beside the stages."""
        return self.seconds_to_look + self.seconds_per_stage * sum(s.runs for s in self.stages)


def load_graph() -> Graph:
    """Return what DVC will do with the stages of dvc.yaml in the working folder.

    Raises:
        UserError: DVC cannot read the project, or another DVC is at work in it.
    """
    start = time.perf_counter()
    # Imported here: it takes a second, and --help does without.
    from dvc.exceptions import DvcException  # type: ignore[import-untyped] # it ships no types
    from dvc.repo import Repo  # type: ignore[import-untyped] # nor here

    try:
        with Repo() as repo:
            status, graph = repo.status(), repo.index.graph
            cached = {stage.addressing for stage in graph if _has_outputs(stage, status)}
    except DvcException as error:
        raise UserError(f"dvc: {' '.join(str(error).split())}") from error
    seconds = time.perf_counter() - start
    to_rewrite = _seconds_to_rewrite(Path("dvc.lock"))
    return Graph(_stages(graph, status, cached), seconds, LOCKS_PER_STAGE * to_rewrite)


def _has_outputs(stage: Any, status: Mapping[str, Any]) -> bool:
    """Return whether a stage that has changed finds its outputs in the cache."""
    return stage.addressing in status and bool(stage.outs_cached())


def _stages(graph: Any, status: Mapping[str, list[Any]], cached: Iterable[str]) -> list[Stage]:
    """Return the stages of DVC's graph, whose edges lead from a stage to those it reads from."""
    found = {stage.addressing: stage for stage in graph}
    above = {
        name: [other.addressing for other in graph.successors(stage)]
        for name, stage in found.items()
    }
    outs = {out.def_path for stage in graph for out in stage.outs}
    changes = {name: list(_changes(entries, outs)) for name, entries in status.items()}
    decisions = decide(above, changes, cached)
    return [
        Stage(name, shlex.split(found[name].cmd), *decision) for name, decision in decisions.items()
    ]


class Decision(NamedTuple):
    """What DVC will do with a stage; the fields are those of `Stage`."""

    state: State
    why: str
    inputs_stay: bool


def decide(
    above: Mapping[str, Iterable[str]], changes: Mapping[str, list[str]], cached: Iterable[str]
) -> dict[str, Decision]:
    """Return what becomes of each stage, each after those that it reads from.

    Args:
        above: the stages whose outputs each stage reads.
        changes: what DVC finds changed, for stages where it finds anything; outputs alone: empty.
        cached: of these stages those whose outputs, as dvc.lock has them, are in DVC's cache.
    """
    found: dict[str, Decision] = {}
    for name in TopologicalSorter(above).static_order():
        running = [other for other in above[name] if found[other].state in RUNNING]
        if changes.get(name):
            found[name] = Decision("changed", changes[name][0], not running)
        elif running:
            found[name] = Decision("follows", running[0], False)
        elif name not in changes:
            found[name] = Decision("unchanged", "", True)
        elif name in cached:
            found[name] = Decision("restored", "", True)
        else:
            found[name] = Decision("changed", "outputs", True)
    return found


def _changes(entries: Iterable[Any], outs: set[str]) -> Iterable[str]:
    """Yield what DVC finds changed of a stage beside its own outputs.

    A missing dependency that a stage writes is no change: that stage's own state says what becomes
    of it.
    """
    for entry in entries:
        if isinstance(entry, str):
            yield entry.removeprefix("changed ")
            continue
        for path, how in entry.get("changed deps", {}).items():
            if isinstance(how, dict):
                yield from how  # keys of params.yaml
            elif not (how == "deleted" and _is_written(path, outs)):
                yield path


def _is_written(path: str, outs: set[str]) -> bool:
    """Return whether a stage writes this path, a part of it, or a folder that holds it."""
    parts = Path(path)
    return any(parts.is_relative_to(out) or Path(out).is_relative_to(parts) for out in outs)


def _seconds_to_rewrite(lock: Path) -> float:
    """Return how long DVC takes to read dvc.lock and write it again, as it does for each stage."""
    from dvc.utils.serialize import modify_yaml  # type: ignore[import-untyped] # it ships no types

    with TemporaryDirectory() as folder:
        copy = Path(folder) / lock.name
        copy.write_bytes(lock.read_bytes() if lock.exists() else b"stages: {}\n")
        marks = [time.perf_counter()]
        for _ in range(REWRITINGS):
            with modify_yaml(str(copy)):
                pass
            marks.append(time.perf_counter())
    return median(after - before for before, after in pairwise(marks))
