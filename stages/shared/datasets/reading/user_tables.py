"""Tables of the user's, CSV or Parquet, and which of their columns holds the labels.

It is the column that `dataset.label_column` names, or else `label`. A sample has one label: where
several columns may be it, the setting must say which.
"""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from stages.shared.artifacts import Line
from stages.shared.artifacts.user_lists import load_csv
from stages.shared.errors import DataError, ParamsError, reason
from stages.shared.settings.sections import Dataset

LABEL = "label"
SETTING = "dataset.label_column"
MOST_NAMED = 20  # columns of a table
ALLOWED_LABEL = "it must be one name, or one whole number"
# What pandas makes of the numbers of its rows.
ROW_NUMBERS = re.compile(r"|__index_level_[0-9]+__|Unnamed: [0-9]+")


class Rows(NamedTuple):
    """The rows of a table that say something."""

    word: str  # what one is called: a line of CSV counts from 1, a row of Parquet from 0
    lines: list[Line]  # with the fields that were asked for


def load_rows(path: Path, name: str, label_column: str | None, optional: Sequence[str]) -> Rows:
    """Return, as text, the column `name`, the label and the optional columns of a table.

    A column that is not there is empty in every row. Other columns are allowed where the setting
    names that of the labels.

    Raises:
        ArtifactError: a CSV file is missing, no UTF-8 text, or without the column.
        DataError: a Parquet file is so; or no column or several may hold the labels.
    """
    wanted = [name, label_column or LABEL, *optional]
    if path.suffix.lower() == ".parquet":
        table = load_parquet(path)
        if name not in table.column_names:
            there = named(table.column_names)
            raise DataError(f"{path}: has the columns {there}; it must have {','.join(wanted)}")
        _require_one_label(path, table.column_names, name, label_column, optional)
        columns = [
            as_text(f"{path}: column {each!r}", table.column(each).to_pylist())
            if each in table.column_names
            else [""] * len(table)
            for each in wanted
        ]
        fields_of_rows = map(list, zip(*columns, strict=True))
        return Rows("row", [Line(number, each) for number, each in enumerate(fields_of_rows)])
    header, lines = load_csv(path, ",".join(wanted), lambda header: name in header)
    if not lines:  # lists/manifest.csv, which means folders
        return Rows("line", [])
    _require_one_label(path, header, name, label_column, optional)
    places = [header.index(each) if each in header else None for each in wanted]
    picked = (["" if at is None else line.fields[at] for at in places] for line in lines)
    return Rows("line", [line._replace(fields=each) for line, each in zip(lines, picked)])  # noqa: B905


def _require_one_label(
    path: Path, columns: Sequence[str], name: str, label_column: str | None, optional: Sequence[str]
) -> None:
    others = [each for each in columns if each not in {name, *optional}]
    others = [each for each in others if each == label_column or not is_row_number(each)]
    label = label_among(path, columns, label_column, others if len(others) > 1 else [])
    twice = [each for each in (name, *optional) if columns.count(each) > 1]
    if twice:
        raise DataError(f"{path}: has two columns called {twice[0]}; one is allowed")
    if label_column is None and others != [label]:
        raise DataError(
            f"{path}: has the columns {named(others)} besides {name}; a sample has one label, so "
            f"{SETTING} must name its column"
        )


def label_among(
    where: Path, columns: Sequence[str], label_column: str | None, likely: Sequence[str]
) -> str:
    """Return which of a table's columns holds the labels.

    Args:
        where: the table, for messages.
        columns: all of them.
        label_column: what the setting names.
        likely: those that may be it where none has the usual name.

    Raises:
        DataError: none does, or nobody can say which.
    """
    wanted = label_column or LABEL
    if columns.count(wanted) == 1:
        return wanted
    if wanted in columns:
        raise DataError(f"{where}: has two columns called {wanted}; one is allowed")
    if label_column is not None:
        raise DataError(
            f"{where}: has the columns {named(columns)}; {SETTING} is {label_column!r}, which must "
            "be one of them"
        )
    if likely:
        raise DataError(
            f"{where}: needs a column called label; {named(likely)} may be it, and {SETTING} must "
            "say which"
        )
    raise DataError(
        f"{where}: needs a column called label; found {named(columns)}; {SETTING} may name another"
    )


def is_row_number(column: str) -> bool:
    """Return whether a column is of the numbers of rows, which tables are saved with unasked."""
    return ROW_NUMBERS.fullmatch(column) is not None


def named(columns: Sequence[str]) -> str:
    """Return the names of columns for a message."""
    more = f" and {len(columns) - MOST_NAMED} more" if len(columns) > MOST_NAMED else ""
    return f"{', '.join(columns[:MOST_NAMED]) or 'nothing'}{more}"


def load_parquet(path: Path) -> Any:
    """Return a Parquet file as a table of pyarrow.

    Raises:
        DataError: it cannot be read, or pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f"{path}: pyarrow reads it and is not installed; `uv sync --extra parquet` installs it"
        ) from None
    try:
        return parquet.ParquetFile(path).read()
    except Exception as error:  # whatever a damaged file makes of the reader
        why = "a pointer of Git LFS, which `git lfs pull` replaces"
        if not _begins_with(path, b"version https://git-lfs"):
            why = reason(error)
        raise DataError(f"{path}: cannot be read ({why}); it must be Parquet") from None


def _begins_with(path: Path, start: bytes) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(start)) == start
    return False


def as_text(what: str, values: Sequence[Any]) -> list[str]:
    """Return values as text without spaces around it, empty where there is none.

    Raises:
        DataError: a value is no name: a list, bytes, or a number with a fraction.
    """
    texts = []
    for row, value in enumerate(values):
        if isinstance(value, float):  # whole numbers with gaps among them are such
            if math.isnan(value):
                value = None
            elif not value.is_integer():
                raise DataError(f"{what} holds {value} in row {row}; {ALLOWED_LABEL}")
            else:
                value = int(value)
        if isinstance(value, list | dict | bytes):
            kind = type(value).__name__
            raise DataError(f"{what} holds {kind} in row {row}; {ALLOWED_LABEL}")
        texts.append("" if value is None else str(value).strip())
    return texts


def refuse_label_column(params: Dataset, because: str) -> None:
    """Refuse a column of labels where there are no columns.

    Raises:
        ParamsError: one is set.
    """
    if params.label_column is not None:
        raise ParamsError(
            f"params.yaml: {SETTING} is {params.label_column!r}; {because}, so it must be empty"
        )
