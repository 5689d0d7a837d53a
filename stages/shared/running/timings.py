"""Seconds of each stage and of each training in it, and the machine that they were measured on.

Times differ from run to run, so they are no stage's output: equal runs give an equal dvc.lock. They
lie in the resume folder with what they are of: those of a training beside its member, those of a
stage under a name for what dvc.lock says it wrote. So they are known again where a member is found
finished or DVC takes outputs from its cache, in this workspace and in an experiment's.
metrics/timings.json gathers them. DVC does not show it: `python -m commands.costs` does.
"""

import hashlib
import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stages.shared.artifacts.files import atomic_folder, write_atomically
from stages.shared.running import resume_folder
from stages.shared.running.engine import has_gpu, num_cores

PATH = Path("metrics/timings.json")
LOCK = Path("dvc.lock")
FILE = "timing.json"  # of a member, and of a stage in the resume folder
STAGES = "stages"  # the folder in it
OUTPUT = re.compile(r"^    - path: (.+)\n(?:      .+\n)*?      md5: (\S+)", re.MULTILINE)

Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Timing:
    """What one training took, whatever ran beside it."""

    seconds: float
    threads: int
    machine: str


@dataclass(frozen=True)
class StageTiming:
    """What a stage took."""

    seconds: float  # when it last ran, from its first import to its end
    machine: str  # of the stage; where it trained, of its trainings too
    trainings: Sequence[float | None] = ()  # seconds of each, whenever it was made; None: not known
    members_found: int = 0  # so many of them were finished when the stage last ran
    without_trainings: float | None = None  # seconds in which none was under way

    @property
    def cost(self) -> float:
        """Seconds with all trainings made, one after the other; NaN where one is not known."""
        if not self.trainings:
            return math.nan if self.members_found else self.seconds
        known = [seconds for seconds in self.trainings if seconds is not None]
        if self.without_trainings is None or len(known) < len(self.trainings):
            return math.nan
        return self.without_trainings + sum(known)

    @property
    def training(self) -> float:
        """Mean seconds of a training; NaN where none is known."""
        known = [seconds for seconds in self.trainings if seconds is not None]
        return sum(known) / len(known) if known else math.nan


@dataclass
class _Noted:
    """What the running stage trained; a process runs one."""

    trainings: list[Timing | None] = field(default_factory=list)
    num_found: int = 0
    seconds: float = 0.0  # in which trainings were under way


_noted = _Noted()


def save(folder: Path, seconds: float, threads: int) -> None:
    """Write what a training took beside what it made."""
    timing = Timing(round(seconds, 3), threads, machine())
    (folder / FILE).write_text(json.dumps(asdict(timing), indent=2), encoding="utf-8")


def load(folder: Path) -> Timing | None:
    """Return what a training took; None of one that was made before this was kept."""
    content = _read(folder / FILE)
    return Timing(**content) if content.keys() == Timing.__annotations__.keys() else None


def note_trainings(trainings: Sequence[Timing | None], num_found: int, seconds: float) -> None:
    """Note the trainings of the running stage.

    So many of them were found finished, at least in part; the others were made in that time.
    """
    _noted.trainings += trainings
    _noted.num_found += num_found
    _noted.seconds += seconds


def record(stage: str, seconds: float, arguments: Sequence[str] = ()) -> None:
    """Store what a stage took and where, beside the others; a file that was cut short is lost.

    Args:
        stage: its name.
        seconds: from its first import on.
        arguments: of its command. Where dvc.lock has it with others, what it lists is not what the
            stage has read.
    """
    entry: dict[str, Any] = {"seconds": round(seconds, 2)}
    machines = [machine(), *(each.machine for each in _noted.trainings if each)]
    entry["machine"] = "; ".join(dict.fromkeys(machines))
    if _noted.trainings:
        entry["trainings"] = [each and each.seconds for each in _noted.trainings]
        entry["without_trainings"] = round(seconds - _noted.seconds, 2)
    if _noted.num_found:
        entry["members_found"] = _noted.num_found
    if _is_in_lock(stage, arguments) and (read := _read_by(stage)):
        entry["read"] = read
    entries = _gathered(_read(PATH), _written())
    content = json.dumps(dict(sorted({**entries, stage: entry}.items())), indent=2)
    write_atomically(PATH, f"{content}\n".encode())


def of_workspace() -> dict[str, StageTiming]:
    """Return what the stages took whose outputs lie here, by name."""
    return _timings(_gathered(_read(PATH), _written()))


def of_lock(lock: Path) -> dict[str, StageTiming]:
    """Return the same of a dvc.lock, as far as the resume folder has it."""
    return _timings(_gathered({}, _outputs(lock.read_text(encoding="utf-8"))))


def stages_of(lock: Path) -> list[str]:
    """Return the names of the stages that a dvc.lock has outputs of."""
    return list(_outputs(lock.read_text(encoding="utf-8")))


def _timings(entries: Entries) -> dict[str, StageTiming]:
    known = StageTiming.__annotations__
    return {
        name: StageTiming(**{key: value for key, value in entry.items() if key in known})
        for name, entry in entries.items()
    }


def _gathered(entries: Mapping[str, Any], written: Mapping[str, str]) -> Entries:
    """Return an entry for each stage of which there is one.

    One that does not name the outputs it is of is of those that the stage has written since: it is
    kept in the resume folder under their name. For other outputs than these what is kept is looked
    up.
    """
    found = {
        name: entry
        for name, entry in entries.items()
        if isinstance(entry, dict) and {"seconds", "machine"} <= entry.keys()
    }
    for name, outputs in written.items():
        entry, kept = found.get(name), resume_folder.folder() / STAGES / outputs
        if (
            entry is not None
            and "outputs" not in entry
            and entry.get("read") in {None, _read_by(name)}
        ):
            entry.pop("read", None)
            found[name] = {**entry, "outputs": outputs}
            with atomic_folder(kept) as folder:
                (folder / FILE).write_text(json.dumps(found[name], indent=2), encoding="utf-8")
        elif entry is None or entry.get("outputs") != outputs:
            found[name] = _read(kept / FILE)
    return {name: entry for name, entry in found.items() if entry}


def _is_in_lock(stage: str, arguments: Sequence[str]) -> bool:
    """Return whether dvc.lock has a stage with these arguments, which may stand on many lines."""
    blocks = _blocks(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}
    command, _, _ = blocks.get(stage, ("", ""))[0].partition("    deps:")
    return " ".join(arguments) in " ".join(command.split())


def _read_by(stage: str) -> str:
    """Return a name for what dvc.lock says that others wrote of what a stage reads.

    Empty where that is not known. It is another one where another run was checked out since.
    """
    blocks = _blocks(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}
    deps, _ = blocks.pop(stage, ("", ""))
    if not deps:
        return ""
    paths = re.findall(r"^    - path: (.+)$", deps, re.MULTILINE)
    lines = [
        f"{path} {digest}"
        for _, outs in blocks.values()
        for path, digest in re.findall(OUTPUT, outs)
        if any(path == dep or path.startswith(f"{dep}/") for dep in paths)
    ]
    return _name(" ".join(sorted(lines)))


def _written() -> dict[str, str]:
    """Return a name for what each stage has written here; nothing without dvc.lock."""
    return _outputs(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}


def _outputs(lock: str) -> dict[str, str]:
    """Return a name for the outputs of each stage: the lines that dvc.lock has of them.

    They are not parsed, which takes a tenth of a second; DVC wrote them.
    """
    return {stage: _name(outs) for stage, (_, outs) in _blocks(lock).items() if outs}


def _blocks(lock: str) -> dict[str, tuple[str, str]]:
    """Return the lines of each stage in a dvc.lock: those before its outputs, and its outputs."""
    _, *parts = re.split(r"^  ['\"]?([^\s'\"]+)['\"]?:$", lock, flags=re.MULTILINE)
    blocks = zip(parts[::2], parts[1::2], strict=True)
    return {stage: block.partition("\n    outs:\n")[::2] for stage, block in blocks}


def _name(content: str) -> str:
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def machine() -> str:
    """Return what seconds depend on, beside the code: processor, cores, device and versions."""
    return (
        f"{_processor()}, {num_cores()} cores, {_gpu() if has_gpu() else 'cpu'}, "
        f"Python {platform.python_version()}, torch {version('torch')}"
    )


def _processor() -> str:
    found = _field(Path("/proc/cpuinfo"), "model name")
    return found or platform.processor() or platform.machine()


def _gpu() -> str:
    """Return the name of the first GPU, which the driver tells without the cost of torch."""
    paths = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return next(filter(None, (_field(path, "Model") for path in paths)), "cuda")


def _field(path: Path, name: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf"^{name}\s*:\s*(.+?)\s*$", text, re.MULTILINE)
    return found[1] if found else ""


def _read(path: Path) -> dict[str, Any]:
    # A file that was cut short is worth no error: the next stages fill it again.
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
