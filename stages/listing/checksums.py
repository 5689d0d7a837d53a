"""By what a changed file is known: a checksum, or its time.

Files are read once. Afterwards their checksums are those of the resume folder, as long as size,
times and number on the disk are the same; a file that was changed and given its old time again has
another time of its inode.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal

from stages.shared.artifacts.files import write_atomically
from stages.shared.errors import reason
from stages.shared.running import engine, resume_folder

Mark = tuple[int, int | str]  # size in bytes, checksum or time
# By path below root, in one text since that is quick to read: size, times of the content and of the
# inode in nanoseconds, number of the inode, and the checksum.
Known = dict[str, str]

BYTES = 16  # of a checksum
CLOCK_NS = 10**9  # by which the clock of a disk may differ, or count


def marks(
    root: Path, names: Sequence[str], watch: Literal["contents", "times"], *, remember: bool
) -> tuple[list[Mark], list[str]]:
    """Return what each file is known by, and what is wrong with files, a text for each problem.

    Args:
        root: the folder that they lie below.
        names: their paths.
        watch: what it is known by.
        remember: keep checksums in the resume folder.
    """
    stats: dict[str, os.stat_result] = {}
    problems: list[str] = []
    for name in names:
        try:
            found = os.stat(f"{root}/{name}")  # noqa: PTH116 - a million of them
        except (OSError, ValueError) as error:
            problems.append(_describe(name, error))
            continue
        if stat.S_ISREG(found.st_mode):
            stats[name] = found
        else:  # whoever reads a pipe waits for ever
            problems.append(f"{name!r} is no file")
    if problems or watch == "times":
        return [(found.st_size, found.st_mtime_ns) for found in stats.values()], problems
    known, problems = _checksums(root, stats, remember=remember)
    return [(stats[name].st_size, checksum) for name, checksum in known.items()], problems


def _checksums(
    root: Path, stats: Mapping[str, os.stat_result], *, remember: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the checksum of each file, in order, and what is wrong with those that have none."""
    kept, began = _kept_in(root), time.time_ns() - CLOCK_NS
    before, known = _load(kept), dict.fromkeys(stats, "")
    for name, found in stats.items():
        described, _, checksum = before.get(name, "").rpartition(" ")
        if described == _in_text(found):
            known[name] = checksum
    new = [name for name, checksum in known.items() if not checksum]
    problems = []
    with ThreadPoolExecutor(engine.num_loaders()) as pool:
        read = pool.map(_checksum, [f"{root}/{name}" for name in new])
        for name, checksum_or_error in zip(new, read, strict=True):
            if isinstance(checksum_or_error, str):
                known[name] = checksum_or_error
            else:
                problems.append(_describe(name, checksum_or_error))
    # Weights may lie among the images, and are listed by themselves.
    others = {name: text for name, text in before.items() if name not in known}
    there = {name: text for name, text in others.items() if Path(root, name).exists()}
    if remember and not problems and (new or len(there) < len(others)):
        with suppress(OSError):  # it saves time alone
            _save(kept, {**there, **_noted(stats, known, began)})
    return known, problems


def _in_text(found: os.stat_result) -> str:
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _checksum(path: str) -> str | OSError:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a million of them
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=BYTES)).hexdigest()
    except OSError as error:
        return error


def _describe(name: str, error: Exception) -> str:
    return f"{name!r} cannot be read ({reason(error)})"


def _kept_in(root: Path) -> Path:
    key = hashlib.blake2b(os.fsencode(os.path.realpath(root)), digest_size=BYTES).hexdigest()
    return resume_folder.folder() / "checksums" / key / "files.json"


def _noted(stats: Mapping[str, os.stat_result], known: Mapping[str, str], began: int) -> Known:
    # A file that is written while it is read may keep its time.
    return {
        name: f"{_in_text(found)} {known[name]}"
        for name, found in stats.items()
        if max(found.st_mtime_ns, found.st_ctime_ns) < began
    }


def _save(path: Path, content: Known) -> None:
    write_atomically(path, json.dumps(content).encode())


def _load(path: Path) -> Known:
    """Return what was known before; nothing of a file that is not whole."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    is_known = isinstance(content, dict) and all(isinstance(x, str) for x in content.values())
    return content if is_known else {}
