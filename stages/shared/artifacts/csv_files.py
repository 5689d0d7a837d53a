"""Tables as CSV files that stages write and read."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from stages.shared.artifacts.files import write_atomically
from stages.shared.errors import ArtifactError, reason

Rows = list[dict[str, object]]  # of a table; all have the same columns
Columns = Mapping[str, Callable[[str], object]]  # name -> what makes a value of a field
Record = TypeVar("Record")

LONGEST_SHOWN = 200  # letters of a line that is not as it must be
ROWS_AT_A_TIME = 10_000  # of a table as it is written: a million lists take much memory and time
# Without these every line of a table is one field as it stands.
PECULIAR = ('"', ",", "\r", "\n\n")


def save_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file: line feeds at line ends, floats in the shortest form that is exact."""
    write_atomically(path, table_bytes(header, rows))


def table_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return what `save_table` writes."""
    parts = [_as_csv([header])]
    waiting = iter(rows)
    while some := list(islice(waiting, ROWS_AT_A_TIME)):
        part = _as_csv(some)
        # Before Python 3.13 a carriage return in a name is not quoted by itself.
        parts += map(_as_csv_with_returns, some) if "\r" in part else [part]
    return "".join(parts).encode("utf-8", "surrogateescape")


def _as_csv(rows: Iterable[Sequence[object]], quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(rows)
    return text.getvalue()


def _as_csv_with_returns(row: Sequence[object]) -> str:
    has_return = any(isinstance(field, str) and "\r" in field for field in row)
    return _as_csv([row], csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL)


def load_table(path: Path, header: Sequence[str]) -> list[list[str]]:
    """Return the rows of a CSV file below its header.

    Raises:
        ArtifactError: the file is missing, has another header, or rows of another length.
    """
    text = _read_table(path)
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); it must be CSV") from None
    if not rows or rows[0] != list(header):
        found = ",".join(rows[0])[:LONGEST_SHOWN] if rows else "nothing"
        raise ArtifactError(f"{path}: its first line is {found}; it must be {','.join(header)}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ArtifactError(
                f"{path}: row {number} has {len(row)} fields; it must have {len(header)}"
            )
    return rows[1:]


def load_column(path: Path, name: str) -> list[str]:
    """Return the fields of a CSV file that has this one column.

    Raises:
        ArtifactError: as load_table.
    """
    text = _read_table(path)
    is_whole = text.startswith(f"{name}\n") and text.endswith("\n")
    if is_whole and not any(mark in text for mark in PECULIAR):
        # Several times as fast as a list for each line, which counts where there are millions.
        return text.split("\n")[1:-1]
    return [row[0] for row in load_table(path, [name])]


def _read_table(path: Path) -> str:
    try:
        # Spreadsheets put a byte-order mark before the first name.
        return path.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise ArtifactError(f"{path}: cannot be read ({reason(error)}); it must be CSV") from None


def save_rows(path: Path, columns: Columns, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV file with these columns; None is an empty field."""
    fields = ([row[name] for name in columns] for row in rows)
    save_table(path, list(columns), (["" if x is None else x for x in row] for row in fields))


def load_rows(path: Path, columns: Columns) -> Rows:
    """Return the rows of a CSV file, each field made by its column's function.

    Raises:
        ArtifactError: the file is missing, has other columns, or a field is no number.
    """
    rows = load_table(path, list(columns))
    try:
        return [
            {
                name: convert(field)
                for (name, convert), field in zip(columns.items(), row, strict=True)
            }
            for row in rows
        ]
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}; fields must be numbers") from None


def save_records(path: Path, kind: type[Record], records: Iterable[Record]) -> None:
    """Write a CSV file whose columns are the fields of a dataclass; None is an empty field."""
    save_rows(path, _columns_of(kind), map(vars, records))


def load_records(path: Path, kind: type[Record]) -> list[Record]:
    """Return the rows of a CSV file whose columns are the fields of a dataclass.

    Raises:
        ArtifactError: as load_rows.
    """
    return [kind(**row) for row in load_rows(path, _columns_of(kind))]


def maybe(convert: Callable[[str], object]) -> Callable[[str], object]:
    """Convert a field that may be empty."""
    return lambda field: convert(field) if field else None


# What makes a value of a field, by the type that a dataclass has for it.
_MAKES: dict[object, Callable[[str], object]] = {
    str: str,
    int: int,
    float: float,
    float | None: maybe(float),
}


def _columns_of(kind: type) -> Columns:
    return {name: _MAKES[annotation] for name, annotation in kind.__annotations__.items()}
