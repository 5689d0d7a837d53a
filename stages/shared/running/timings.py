"""Seconds and machine of each stage, in metrics/timings.json.

Times differ from run to run, so they are no stage's output: equal runs give an equal dvc.lock.
DVC shows the file because dvc.yaml lists it under the top-level `metrics`.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stages.shared.artifacts.files import write_atomically
from stages.shared.running.engine import has_gpu, num_cores

PATH = Path("metrics/timings.json")
_noted: dict[str, int] = {}  # of the running stage: a process runs one


def record(stage: str, seconds: float) -> None:
    """Store what a stage took and where, beside the others; a file that was cut short is lost."""
    entry = {"seconds": round(seconds, 2), "machine": _machine(), "params": _params()}
    store(stage, {**entry, **_noted})


def note_members_found(num_members: int) -> None:
    """Note how many members the running stage found finished: it did not train them."""
    if num_members:
        _noted["members_found"] = _noted.get("members_found", 0) + num_members


def store(name: str, entry: Mapping[str, object]) -> None:
    """Store an entry beside the others; an empty one drops what stood there."""
    before = _read()
    timings = {key: value for key, value in {**before, name: entry}.items() if value}
    if timings != before:
        content = json.dumps(dict(sorted(timings.items())), indent=2)
        write_atomically(PATH, f"{content}\n".encode())


def seconds_of(stages: Sequence[str]) -> list[float]:
    """Return what each of these stages took.

    An empty list where the seconds cannot be added: a stage has none, or ran with another
    params.yaml than the present one (since then the run cache had its outputs, or nothing that it
    reads has changed), the machines differ, or members were found finished instead of trained.
    """
    timings = _read()
    found = [timings[stage] for stage in stages if stage in timings]
    add_up = (
        len(found) == len(stages)
        and len({entry["machine"] for entry in found}) == 1
        and all(entry["params"] == _params() for entry in found)
        and not any("members_found" in entry for entry in found)
    )
    return [entry["seconds"] for entry in found] if add_up else []


def _params() -> str:
    """Return a digest of params.yaml, which tells runs of different settings apart."""
    path = Path("params.yaml")
    content = path.read_bytes() if path.exists() else b""
    return hashlib.blake2b(content, digest_size=4).hexdigest()


def _machine() -> str:
    device = os.environ.get("SUBSET_DEVICE", "auto")
    if device == "auto":
        device = "cuda" if has_gpu() else "cpu"
    return (
        f"{num_cores()} cores, {device}, {platform.machine()}, Python {platform.python_version()}, "
        f"torch {version('torch')}"
    )


def _read() -> dict[str, Any]:
    # A file that was cut short is worth no error: the next stages fill it again.
    try:
        content: dict[str, Any] = json.loads(PATH.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content
