"""The user's list of files: a CSV or Parquet file (path,label,split) with paths below root.

`split` may be absent, and the label may have another name (reading/user_tables.py).
"""

import os
from pathlib import Path

from stages.shared.artifacts import Line
from stages.shared.artifacts.user_names import encoding_hint
from stages.shared.datasets.reading.entries import (
    EXTENSIONS,
    SPLIT_NAMES,
    Entry,
    clean,
    path_below,
    split_of,
)
from stages.shared.datasets.reading.problems import in_one_line
from stages.shared.datasets.reading.user_tables import Rows, load_rows
from stages.shared.errors import DataError
from stages.shared.settings.sections import Dataset


def is_empty(params: Dataset) -> bool:
    """Return whether the manifest lists nothing, for data sets that have no use for one.

    Raises:
        ArtifactError, DataError: as read_manifest.
    """
    is_there = os.path.exists(params.manifest)  # noqa: PTH110 - takes any text
    return not (is_there and _rows(params).lines)


def read_manifest(params: Dataset, root: Path) -> list[Entry]:
    """Return the samples that dataset.manifest lists; none where it holds but its header.

    Split is train, validation or test in every line, or empty in every line.

    Raises:
        ArtifactError: a CSV file is missing or has other columns.
        DataError: a Parquet file is so, or lines are not as they must be; all of them are told.
    """
    path = Path(params.manifest)
    word, lines = _rows(params)
    entries: list[Entry] = []
    problems: list[str] = []
    line_of: dict[str, int] = {}
    for line in lines:
        where = f"{word} {line.number}"
        found = _entry(root, line)
        if isinstance(found, str):
            problems.append(f"{where} {found}")
        elif found.sample_id in line_of:
            first = line_of[found.sample_id]
            problems.append(f"{where} names {found.sample_id!r} again, as {word} {first} does")
        else:
            line_of[found.sample_id] = line.number
            entries.append(found)
    without = [entry.sample_id for entry in entries if entry.split is None]
    if 0 < len(without) < len(entries):
        problems.append(
            f"{word} {line_of[without[0]]} and {len(without) - 1} others have no split; "
            f"every {word} must have one, or none"
        )
    if problems:
        raise DataError(in_one_line(f"{path}: ", problems))
    return entries


def _rows(params: Dataset) -> Rows:
    return load_rows(Path(params.manifest), "path", params.label_column, ["split"])


def _entry(root: Path, line: Line) -> Entry | str:
    """Return what a line names, or what is wrong with it."""
    path, label, word = line.fields[0], clean(line.fields[1]), line.fields[2].strip()
    if not path.strip() or not label:
        return f"is {','.join(line.fields)!r}; path and label are needed"
    if hint := encoding_hint(label):
        return f"has the label {label!r}{hint}"
    looked_at: list[bool] = []  # the last tells whether it was found

    def is_there(name: str) -> bool:
        looked_at.append(_exists(root, name))
        return looked_at[-1]

    below = path_below(root, path, is_there)
    if below is None:
        return f"has {path!r}; it must be a path below root"
    if not looked_at[-1]:
        hint = encoding_hint(below) or _other_ending(root, below)
        return f"has {below!r}, which is not there{hint}"
    split = split_of(word)
    if word and split is None:
        return f"has the split {word!r}; allowed are {', '.join(SPLIT_NAMES)} or none"
    return Entry(below, label, split)


def _other_ending(root: Path, path: str) -> str:
    """Return what may be meant where a file has this name and an ending of images."""
    found = next((path + end for end in sorted(EXTENSIONS) if _exists(root, path + end)), None)
    return f" (did you mean {found!r}?)" if found else ""


def _exists(root: Path, path: str) -> bool:
    return os.path.exists(root / path)  # noqa: PTH110 - takes any text
