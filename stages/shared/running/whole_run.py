"""Where a stage stands in the whole run: the how many-th it is, and what the rest takes.

The order is DVC's, worked out from dvc.yaml and params.yaml without DVC, which takes a second to
import: a depth-first walk in the order of dvc.yaml, each stage after those whose outputs it reads.
DVC skips what has not changed, so the number of stages and the time are what they are at most.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.shared.running import timings
from stages.shared.running.timings import StageTiming

PIPELINE, PARAMS = Path("dvc.yaml"), Path("params.yaml")
TEMPLATE = re.compile(r"\$\{([^}]+)\}")
# Sizes differ between their items, and so do seconds unless each training has as many updates.
TRAINING = ("train_ensemble", "train_subset_model")

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Spec:
    """A stage with every name filled in."""

    command: str
    deps: Sequence[str]
    outs: Sequence[str]
    params: Sequence[str]  # their dotted keys


@dataclass(frozen=True)
class Place:
    """Where a stage stands in the run."""

    number: int  # from 1
    most: int  # stages that run
    own: float  # seconds of an earlier run of this stage; NaN: not known
    others: float  # of those after it together

    def seconds_left(self, elapsed: float, of_stage: float) -> float:
        """Return what the run still takes, about and at most; NaN where it is not known.

        Args:
            elapsed: seconds that the stage has run.
            of_stage: that its work still takes at the rate so far.
        """
        of_this = math.nan if math.isnan(self.own) else max(self.own - elapsed, of_stage, 0.0)
        return self.others + of_this


def place_of(stage: str) -> Place | None:
    """Return the place of a stage, by the name that DVC gives it; None where it has none."""
    # What is wrong with these files is for DVC to say: no training fails for a line of progress.
    try:
        pipeline, params = _load(PIPELINE), _load(PARAMS)
        specs = expanded(pipeline, params)
        names = order(specs)
        number = 1 + names.index(stage)
    except Exception:
        return None
    try:
        known = _seconds(specs, params)
    except Exception:
        known = dict.fromkeys(names, math.nan)
    rest = [known[name] for name in names[number:]]
    return Place(number, len(names), known[stage], math.fsum(rest))


def in_time(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 100:  # noqa: PLR2004 - two digits
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    minutes = round(seconds / 60)
    if minutes < 100:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{seconds / 3600:.1f} h"


def expanded(pipeline: Content, params: Content) -> dict[str, Spec]:
    """Return the stages of a dvc.yaml by name, those of a matrix each, in its order."""
    return {
        f"{name}@{key}" if key else name: Spec(
            _filled(spec["cmd"], {**params, **item}),
            _names(spec.get("deps", []), {**params, **item}),
            _names([*spec.get("outs", []), *spec.get("metrics", [])], {**params, **item}),
            spec.get("params", []),
        )
        for name, spec in pipeline["stages"].items()
        for key, item in _items(spec.get("matrix", {}), params)
    }


def order(specs: Mapping[str, Spec]) -> list[str]:
    """Return the names of the stages in the order in which DVC runs them."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        for dep, (other, spec) in itertools.product(specs[name].deps, specs.items()):
            if other not in found and any(overlap(dep, out) for out in spec.outs):
                visit(other)
        found[name] = None

    for name in specs:
        if name not in found:
            visit(name)
    return list(found)


def _items(matrix: Content, params: Content) -> Iterator[tuple[str, Content]]:
    """Yield the key of each item of a matrix, as DVC names it, and its values; one without any."""
    axes = [
        [
            (f"{axis}{place}" if isinstance(value, dict | list) else str(value), value)
            for place, value in enumerate(_at(TEMPLATE.fullmatch(values)[1], params))  # type: ignore[index]
        ]
        for axis, values in matrix.items()
    ]
    for chosen in itertools.product(*axes):
        key = "-".join(name for name, _ in chosen)
        values = dict(zip(matrix, (value for _, value in chosen), strict=True))
        yield key, {"item": values, "key": key} if matrix else {}


def _names(entries: Sequence[str | Content], values: Content) -> list[str]:
    return [
        _filled(each if isinstance(each, str) else next(iter(each)), values) for each in entries
    ]


def _filled(text: str, values: Content) -> str:
    return TEMPLATE.sub(lambda found: str(_at(found[1], values)), text)


def _at(path: str, values: Any) -> Any:
    """Return the value at a path such as rounds[-1].to."""
    for key in re.findall(r"[^.\[\]]+", path):
        values = values[int(key)] if isinstance(values, list) else values[key]
    return values


def overlap(dep: str, out: str) -> bool:
    """Return whether a stage that reads the one reads something of the other."""
    return dep == out or dep.startswith(f"{out}/") or out.startswith(f"{dep}/")


# --- what stages take ----------------------------------------------------------------------------


def _seconds(specs: Mapping[str, Spec], params: Content) -> dict[str, float]:
    """Return what each stage takes at most, by an earlier run of it on this machine, or NaN."""
    here, lock = timings.machine(), _lock()
    known = {
        name: _of(timing)
        for name, timing in timings.of_workspace().items()
        if name in specs and timing.machine == here and _is_same(specs[name], lock, name, params)
    }
    if not {"listing", "prepare"} <= known.keys():  # another data set, so nothing is as it was
        known = {}
    return {name: known.get(name, _of_siblings(name, known, params)) for name in specs}


def _of(timing: StageTiming) -> float:
    """Return a stage's seconds; those that it takes to train what was found finished, too."""
    return timing.cost if timing.members_found else timing.seconds


def _of_siblings(name: str, known: Mapping[str, float], params: Content) -> float:
    """Return the most that another item of the same stage has taken."""
    kind, _, item = name.partition("@")
    if not item or (kind in TRAINING and "updates" not in params[kind]["length"]):
        return math.nan
    found = [seconds for other, seconds in known.items() if other.partition("@")[0] == kind]
    return max(found, default=math.nan)


def _is_same(spec: Spec, lock: Content, name: str, params: Content) -> bool:
    """Return whether a stage ran with the command and the settings that it has now."""
    entry = lock.get(name, {})
    before = entry.get("params", {}).get(str(PARAMS), {})
    return entry.get("cmd") == spec.command and all(
        key in before and before[key] == _at(key, params) for key in spec.params
    )


def _lock() -> Content:
    try:
        return dict(_load(timings.LOCK)["stages"])
    except OSError:
        return {}


def _load(path: Path) -> Any:
    """Read YAML by the parser in C: nobody is told what is wrong with it here."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
