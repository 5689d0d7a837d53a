"""By what a changed file is known: a checksum, or its time.

Files are read once. Afterwards their checksums are those of the resume folder, as long as size,
times and number on the disk are the same; a file that was changed and given its old time again has
another time of its inode.
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal

from stages.shared.artifacts.files import write_atomically
from stages.shared.errors import reason
from stages.shared.running import engine, resume_folder

Mark = tuple[int, int | str]  # size in bytes, checksum or time
Stat = list[int]  # size, times of the content and of the inode in nanoseconds, number of the inode
Known = dict[str, tuple[Stat, str]]  # by path below root

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
    problems: list[str] = []
    stats: dict[str, Stat] = {}
    for name in names:
        try:
            stats[name] = _stat(f"{root}/{name}")
        except (OSError, ValueError) as error:
            problems.append(_describe(name, error))
    if problems or watch == "times":
        return [(size, written) for size, written, *_ in stats.values()], problems
    kept, began = _kept_in(root), time.time_ns() - CLOCK_NS
    before = _load(kept)
    known: Known = {
        name: (stat, before[name][1])
        for name, stat in stats.items()
        if name in before and before[name][0] == stat
    }
    new = [name for name in stats if name not in known]
    with ThreadPoolExecutor(engine.num_loaders()) as pool:
        read = pool.map(lambda name: _checksum(f"{root}/{name}"), new)
        for name, found in zip(new, read, strict=True):
            if isinstance(found, str):
                known[name] = (stats[name], found)
            else:
                problems.append(_describe(name, found))
    if remember and known != before:
        # A file that is written while it is read may keep its time.
        sure = {name: found for name, found in known.items() if max(found[0][1:3]) < began}
        with suppress(OSError):  # it saves time alone
            write_atomically(kept, json.dumps(sure).encode())
    return [(stats[name][0], known[name][1]) for name in names if name in known], problems


def _stat(path: str) -> Stat:
    found = os.stat(path)  # noqa: PTH116 - a million of them
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


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


def _load(path: Path) -> Known:
    """Return what was known before; nothing of a file that is not whole."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
