"""The user's list of files: a CSV file (path,label,split) with paths below root."""

import os
import posixpath
import unicodedata
from pathlib import Path

from stages.shared.artifacts import Line, load_list
from stages.shared.artifacts.user_lists import encoding_hint
from stages.shared.datasets.reading.entries import SPLIT_NAMES, Entry, clean, split_of
from stages.shared.datasets.reading.problems import in_one_line
from stages.shared.errors import DataError

HEADER = ["path", "label", "split"]


def is_empty(manifest: Path) -> bool:
    """Return whether a manifest lists nothing, for data sets that have no use for one.

    Raises:
        ArtifactError: it has other columns.
    """
    return not (os.path.exists(manifest) and load_list(manifest, HEADER))  # noqa: PTH110 - any text


def read_manifest(path: Path, root: Path) -> list[Entry]:
    """Return the samples that a manifest lists; none where it holds nothing but its header.

    Split is train, validation or test in every line, or empty in every line.

    Raises:
        ArtifactError: the file is missing or has other columns.
        DataError: lines are not as they must be; all of them are told.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    line_of: dict[str, int] = {}
    for line in load_list(path, HEADER):
        where = f"line {line.number}"
        found = _entry(root, line)
        if isinstance(found, str):
            problems.append(f"{where} {found}")
        elif found.sample_id in line_of:
            first = line_of[found.sample_id]
            problems.append(f"{where} names {found.sample_id!r} again, as line {first} does")
        else:
            line_of[found.sample_id] = line.number
            entries.append(found)
    without = [entry.sample_id for entry in entries if entry.split is None]
    if 0 < len(without) < len(entries):
        problems.append(
            f"line {line_of[without[0]]} and {len(without) - 1} others have no split; "
            "every line must have one, or none"
        )
    if problems:
        raise DataError(in_one_line(f"{path}: ", problems))
    return entries


def _entry(root: Path, line: Line) -> Entry | str:
    """Return what a line names, or what is wrong with it."""
    field, label, word = line.fields[0], clean(line.fields[1]), line.fields[2].strip()
    # A name may begin or end with a space; nearly always it is a slip.
    path = field if _exists(root, field) else field.strip()
    if not path or not label:
        return f"is {','.join(line.fields)!r}; path and label are needed"
    if hint := encoding_hint(label):
        return f"has the label {label!r}{hint}"
    below = _below(root, path)
    if below is None:
        return f"has {path!r}; it must be a path below root"
    if (hint := encoding_hint(below)) and not _exists(root, below):
        return f"has {below!r}, which is not there{hint}"
    split = split_of(word)
    if word and split is None:
        return f"has the split {word!r}; allowed are {', '.join(SPLIT_NAMES)} or none"
    return Entry(below, label, split)


def _below(root: Path, path: str) -> str | None:
    """Return a path below root in one form; None: it is none."""
    if not _exists(root, path):
        turned = path.replace("\\", "/")  # written on Windows
        # A Mac writes an accent as a letter of its own.
        forms = [turned, *(unicodedata.normalize(form, turned) for form in ("NFC", "NFD"))]
        path = next((form for form in forms if _exists(root, form)), turned)
    if path.startswith("/"):
        path = os.path.relpath(path, os.path.abspath(root))  # noqa: PTH100 - links stay
    path = posixpath.normpath(path)
    return None if path == "." or path.split("/")[0] == ".." else path


def _exists(root: Path, path: str) -> bool:
    return os.path.exists(root / path)  # noqa: PTH110 - takes any text
