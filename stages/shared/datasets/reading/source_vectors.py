"""Vectors of numbers with a label each, in `.npy` or Parquet files.

Below dataset.root lie `train`, and where they are there `validation` and `test`, each either as

- `<split>.npy`, numbers [N, D], and `<split>.csv` with the columns sample_id,label, a row for each;
- `<split>.parquet` with a column `label`, perhaps `sample_id`, and the numbers: one column of lists
  of equal length, or else all other columns but those of row numbers that pandas saves. In each
  file they have the names that they have in train's, in any order.

The label may have another name (`dataset.label_column`). Without test they are split at random.
Numbers stay float16 where they are, and are float32 otherwise. Classes stand in the order of their
numbers where all are whole numbers, else of their names' bytes.

Shapes: N samples, D numbers of a vector, B some of the samples.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from stages.shared.artifacts import SPLITS, Array, Ints, Split
from stages.shared.datasets.reading.class_names import numbered
from stages.shared.datasets.reading.problems import in_one_line
from stages.shared.datasets.reading.sources import Source
from stages.shared.datasets.reading.user_tables import (
    LABEL,
    as_text,
    is_row_number,
    label_among,
    load_parquet,
    load_rows,
    named,
)
from stages.shared.datasets.reading.visible_files import require_folder
from stages.shared.errors import DataError, reason
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset

CHUNK_BYTES = 2**23  # of numbers that are read at once
ALLOWED = "fiu"  # kinds of numbers: with a point, whole, whole from 0


@dataclass(frozen=True)
class SourceVectors:
    """The vectors of one or several files, read as they are used."""

    names: Sequence[str]  # of the files
    vectors: Sequence[Array]  # [N, D] of each

    @property
    def shape(self) -> tuple[int, ...]:
        """D."""
        return self.vectors[0].shape[1:]

    @property
    def dtype(self) -> Any:
        """Float16 where all files have it, else float32."""
        is_half = all(vectors_ND.dtype == np.float16 for vectors_ND in self.vectors)
        return np.dtype(np.float16 if is_half else np.float32)

    def parts(self, rows_N: Ints) -> Iterator[tuple[Ints, Array]]:
        """Yield the vectors of these rows in their order, with the rows, some at a time [B, D]."""
        step = max(1, CHUNK_BYTES // (self.dtype.itemsize * self.shape[0]))
        first_F = np.cumsum([0, *map(len, self.vectors)])
        for start in range(0, len(rows_N), step):
            some_B = rows_N[start : start + step]
            file_B = np.searchsorted(first_F, some_B, side="right") - 1
            part_BD = np.empty((len(some_B), *self.shape), self.dtype)
            with np.errstate(over="ignore"):  # infinite then, which prepare refuses
                for file in np.unique(file_B):
                    is_here_B = file_B == file
                    part_BD[is_here_B] = self.vectors[file][some_B[is_here_B] - first_F[file]]
            yield some_B, part_BD

    def place_of(self, row: int) -> str:
        """Say in which file and row of it a sample stands."""
        for name, vectors_ND in zip(self.names, self.vectors, strict=True):
            if row < len(vectors_ND):
                return f"{name}: row {row}"
            row -= len(vectors_ND)
        raise IndexError(row)


@dataclass(frozen=True)
class _Part:
    """What a split's file holds."""

    name: str
    vectors_ND: Array
    sample_ids: list[str]
    labels: list[str]
    columns: Sequence[str] = ()  # of the numbers, where they have names


def load_vectors(params: Dataset) -> Source:
    """Return the vectors below dataset.root, checked but for their values.

    Raises:
        ArtifactError: a list of labels is missing or has other columns.
        DataError: there are no vectors, or a file cannot be read or holds something else.
    """
    root = located(params.root)
    require_folder(root)
    label = params.label_column
    parts: dict[Split, _Part] = {}
    for split in SPLITS:
        if part := _part(root, split, label, parts.get("train")):
            parts[split] = part
    if "train" not in parts:
        raise DataError(
            f"dataset.root is {params.root!r}: found no train.npy (with train.csv) and no "
            "train.parquet in it; one of them is needed, and validation and test may lie beside"
        )
    labels = [label for part in parts.values() for label in part.labels]
    class_names, targets_N = numbered(labels)
    given: list[Split] = [split for split, part in parts.items() for _ in part.labels]
    sample_ids = [name for part in parts.values() for name in part.sample_ids]
    if problems := _problems(list(parts.values()), sample_ids):
        raise DataError(in_one_line(f"{root}: ", problems))
    return Source(
        class_names=class_names,
        targets_N=targets_N,
        sample_ids=sample_ids,
        given_splits=given if len(parts) > 1 else None,
        inputs=SourceVectors(
            [part.name for part in parts.values()], [part.vectors_ND for part in parts.values()]
        ),
    )


def _part(root: Path, split: Split, label_column: str | None, train: _Part | None) -> _Part | None:
    found = [path for path in (root / f"{split}.npy", root / f"{split}.parquet") if path.exists()]
    if len(found) > 1:
        raise DataError(f"{root}: holds {found[0].name} and {found[1].name}; one is allowed")
    if not found:
        return None
    if found[0].suffix == ".npy":
        return _from_npy(found[0], label_column)
    return _from_parquet(found[0], split, label_column, train)


def _from_npy(path: Path, label_column: str | None) -> _Part:
    try:
        vectors_ND: Array = open_memmap(path, mode="r")
    except Exception as error:  # of a damaged header numpy raises errors of a dozen kinds
        raise DataError(f"{path}: cannot be read ({reason(error)}); it must be .npy") from None
    if vectors_ND.ndim != 2 or vectors_ND.dtype.kind not in ALLOWED:  # noqa: PLR2004 - a table
        raise DataError(
            f"{path}: holds {vectors_ND.dtype} {list(vectors_ND.shape)}; it must be numbers, a row "
            "for each sample"
        )
    rows = load_rows(path.with_suffix(".csv"), "sample_id", label_column, [])
    sample_ids, labels = ([line.fields[place].strip() for line in rows.lines] for place in (0, 1))
    return _Part(path.name, vectors_ND, sample_ids, labels)


def _from_parquet(path: Path, split: Split, label_column: str | None, train: _Part | None) -> _Part:
    table = load_parquet(path)
    label = label_among(path, table.column_names, label_column, [])
    if label != LABEL in table.column_names:
        raise DataError(
            f"{path}: has the columns {LABEL} and {label}; take out the one that is no label"
        )
    labels = as_text(f"{path}: column {label!r}", table.column(label).to_pylist())
    ids = [f"{split}/{row}" for row in range(len(labels))]
    if "sample_id" in table.column_names:
        ids = [str(value) for value in table.column("sample_id").to_pylist()]
    names = [name for name in table.column_names if name not in {label, "sample_id"}]
    if rows := [name for name in names if is_row_number(name)]:
        sys.stderr.write(f"{path}: left out {rows[0]!r}, which holds the numbers of its rows\n")
        names = [name for name in names if name not in rows]
    if twice := [name for name, count in Counter(table.column_names).items() if count > 1]:
        raise DataError(f"{path}: has two columns called {twice[0]}; one is allowed")
    if train and train.columns:
        names = _in_order_of(train, path, names)
    numbers_ND = _numbers(path, table.select(names))
    # A lone column of lists may be called anything: it has an order of its own.
    return _Part(
        path.name, numbers_ND, ids, labels, names if numbers_ND.shape[1] == len(names) else ()
    )


def _in_order_of(train: _Part, path: Path, names: Sequence[str]) -> list[str]:
    """Return the columns as they stand in train, since a number is known by its place."""
    lacks = [name for name in train.columns if name not in names]
    more = [name for name in names if name not in train.columns]
    if lacks or more:
        raise DataError(
            f"{path}: of the columns of {train.name} it lacks {named(lacks)}, and beside them it "
            f"has {named(more)}; they must be the same"
        )
    return list(train.columns)


def _numbers(path: Path, table: Any) -> Array:
    """Return the numbers of a Parquet table [N, D]: of its one column of lists, or of all."""
    from pyarrow import types
    from pyarrow.compute import list_value_length

    kinds = [field.type for field in table.schema]
    is_list = [
        types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
        for kind in kinds
    ]
    if len(kinds) == 1 and is_list[0]:
        column = table.column(0).combine_chunks()
        value_A = column.flatten().to_numpy(zero_copy_only=False)
        lengths = list_value_length(column).unique().to_pylist() or [0]
        if lengths[1:] == [] and lengths[0] is not None and value_A.dtype.kind in ALLOWED:
            return value_A.reshape(len(column), lengths[0])
    elif kinds and not any(is_list):
        columns = [table.column(number).to_numpy() for number in range(len(kinds))]
        if all(column.dtype.kind in ALLOWED for column in columns):
            return np.stack(columns, axis=1)
    raise DataError(
        f"{path}: beside label and sample_id it has {', '.join(table.column_names) or 'nothing'}; "
        "it must be one column of lists of equal length, or columns of numbers alone"
    )


def _problems(parts: Sequence[_Part], sample_ids: Sequence[str]) -> list[str]:
    """Return what does not fit together, a text for each."""
    found = []
    length = parts[0].vectors_ND.shape[1]
    for part in parts:
        num, of_each = part.vectors_ND.shape
        if num != len(part.labels):
            found.append(f"{part.name} has {num} rows and {len(part.labels)} labels")
        if of_each != length or not of_each:
            found.append(f"{part.name} has {of_each} numbers a row, {parts[0].name} {length}")
        empty = [row for row, label in enumerate(part.labels) if not label]
        found += [f"{part.name}: row {row} has no label" for row in empty]
    if len(set(sample_ids)) < len(sample_ids):
        seen: set[str] = set()
        twice = next(name for name in sample_ids if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        found.append(f"the sample_id {twice!r} stands there twice")
    return found
