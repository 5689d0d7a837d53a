"""The formats of arrays and of JSON, and what every value must be."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

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
