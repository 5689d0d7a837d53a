"""Seconds and machine of each stage, in metrics/timings.json.

Times differ from run to run, so they are no stage's output: equal runs give an equal dvc.lock.
DVC shows the file because dvc.yaml lists it under the top-level `metrics`.
"""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stages.shared.files import write_atomically

PATH = Path("metrics/timings.json")


def record(stage: str, seconds: float) -> None:
    """Store the seconds that a stage took, beside those of the others."""
    content = _read()
    content["seconds"] = dict(
        sorted({**content.get("seconds", {}), stage: round(seconds, 2)}.items())
    )
    content["machine"] = {
        "cores": os.cpu_count(),
        "device": os.environ.get("SUBSET_DEVICE", "auto"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "torch": version("torch"),
    }
    write_atomically(PATH, (json.dumps(content, indent=2) + "\n").encode())


def _read() -> dict[str, Any]:
    # A file that was cut short is worth no error: the next stages fill it again.
    try:
        content: dict[str, Any] = json.loads(PATH.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content
