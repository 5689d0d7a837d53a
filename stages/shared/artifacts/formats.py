"""The formats: arrays, JSON, tables, and what every value must be."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from stages.shared.artifacts.files import atomic, write_atomically
from stages.shared.errors import ArtifactError, reason
from stages.shared.settings.messages import as_written

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Record = TypeVar("Record")
# Of a dataclass that is read from JSON: an unknown key is an error.
no_other_keys = with_config(ConfigDict(extra="forbid"))

Rows = list[dict[str, object]]  # of a table; all have the same columns
Columns = Mapping[str, Callable[[str], object]]  # name -> what makes a value of a field

LONGEST_SHOWN = 200  # letters of a line that is not as it must be
ROWS_AT_A_TIME = 10_000  # of a table as it is written: a million lists take much memory and time
# Without these every line of a table is one field as it stands.
PECULIAR = ('"', ",", "\r", "\n\n")


def save_array(path: Path, array: Array) -> None:
    """Write one array."""
    # Opened to be read too: numpy then leaves the writing to Python, whose errors say what failed.
    with atomic(path) as temporary, temporary.open("w+b") as file:
        np.save(file, array, allow_pickle=False)


def create_array(
    path: Path, dtype: npt.DTypeLike, shape: Sequence[int]
) -> "np.memmap[Any, np.dtype[Any]]":
    """Return a new array as a memory map to write to, in a folder that appears whole (`files`).

    Its space is taken at once: where the disk is full a process would die of writing to a map.
    """
    array = npy.open_memmap(path, "w+", dtype, tuple(shape))
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def save_parts(
    path: Path, dtype: npt.DTypeLike, shape: Sequence[int], parts: Iterable[Array]
) -> None:
    """Write one array of known shape that comes in parts, those of one after those of another."""
    header = {
        "descr": npy.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": tuple(int(length) for length in shape),
    }
    with atomic(path) as temporary, temporary.open("wb") as file:
        npy.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).data)


def load_array(
    path: Path, dtype: npt.DTypeLike | tuple[npt.DTypeLike, ...], shape: tuple[int | None, ...]
) -> Array:
    """Return an array as a read-only memory map, its dtype and shape checked (None: any length).

    Where several dtypes are given it must have one of them.

    Raises:
        ArtifactError: the file is missing, cut short, or holds something else.
    """
    try:
        # np.load would also take an archive, and for anything else speak of pickle.
        array: Array = npy.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except Exception as error:  # of a damaged header numpy raises errors of a dozen kinds
        raise ArtifactError(
            f"{path}: cannot be read ({reason(error)}); it must be a .npy file"
        ) from None
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, found) for found, wanted in zip(array.shape, shape, strict=True)
    )
    dtypes = [np.dtype(each) for each in (dtype if isinstance(dtype, tuple) else (dtype,))]
    if array.dtype not in dtypes or not fits:
        wanted_shape = ["any" if length is None else length for length in shape]
        raise ArtifactError(
            f"{path}: found {array.dtype} {list(array.shape)}; it must be "
            f"{' or '.join(map(str, dtypes))} {wanted_shape}"
        )
    return array


def save_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object, keys as given; floats are written in full."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode("utf-8", "surrogateescape"))


def load_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        ArtifactError: the file is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run `dvc repro`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: cannot be read ({reason(error)}); it must be JSON") from None
    if not isinstance(content, dict):
        raise ArtifactError(f"{path}: found a {type(content).__name__}; it must be an object")
    return content


def load_record(path: Path, kind: type[Record]) -> Record:
    """Return the dataclass whose fields are the keys of a JSON object.

    Raises:
        ArtifactError: a key is missing or unknown, or its value is of another type.
    """
    return checked(path, load_json(path), kind)


def checked(path: Path, content: Mapping[str, Any], kind: type[Record]) -> Record:
    """Return the dataclass whose fields are the keys of what a file holds.

    Raises:
        ArtifactError: as load_record.
    """
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        found = "missing" if first["type"] == "missing" else as_written(first["input"])
        raise ArtifactError(
            f"{path}: {key} is {found} ({first['msg']}); the keys must be "
            f"{', '.join(kind.__annotations__)}, as the stage wrote them"
        ) from None


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
    text = _read_table(path, header)
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
    text = _read_table(path, [name])
    is_whole = text.startswith(f"{name}\n") and text.endswith("\n")
    if is_whole and not any(mark in text for mark in PECULIAR):
        # Several times as fast as a list for each line, which counts where there are millions.
        return text.split("\n")[1:-1]
    return [row[0] for row in load_table(path, [name])]


def _read_table(path: Path, header: Sequence[str]) -> str:
    try:
        # Spreadsheets put a byte-order mark before the first name.
        return path.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; it must be CSV with {','.join(header)}") from None
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


def maybe(convert: Callable[[str], object]) -> Callable[[str], object]:
    """Convert a field that may be empty."""
    return lambda field: convert(field) if field else None


def require_finite(path: Path, array: Array) -> None:
    """Stop unless every entry is finite.

    Raises:
        ArtifactError: one is not; the first is named.
    """
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = wrong[0].tolist()
        raise ArtifactError(
            f"{path}: {'sample' if len(place) == 1 else 'entry'} {', '.join(map(str, place))} has "
            f"{array[tuple(place)]}; every value must be finite"
        )
