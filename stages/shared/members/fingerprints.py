"""Names for what decides bytes: settings, code and files."""

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path


def fingerprint(parts: Mapping[str, object]) -> str:
    """Return a name for everything that decides the bytes of something."""
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


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> None:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            node.body = rest or [ast.Pass()]
