"""List the resume folder, where trained members are kept, or drop what is old.

python -m commands.resume              lists it
python -m commands.resume --prune 30   drops what was not written in the last 30 days
"""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from commands import console
from stages.shared.running import resume_folder
from stages.shared.running.command import errors_in_one_line

DAY_S = 86400.0


def prune(entries: Path, max_age_s: float) -> list[Path]:
    """Drop what is older than that, and what killed processes left half-written; return both.

    What is under way is written into a hidden folder: those are dropped after a day.
    """
    old = [
        entry
        for entry in sorted(entries.iterdir())
        if _age_s(entry) >= (DAY_S if _is_half_written(entry) else max_age_s)
    ]
    for entry in old:
        shutil.rmtree(entry, ignore_errors=True)
    return old


def _age_s(entry: Path) -> float:
    """Return how long ago something was last written; nothing is old that is gone by now."""
    try:
        return time.time() - entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def describe() -> list[str]:
    """Return a line for each kind of what lies in the resume folder, and for each saved state."""
    lines, left = [], []
    for kind, what in resume_folder.KINDS.items():
        entries = resume_folder.folder() / kind
        found = sorted(entries.iterdir()) if entries.is_dir() else []
        whole = [entry for entry in found if not _is_half_written(entry)]
        left += [entry for entry in found if _is_half_written(entry)]
        lines.append(f"{entries}: {len(whole)} {what}, {_megabytes(whole)}")
        if kind == "partial":
            lines += map(_describe_state, whole)
    return [*lines, f"half-written: {len(left)}, {_megabytes(left)}"]


def _describe_state(state: Path) -> str:
    name, _, epoch = state.name.rpartition("-")
    minutes = _age_s(state) / 60
    return f"  {name}: after epoch {int(epoch)}, {minutes:.0f} minutes old, {_megabytes([state])}"


def _is_half_written(entry: Path) -> bool:
    return entry.name.startswith(".")  # as `files` names them until they are whole


def _megabytes(entries: Iterable[Path]) -> str:
    return f"{sum(map(_size, entries)) / 1e6:.1f} MB"


def _size(entry: Path) -> int:
    """Return the bytes in a folder, 0 of one that is gone by now: trainings may be under way."""
    try:
        return sum(path.stat().st_size for path in entry.rglob("*") if path.is_file())
    except FileNotFoundError:
        return 0


def main() -> None:
    """List the resume folder, or drop what is old."""
    parser = console.parser(
        "resume",
        "List what is kept of finished and unfinished trainings, or drop what is old of it.",
        "--prune 30",
    )
    parser.add_argument("--prune", type=float, metavar="DAYS", help="drop what is older than this")
    with errors_in_one_line():
        days = parser.parse_args().prune
        console.say("\n".join(describe()))
        if days is not None:
            console.say(f"dropped {_prune_all(days * DAY_S)}")


def _prune_all(max_age_s: float) -> int:
    """Drop what is old of every kind; return how many."""
    here = resume_folder.folder()
    kinds = [here / kind for kind in resume_folder.KINDS if (here / kind).is_dir()]
    num = sum(len(prune(entries, max_age_s)) for entries in kinds)
    for marker in here.glob(f"{resume_folder.MARKER}*"):  # of a stage that was killed
        if _age_s(marker) >= DAY_S:
            marker.unlink(missing_ok=True)
    return num


if __name__ == "__main__":
    main()
