"""Finished members and their names: each lies under a fingerprint of what decides its bytes.

DVC deletes a stage's outputs before it runs it, so a killed stage would start from nothing; each
member that is not finished lies beside them as it was after its last epochs (`saved_states.py`).
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from stages.shared import artifacts
from stages.shared.artifacts import Checkpoint
from stages.shared.artifacts.tracking import load_tracked, save_tracked
from stages.shared.training.job import Track, Trained


def fingerprint(parts: Mapping[str, object]) -> str:
    """Return a name for everything that decides a member's bytes."""
    text = json.dumps(parts, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def code_fingerprint(files: Iterable[Path]) -> str:
    """Return a name for what the code does: comments, docstrings and layout do not change it."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(files):
        digest.update(f"\n{file.name}\n{_syntax(file.read_text(encoding='utf-8'))}".encode())
    return digest.hexdigest()


@cache  # it is asked for twice for each member, and takes a twentieth of a second
def _syntax(code: str) -> str:
    """Return the syntax tree of code without its docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            _drop_docstring(node)
    return ast.dump(tree)


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
