"""Which stages `dvc repro` will run: those that DVC finds changed, and all that follow.

The listing of the data set's files runs each time. It counts as changed where it will list others.
"""

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from stages.listing import __main__ as listing
from stages.shared.errors import UserError
from stages.shared.settings.params import load_params

# changed: it, or what it reads and no stage writes, is not what DVC knows; it will run.
# follows: a stage above runs; it will run unless the results that it reads stay equal.
# restored: DVC has its outputs in the cache. unchanged: there is nothing to do.
State = Literal["changed", "follows", "restored", "unchanged"]
RUNNING = ("changed", "follows")


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline and what DVC will do with it."""

    name: str  # as DVC writes it: score@round0
    arguments: Sequence[str]  # of its `main`
    state: State
    why: str  # what has changed, or after which stage it follows
    inputs_stay: bool  # no stage above runs

    @property
    def kind(self) -> str:
        """The stage of dvc.yaml that it is one of."""
        return self.name.partition("@")[0]

    @property
    def runs(self) -> bool:
        """Whether DVC will run it, unless a result above stays equal."""
        return self.state in RUNNING


def load_graph() -> list[Stage]:
    """Return the stages of dvc.yaml in the working folder, each after those it depends on.

    Raises:
        UserError: DVC cannot read the project, or another DVC is at work in it; or the data set is
            not where it must be.
    """
    # Imported here: it takes a second, and --help does without.
    from dvc.exceptions import DvcException  # type: ignore[import-untyped] # it ships no types
    from dvc.repo import Repo  # type: ignore[import-untyped] # nor here

    try:
        with Repo() as repo:
            status, graph = repo.status(), repo.index.graph
            found = {stage.addressing: stage for stage in graph}
            cached = {name for name in status if found[name].outs_cached()}
    except DvcException as error:
        raise UserError(f"dvc: {' '.join(str(error).split())}") from error
    # Its edges lead from a stage to those that it reads from.
    above = {
        name: [other.addressing for other in graph.successors(stage)]
        for name, stage in found.items()
    }
    outs = {out.def_path for stage in graph for out in stage.outs}
    changes = {name: list(_changes(entries, outs)) for name, entries in status.items()}
    for name, stage in found.items():
        if stage.always_changed:
            changes[name] = list(_changes_of_files(stage))
            if not changes[name]:
                del changes[name]
    decisions = decide(above, changes, cached)
    return [
        Stage(name, shlex.split(found[name].cmd)[3:], *decision)
        for name, decision in decisions.items()
    ]


def decide(
    above: Mapping[str, Iterable[str]], changes: Mapping[str, list[str]], cached: Iterable[str]
) -> dict[str, tuple[State, str, bool]]:
    """Return state, why and `inputs_stay` of each stage, each after those that it reads from.

    Args:
        above: the stages whose outputs each stage reads.
        changes: what DVC finds changed, for stages where it finds anything; outputs alone: empty.
        cached: of these stages those whose outputs, as dvc.lock has them, are in DVC's cache.
    """
    found: dict[str, tuple[State, str, bool]] = {}
    for name in TopologicalSorter(above).static_order():
        running = [other for other in above[name] if found[other][0] in RUNNING]
        if changes.get(name):
            found[name] = ("changed", changes[name][0], not running)
        elif running:
            found[name] = ("follows", running[0], False)
        elif name not in changes:
            found[name] = ("unchanged", "", True)
        elif name in cached:
            found[name] = ("restored", "", True)
        else:
            found[name] = ("changed", "outputs", True)
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


def _changes_of_files(stage: Any) -> Iterable[str]:
    """Yield a word for each listing that will not be the one that dvc.lock knows."""
    known = {Path(out.def_path): out.hash_info.value for out in stage.outs}
    if not all(known.values()):
        yield "outputs"
        return
    tables = listing.tables(load_params(), *sorted(known), remember=False)
    for table, what in zip(tables, ("files of the data set", "files of weights"), strict=True):
        content = tables[table]
        if content is not None and hashlib.md5(content).hexdigest() != known[table]:
            yield what


def _is_written(path: str, outs: set[str]) -> bool:
    """Return whether a stage writes this path, a part of it, or a folder that holds it."""
    parts = Path(path)
    return any(parts.is_relative_to(out) or Path(out).is_relative_to(parts) for out in outs)
