"""The stages of a dvc.yaml with every name filled in, for machines without DVC.

Of DVC's templating it knows what this project's dvc.yaml uses: `matrix`, and `${...}` with names,
places in lists, `item` and `key`.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import product
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Names = Mapping[str, Any]  # what ${...} may speak of
Spec = dict[str, Any]  # a stage as it stands in dvc.yaml

PLACEHOLDER = re.compile(r"\$\{(.+?)\}")


@dataclass(frozen=True)
class Stage:
    """A stage whose every name is filled in; paths are relative to the project."""

    name: str
    command: list[str]
    params: dict[str, Any]  # the values it reads, by their dotted names
    sources: list[Path]  # what it reads and no stage writes: code and lists
    after: list[str]  # the stages that write what it reads
    outs: list[Path]


def load_stages(project: Path) -> list[Stage]:
    """Return the stages of a folder's dvc.yaml and params.yaml, each after those it depends on."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(project / "params.yaml")
    specs = resolve(yaml.load(project / "dvc.yaml")["stages"], params)
    found = {name: _stage(name, specs, params) for name in specs}
    order = TopologicalSorter({name: stage.after for name, stage in found.items()})
    return [found[name] for name in order.static_order()]


def resolve(stages: Mapping[str, Spec], params: Names) -> dict[str, Spec]:
    """Return the stages by name as DVC resolves them, one for each combination of a matrix."""
    resolved = {}
    for name, spec in stages.items():
        template = {key: value for key, value in spec.items() if key != "matrix"}
        for key, item in _combinations(_filled(spec.get("matrix", {}), params)):
            whole = f"{name}@{key}" if key else name
            resolved[whole] = _filled(template, {**params, "item": item, "key": key})
    return resolved


def _combinations(matrix: Mapping[str, list[Any]]) -> Iterator[tuple[str, Names]]:
    """Yield each combination and its key: texts and numbers by value, all else by place."""
    for places in product(*(range(len(values)) for values in matrix.values())):
        item = {name: matrix[name][place] for name, place in zip(matrix, places, strict=True)}
        parts = [
            f"{name}{place}" if isinstance(item[name], dict | list) else _text(item[name])
            for name, place in zip(matrix, places, strict=True)
        ]
        yield "-".join(parts), item


def _filled(value: Any, names: Names) -> Any:
    """Return a value whose every `${...}` is replaced; one that is all of a text keeps its type."""
    if isinstance(value, dict):
        return {_filled(key, names): _filled(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, names) for part in value]
    if not isinstance(value, str):
        return value
    if match := PLACEHOLDER.fullmatch(value):
        return _look_up(match[1], names)
    return PLACEHOLDER.sub(lambda match: _text(_look_up(match[1], names)), value)


def _look_up(path: str, names: Names) -> Any:
    """Return what a path such as `rounds[-1].to` speaks of."""
    found: Any = names
    for part in re.findall(r"[^.\[\]]+", path):
        found = found[int(part) if isinstance(found, list) else part]
    return found


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stage(name: str, specs: Mapping[str, Spec], params: Names) -> Stage:
    spec, deps = specs[name], _paths(specs[name], "deps")
    outs = {other: _paths(specs[other], "outs", "metrics") for other in specs}
    return Stage(
        name=name,
        command=shlex.split(spec["cmd"]),
        params={key: _look_up(key, params) for key in spec.get("params", [])},
        sources=[
            dep
            for dep in deps
            if not any(_overlap(dep, out) for each in outs.values() for out in each)
        ],
        after=[
            other
            for other, each in outs.items()
            if any(_overlap(dep, out) for dep in deps for out in each)
        ],
        outs=outs[name],
    )


def _paths(spec: Spec, *keys: str) -> list[Path]:
    entries = [entry for key in keys for entry in spec.get(key, [])]
    # An entry with options is a map from its path to them.
    return [Path(next(iter(entry)) if isinstance(entry, dict) else entry) for entry in entries]


def _overlap(first: Path, second: Path) -> bool:
    return first.is_relative_to(second) or second.is_relative_to(first)
