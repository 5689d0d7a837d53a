"""Trained members, kept outside the outputs so that nothing is trained twice.

DVC deletes a stage's outputs before it runs it, so a killed stage would start from nothing.
Here each finished member lies under a fingerprint of everything that decides its bytes, and each
that is not finished as it was after its last epochs (`training/state.py`). The folder is safe to
delete: then members are trained again.

`SUBSET_RESUME` names the folder; by default it is `.resume` in the repository, which
experiments in DVC's temporary workspaces share. It only grows:

    python -m stages.shared.members.resume              lists it
    python -m stages.shared.members.resume --prune 30   drops what was not written in the last 30 days
"""

import ast
import hashlib
import json
import os
import shutil
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path

from stages.shared import artifacts
from stages.shared.artifacts import Checkpoint
from stages.shared.artifacts.tracking import load_tracked, save_tracked
from stages.shared.training.job import Track, Trained

DAY_S = 86400.0
# Begins the name of a file by which nodes of a cluster see whether they share the folder.
MARKER = ".shared-"
# The folders in it, and what lies there.
KINDS = {"members": "finished members", "partial": "states of unfinished members"}


def folder() -> Path:
    """Return the resume folder."""
    if named := os.environ.get("SUBSET_RESUME"):
        return Path(named)
    here = Path.cwd()
    for parent in here.parents:
        if parent.name == ".dvc":  # here is .dvc/tmp/exps/<workspace>
            return parent.parent / ".resume"
    return here / ".resume"


# Names of members that the node has where the pipeline runs, in a piece of work on another node.
known_elsewhere: frozenset[str] = frozenset()


def finished(resume: Path) -> frozenset[str]:
    """Return the names of the finished members in a resume folder."""
    members = resume / "members"
    found = members.iterdir() if members.is_dir() else ()
    return frozenset(path.name for path in found if not path.name.startswith("."))


def is_finished(member: Path) -> bool:
    """Return whether a member is finished, here or on the node where the pipeline runs."""
    return member.exists() or member.name in known_elsewhere


def fingerprint(parts: Mapping[str, object]) -> str:
    """Return a name for everything that decides a member's bytes."""
    text = json.dumps(parts, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def code_fingerprint(files: Iterable[Path]) -> str:
    """Return a name for what the code does: comments, docstrings and layout do not change it."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(files):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                _drop_docstring(node)
        digest.update(f"\n{file.name}\n{ast.dump(tree)}".encode())
    return digest.hexdigest()


def file_fingerprint(path: Path) -> str:
    """Return a name for a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def save_member(member: Path, trained: Trained) -> None:
    """Write what belongs to a member's weights; with it the member is finished."""
    artifacts.save_history(member / "history.csv", trained.history)
    artifacts.save_json(
        member / "checkpoints.json", {"checkpoints": [vars(entry) for entry in trained.checkpoints]}
    )
    artifacts.save_dynamics(member / "dynamics", trained.dynamics)
    if trained.tracked is not None:
        save_tracked(member / "dynamics", trained.tracked)


def load_member(member: Path, track: Track, num_train: int) -> Trained:
    """Return what `save_member` wrote."""
    content = artifacts.load_json(member / "checkpoints.json")
    return Trained(
        artifacts.load_history(member / "history.csv"),
        [Checkpoint(**entry) for entry in content["checkpoints"]],
        artifacts.load_dynamics(member / "dynamics", num_train),
        None if track == "none" else load_tracked(member / "dynamics"),
    )


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> None:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            node.body = rest or [ast.Pass()]


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
    for kind, what in KINDS.items():
        entries = folder() / kind
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
    parser = ArgumentParser(prog="python -m stages.shared.members.resume", description=main.__doc__)
    parser.add_argument("--prune", type=float, metavar="DAYS", help="drop what is older than this")
    days = parser.parse_args().prune
    print("\n".join(describe()))
    if days is not None:
        kinds = [folder() / kind for kind in KINDS if (folder() / kind).is_dir()]
        print(f"dropped {sum(len(prune(entries, days * DAY_S)) for entries in kinds)}")
        for marker in folder().glob(f"{MARKER}*"):  # of a stage that was killed
            if _age_s(marker) >= DAY_S:
                marker.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
