"""Run the stages of a dvc.yaml without DVC, each once for its command, parameters and code.

A run that was broken off goes on where it stopped: `finished.json` holds what was finished, and
from what. The folder's log is log.txt; what the stages print goes to stages.log.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import resolver
from benchmarks.resolver import Stage
from stages.shared.files import write_atomically

ROOT = Path(__file__).parent.parent


def lay_out(work: Path, params: str, raw: Path | None) -> None:
    """Make a folder to run in: this project's stages on these params; `raw` becomes its data/raw.

    `raw` is a folder, or an archive (.tar, .tar.gz, .tar.xz) that is unpacked once.
    """
    (work / "data").mkdir(parents=True, exist_ok=True)
    links = {name: ROOT / name for name in ("dvc.yaml", "lists", "stages")}
    if raw is not None and raw.is_dir():
        links["data/raw"] = raw.absolute()
    for name, target in links.items():
        if not (work / name).exists():
            (work / name).symlink_to(target)
    if raw is not None and not (work / "data/raw").exists():
        _unpack(raw, work / "data/raw")
    (work / "params.yaml").write_text(params)


def _unpack(archive: Path, folder: Path) -> None:
    temporary = folder.with_name(f".{folder.name}")
    _remove(temporary)  # of an attempt that was broken off
    with tarfile.open(archive) as opened:
        opened.extractall(temporary, filter="data")
    temporary.rename(folder)


@dataclass(frozen=True)
class Finished:
    """A stage that was run to its end."""

    fingerprint: str
    seconds: float


def run(work: Path) -> dict[str, float]:
    """Run what is not finished yet; return the seconds of every stage, those of before included.

    Those of a stage that was broken off count from its last start; members that it had finished by
    then are not trained again.

    Raises:
        SystemExit: a stage fails.
    """
    finished = _load(work)
    fingerprints: dict[str, str] = {}
    stages = resolver.load_stages(work)
    for stage in stages:
        fingerprints[stage.name] = fingerprint = _fingerprint(work, stage, fingerprints)
        before = finished.get(stage.name)
        is_there = all((work / out).exists() for out in stage.outs)
        if before and before.fingerprint == fingerprint and is_there:
            _log(work, f"{stage.name}: finished before, {before.seconds:.1f} s")
            continue
        finished.pop(stage.name, None)
        _save(work, finished)  # from here on its outputs may be half written
        finished[stage.name] = Finished(fingerprint, _run(work, stage))
        _save(work, finished)
        _log(work, f"{stage.name}: {finished[stage.name].seconds:.1f} s")
    seconds = {stage.name: finished[stage.name].seconds for stage in stages}
    _log(work, f"{len(stages)} stages: {sum(seconds.values()):.1f} s")
    return seconds


def _fingerprint(work: Path, stage: Stage, fingerprints: dict[str, str]) -> str:
    """Return a name for all that decides what a stage writes.

    What it reads of other stages is decided by what decides these; files of data are not read.
    """
    parts = {
        "command": stage.command,
        "params": stage.params,
        "sources": {str(path): _content(work / path) for path in stage.sources},
        "after": {name: fingerprints[name] for name in stage.after},
    }
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def _content(path: Path) -> str:
    """Return a digest of a file, or of all code in a folder."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(f"\n{file.relative_to(path.parent)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _run(work: Path, stage: Stage) -> float:
    """Run a stage to its end and return its seconds; as DVC does, drop first what it wrote before.

    Raises:
        SystemExit: it fails, or leaves out what it should write.
    """
    for out in stage.outs:
        _remove(work / out)
    start = time.perf_counter()
    log = work / "stages.log"
    with log.open("a") as output:
        done = subprocess.run(
            [sys.executable, *stage.command[1:]],  # dvc.yaml says python
            cwd=work,
            env={**os.environ, "DVC_STAGE": stage.name},
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(f"{stage.name} ended with {done.returncode}: {_last_line(log)}")
    if missing := [str(out) for out in stage.outs if not (work / out).exists()]:
        raise SystemExit(f"{stage.name} has not written {missing}; dvc.yaml says that it does")
    return round(time.perf_counter() - start, 2)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return f"{lines[-1] if lines else 'no output'} (all of it in {log})"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _log(work: Path, line: str) -> None:
    sys.stderr.write(f"{line}\n")
    with (work / "log.txt").open("a") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")


def _load(work: Path) -> dict[str, Finished]:
    path = work / "finished.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return {name: Finished(**entry) for name, entry in content.items()}


def _save(work: Path, finished: dict[str, Finished]) -> None:
    content = {name: vars(entry) for name, entry in finished.items()}
    write_atomically(work / "finished.json", f"{json.dumps(content, indent=2)}\n".encode())
