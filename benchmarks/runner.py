"""Run the stages of a dvc.yaml without DVC, each once for its command, parameters and code.

A run that was broken off goes on where it stopped: `finished.json` holds what was begun and
finished, from what, and how long it ran. The folder's log is log.txt; what the stages print goes
to stages.log.
"""

import hashlib
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import resolver
from benchmarks.resolver import Stage
from stages.shared.artifacts.files import write_atomically
from stages.shared.running import timings

ROOT = Path(__file__).parent.parent
NOTED_EVERY = 5.0  # seconds: so much of a run that is killed is not counted


def lay_out(work: Path, params: str, raw: Path | None) -> None:
    """Make a folder to run in: this project's stages on these params; `raw` becomes its data/raw.

    `raw` is a folder, or an archive (.tar, .tar.gz, .tar.xz) that is unpacked once.

    Raises:
        SystemExit: the folder has other data, or `raw` is neither a folder nor such an archive.
    """
    (work / "data").mkdir(parents=True, exist_ok=True)
    for name in ("dvc.yaml", "lists", "stages"):
        if (work / name).is_symlink():
            (work / name).unlink()  # it may lead to what is gone
        if not (work / name).exists():
            (work / name).symlink_to(ROOT / name)
    if raw is not None:
        _lay_out_raw(work, raw.absolute())
    (work / "params.yaml").write_text(params)


def _lay_out_raw(work: Path, raw: Path) -> None:
    note, folder = work / "raw.txt", work / "data/raw"
    if folder.exists():
        before = note.read_text() if note.exists() else "elsewhere"
        if before != str(raw):
            raise SystemExit(f"{folder}: is from {before}, not from {raw}; name another --work")
        return
    folder.unlink(missing_ok=True)  # a link to what is gone
    note.write_text(str(raw))
    if raw.is_dir():
        folder.symlink_to(raw)
    else:
        _unpack(raw, folder)


def _unpack(archive: Path, folder: Path) -> None:
    temporary = folder.with_name(f".{folder.name}")
    _remove(temporary)  # of an attempt that was broken off
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(temporary, filter="data")
    except (OSError, EOFError, tarfile.TarError, lzma.LZMAError, zlib.error) as error:
        reason = str(error).partition(":\n")[0]  # tarfile goes on with a line for each format
        raise SystemExit(
            f"{archive}: cannot be unpacked ({reason}); it must be a folder, or a whole .tar, "
            ".tar.gz or .tar.xz"
        ) from None
    temporary.rename(folder)


@dataclass(frozen=True)
class Ran:
    """A stage that was begun."""

    fingerprint: str
    seconds: float = 0.0  # of all attempts
    attempts: int = 1
    is_finished: bool = True


def run(work: Path) -> dict[str, Ran]:
    """Run what is not finished yet; return what was run of every stage, that of before included.

    A stage that was broken off does not train again the members that it had finished; the seconds
    of all its attempts count. They are noted as it runs, so that of an attempt that was killed a
    few are missing at most.

    Raises:
        SystemExit: a stage fails.
    """
    ran = _load(work)
    fingerprints: dict[str, str] = {}
    stages = resolver.load_stages(work)
    for stage in stages:
        fingerprints[stage.name] = fingerprint = _fingerprint(work, stage, fingerprints)
        before = ran.get(stage.name)
        if before and before.fingerprint != fingerprint:
            before = None
        is_there = all((work / out).exists() for out in stage.outs)
        if before and before.is_finished and is_there:
            _log(work, f"{stage.name}: finished before, {before.seconds:.1f} s")
            continue
        _attempt(work, stage, ran, before or Ran(fingerprint, attempts=0))
        _log(work, f"{stage.name}: {ran[stage.name].seconds:.1f} s")
    total = sum(ran[stage.name].seconds for stage in stages)
    _log(work, f"{len(stages)} stages: {total:.1f} s")
    return {stage.name: ran[stage.name] for stage in stages}


def not_all_seconds(work: Path, ran: Mapping[str, Ran]) -> list[str]:
    """Return the stages that found members finished which no attempt of theirs trained.

    As far as is known: a stage of several attempts is taken to have found its own.
    """
    path = work / timings.PATH
    noted = json.loads(path.read_text()) if path.exists() else {}
    return [
        name
        for name, stage in ran.items()
        if stage.attempts == 1 and "members_found" in noted.get(name, {})
    ]


def _attempt(work: Path, stage: Stage, ran: dict[str, Ran], before: Ran) -> None:
    """Run a stage to its end; note its seconds as it runs, also those of an attempt that fails."""
    start = time.perf_counter()

    def note(is_finished: bool = False) -> None:
        seconds = round(before.seconds + time.perf_counter() - start, 2)
        ran[stage.name] = replace(
            before, seconds=seconds, attempts=before.attempts + 1, is_finished=is_finished
        )
        _save(work, ran)

    note()  # from here on its outputs may be half written
    try:
        _run(work, stage, note)
    except BaseException:
        note()
        raise
    note(is_finished=True)


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


def _run(work: Path, stage: Stage, note: Callable[[], None]) -> None:
    """Run a stage to its end; as DVC does, drop first what it wrote before.

    Raises:
        SystemExit: it fails, or leaves out what it should write.
    """
    for out in stage.outs:
        _remove(work / out)
    log = work / "stages.log"
    with log.open("a") as output:
        process = subprocess.Popen(
            [sys.executable, *stage.command[1:]],  # dvc.yaml says python
            cwd=work,
            env={**os.environ, "DVC_STAGE": stage.name},
            stdout=output,
            stderr=output,
        )
        code = _wait(process, note)
    if code != 0:
        raise SystemExit(f"{stage.name} ended with {code}: {_last_line(log)}")
    if missing := [str(out) for out in stage.outs if not (work / out).exists()]:
        raise SystemExit(f"{stage.name} has not written {missing}; dvc.yaml says that it does")


def _wait(process: subprocess.Popen[bytes], note: Callable[[], None]) -> int:
    """Wait for a stage's process and return its code; whoever breaks off ends it too."""
    try:
        while True:
            try:
                return process.wait(NOTED_EVERY)
            except subprocess.TimeoutExpired:
                note()
    except BaseException:
        process.kill()
        process.wait()
        raise


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


def _load(work: Path) -> dict[str, Ran]:
    path = work / "finished.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return {name: Ran(**entry) for name, entry in content.items()}


def _save(work: Path, ran: Mapping[str, Ran]) -> None:
    content = {name: vars(entry) for name, entry in ran.items()}
    write_atomically(work / "finished.json", f"{json.dumps(content, indent=2)}\n".encode())
