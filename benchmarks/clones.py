"""Runs of the pipeline in a clone of the committed project; the working tree is left alone.

What a run shows is kept in `<clone>/runs/<name>.json`, so a broken-off series goes on where it
stopped. The clone's log is runs.log.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from commands.preset import presets

Shown = dict[str, Any]  # what one run shows, as JSON


def prepare(clone: Path, raw: Path | None = None) -> None:
    """Clone the project unless that was done before; `raw` becomes the clone's data/raw."""
    if clone.exists():
        if _head(clone) != _head(Path()):
            raise SystemExit(f"{clone}: is of another commit; name another folder by --work")
        return
    subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
    if raw is not None:
        (clone / "data").mkdir(exist_ok=True)
        (clone / "data/raw").symlink_to(raw.absolute())


def run(clone: Path, name: str, params: str, read: Callable[[Path], Shown]) -> Shown:
    """Return what one run shows, with its seconds; from its file where it was run before."""
    result = clone / "runs" / f"{name.replace('/', '_')}.json"
    if not result.exists():
        (clone / "params.yaml").write_text(params, encoding="utf-8")
        start = time.perf_counter()
        repro(clone)
        seconds = round(time.perf_counter() - start, 1)
        result.parent.mkdir(exist_ok=True)
        result.write_text(json.dumps({**read(clone), "seconds": seconds}), encoding="utf-8")
        sys.stderr.write(f"{name}: {seconds} s\n")
    content: Shown = json.loads(result.read_text(encoding="utf-8"))
    return content


def settings(path: Path) -> str:
    """Return the text of a params.yaml, or of that which a preset stands for."""
    if path.parent.name != presets.FOLDER.name:
        return path.read_text(encoding="utf-8")
    return presets.text(path.stem, folder=path.parent)


def committed(clone: Path, path: str) -> str:
    """Return `settings` of a file as it is committed: of params.yaml, whatever a run made of it."""
    if path != "params.yaml":
        return settings(clone / path)
    shown = subprocess.run(
        ["git", "show", f"HEAD:{path}"], cwd=clone, check=True, capture_output=True, text=True
    )
    return shown.stdout


def changed(params: str, changes: Sequence[str]) -> str:
    """Return the text of a params.yaml with settings changed, each as in dvc's -S."""
    yaml = YAML()
    content = yaml.load(params)
    for change in changes:
        key, _, value = change.partition("=")
        *sections, last = key.split(".")
        section = content
        for part in sections:
            section = section[int(part) if part.isdecimal() else part]
        section[int(last) if last.isdecimal() else last] = YAML(typ="safe").load(value)
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def _head(repository: Path) -> str:
    shown = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    )
    return shown.stdout.strip()


def repro(clone: Path) -> None:
    """Run `dvc repro` with this Python; what it prints goes to the log."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (clone / "runs.log").open("a", encoding="utf-8") as log:
        subprocess.run(
            [sys.executable, "-m", "dvc", "repro", "--quiet"],
            cwd=clone,
            env={**os.environ, "PATH": path},
            stdout=log,
            stderr=log,
            check=True,
        )
