"""Which stage of two runs wrote something else first: from dvc.lock and DVC's cache.

A stage's outputs may differ because an input does (command, parameter or dependency), which says
nothing of the stage; or although all of its inputs are equal, and then it is not reproducible.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from commands.compare.revision_files import WORKSPACE, opened
from stages.shared.errors import ArtifactError, DataError, reason

LOCK = "dvc.lock"
MOST_NAMED = 3  # inputs of a stage
Hashes = Mapping[str, str]


@dataclass(frozen=True)
class Locked:
    """What dvc.lock says of a stage that ran."""

    command: str
    params: Mapping[str, object]
    deps: Hashes  # by path
    outs: Hashes


@dataclass(frozen=True)
class Run:
    """What one run wrote."""

    name: str
    stages: Mapping[str, Locked]  # as dvc.lock lists them
    cache: Any  # DVC's

    def listing(self, digest: str) -> Hashes | None:
        """Return the hashes of a folder's files, by their paths in it; None: the cache lacks it."""
        path = self.cache and Path(self.cache.oid_to_path(digest))
        if not path or not path.is_file():
            return None
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {entry["relpath"]: entry["md5"] for entry in entries}


@dataclass(frozen=True)
class Difference:
    """A stage that wrote something else."""

    stage: str
    output: str  # the first by its path
    inputs: list[str]  # that differ


def artifact_changes(first: str, second: str) -> str:
    """Say which stage is the first whose outputs differ although its inputs do not.

    Where there is none, the first whose outputs differ; then which others do, each with why.

    Args:
        first: a git revision, an experiment, the workspace, or a folder with a dvc.lock.
        second: likewise.

    Raises:
        DataError: there is no such revision.
        ArtifactError: its dvc.lock cannot be read.
    """
    with _opened(first) as one, _opened(second) as other:
        return "".join(f"{line}\n" for line in _lines(one, other))


@contextmanager
def _opened(name: str) -> Iterator[Run]:
    # Imported here: it takes a second.
    from dvc.exceptions import DvcException  # type: ignore[import-untyped] # it ships no types
    from dvc.repo import Repo  # type: ignore[import-untyped] # nor here

    folder = Path("." if name == WORKSPACE else name)
    if name != WORKSPACE and not (folder / LOCK).is_file():
        with opened(name) as files, Repo() as repo:
            stages = files.read(lambda root: load_lock(root / LOCK), LOCK)
            yield Run(name, stages, repo.cache.local)
        return
    stages = load_lock(folder / LOCK)
    try:
        repo = Repo(str(folder))
    except DvcException:  # a dvc.lock alone
        yield Run(name, stages, None)
        return
    with repo:
        yield Run(name, stages, repo.cache.local)


def load_lock(path: Path) -> dict[str, Locked]:
    """Return the stages of a dvc.lock.

    Raises:
        ArtifactError: it is no such file.
    """
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))["stages"]
        return {name: _locked(entry) for name, entry in content.items()}
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError, YAMLError) as error:
        raise ArtifactError(f"{path}: cannot be read ({reason(error)}); it must be DVC's") from None


def _locked(entry: Mapping[str, Any]) -> Locked:
    hashes = [
        {part["path"]: str(part.get("md5")) for part in entry.get(key, [])}
        for key in ("deps", "outs")
    ]
    params = {
        f"{path}:{key}": value
        for path, values in entry.get("params", {}).items()
        for key, value in values.items()
    }
    return Locked(str(entry["cmd"]), params, *hashes)


# --- comparing -----------------------------------------------------------------------------------


def _lines(first: Run, second: Run) -> Iterator[str]:
    where = f"{first.name} and {second.name}"
    common = [name for name in in_order(first.stages) if name in second.stages]
    if not common:
        raise DataError(f"{where}: have no stage in common")
    for one, other in ((first, second), (second, first)):
        alone = [name for name in one.stages if name not in other.stages]
        if alone:
            yield f"only {one.name} ran {', '.join(alone)}"
    found = differences({name: (first.stages[name], second.stages[name]) for name in common})
    if not found:
        stages = "1 stage" if len(common) == 1 else f"{len(common)} stages"
        yield f"equal: {stages} of {where} wrote the same"
        return
    causes = [entry for entry in found if not entry.inputs]
    first_found = (causes or found)[0]
    yield f"first: {_said(first_found, first, second)}"
    for place, entry in enumerate(found):
        if entry is not first_found:
            when = "before" if place < found.index(first_found) else "then"
            yield f"{when}: {_said(entry, first, second)}"


def in_order(stages: Mapping[str, Locked]) -> list[str]:
    """Return the names of stages, each after those whose outputs it reads, as DVC runs them."""
    after = {
        name: [
            earlier
            for earlier, other in stages.items()
            if earlier != name and _reads(stage.deps, other.outs)
        ]
        for name, stage in stages.items()
    }
    try:
        return list(TopologicalSorter(after).static_order())
    except CycleError:  # DVC never drops entries of stages that are gone, which may fit no order
        return list(stages)


def _reads(deps: Hashes, outs: Hashes) -> bool:
    """Return whether a dependency is an output, lies in one, or holds one."""
    return any(
        f"{dep}/".startswith(f"{out}/") or f"{out}/".startswith(f"{dep}/")
        for dep in deps
        for out in outs
    )


def differences(stages: Mapping[str, tuple[Locked, Locked]]) -> list[Difference]:
    """Return the stages whose outputs differ, in the order given."""
    return [
        Difference(name, outputs[0], _inputs(one, other))
        for name, (one, other) in stages.items()
        if (outputs := _different(one.outs, other.outs))
    ]


def _inputs(first: Locked, second: Locked) -> list[str]:
    command = [] if first.command == second.command else ["its command"]
    return [
        *command,
        *_different(first.params, second.params),
        *_different(first.deps, second.deps),
    ]


def _different(first: Mapping[str, object], second: Mapping[str, object]) -> list[str]:
    return [key for key in dict.fromkeys([*first, *second]) if first.get(key) != second.get(key)]


def _said(found: Difference, first: Run, second: Run) -> str:
    """Name a stage, what it wrote, and why."""
    where = _first_file(found, first, second)
    if not found.inputs:
        return f"{found.stage} wrote another {where}, although all its inputs are equal"
    num_more = len(found.inputs) - MOST_NAMED
    more = f" and {num_more} more" if num_more > 0 else ""
    named = ", ".join(found.inputs[:MOST_NAMED])
    return f"{found.stage} wrote another {where}, because of other inputs: {named}{more}"


def _first_file(found: Difference, first: Run, second: Run) -> str:
    """Name an output, and in a folder the first file that differs."""
    runs = (first, second)
    digests = [run.stages[found.stage].outs.get(found.output, "") for run in runs]
    if not all(digest.endswith(".dir") for digest in digests):
        return found.output
    one, other = (run.listing(digest) for run, digest in zip(runs, digests, strict=True))
    if one is None or other is None:
        return f"{found.output} (the list of its files is not in DVC's cache)"
    name = min(_different(one, other))
    lacking = [
        f", which {run.name} lacks"
        for run, files in zip(runs, (one, other), strict=True)
        if name not in files
    ]
    return f"{found.output} (first in it {name}{''.join(lacking)})"
