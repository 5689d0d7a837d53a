"""Labelled data sets of Hugging Face's `datasets`: saved by `save_to_disk`, or Parquet files.

- A folder that `save_to_disk` wrote, of a DatasetDict with its splits or of a single Dataset. It is
  read as a memory map: nothing is copied.
- Parquet files, whose names begin with their split: `train.parquet`, `test-00000-of-00002.parquet`,
  in the folder or in its folder `data`. They are read into memory, pressed as they are.

The label is the column that `dataset.label_column` names, or else `label`, or else the only one of
the type ClassLabel; its names are the classes, otherwise its values. A column `sample_id` names the
samples; without it a sample id is split and row, as in `train/17`.

Shapes: N samples.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stages.shared.artifacts import SPLITS, Ints, Split
from stages.shared.datasets.reading.class_names import numbered, used
from stages.shared.datasets.reading.entries import split_of
from stages.shared.datasets.reading.manifests import is_empty
from stages.shared.datasets.reading.user_tables import (
    LABEL,
    MOST_NAMED,
    as_text,
    label_among,
    load_parquet,
)
from stages.shared.datasets.reading.visible_files import require_folder
from stages.shared.errors import DataError, ParamsError, reason
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset

SAMPLE_ID = "sample_id"
SHARD = re.compile(r"(.+)-([0-9]{5})-of-([0-9]{5})\.parquet")


@dataclass(frozen=True)
class LabelledTable:
    """The rows of all splits, those of one after those of another."""

    root: Path
    parts: Mapping[Split, Any]  # a datasets.Dataset of each split that there is, train first
    label_column: str | None = None  # what the setting names

    @cached_property
    def features(self) -> Mapping[str, Any]:
        """The columns and their types, of all splits."""
        return next(iter(self.parts.values())).features

    @cached_property
    def label(self) -> str:
        """Return the name of the column of labels.

        Raises:
            DataError: there is none, or there are several that may be it.
        """
        typed = [name for name, kind in self.features.items() if is_kind(kind, "ClassLabel")]
        if len(typed) == 1 and self.label_column is None and LABEL not in self.features:
            return typed[0]
        return label_among(self.root, list(self.features), self.label_column, typed)

    def only(self, what: str, usual: str, fits: Callable[[Any], bool]) -> str:
        """Return the column of this usual name, or the only one that fits.

        Raises:
            DataError: there is none, or there are several.
        """
        others = {name: kind for name, kind in self.features.items() if name not in self._named}
        found = [name for name, kind in others.items() if fits(kind)]
        if usual in found:
            return usual
        if len(found) == 1:
            return found[0]
        there = ", ".join(found or self.features)
        kind = f"; {usual} holds {_kind_in_words(others[usual])}" if usual in others else ""
        raise DataError(
            f"{self.root}: needs one column of {what}, or one called {usual}; found {there}{kind}"
        )

    @property
    def _named(self) -> set[str]:
        return {self.label, SAMPLE_ID}

    def column(self, name: str) -> list[Any]:
        """Return the values of a column, of all splits."""
        return [value for part in self.parts.values() for value in part[name]]

    def classes(self) -> tuple[list[str], Ints, list[str]]:
        """Return the classes, the number of each sample's [N], and which samples have none."""
        values, ids = self.column(self.label), self.sample_ids
        names = getattr(self.features[self.label], "names", None)
        if names is not None:  # -1 stands where there is no label
            missing = [value is None or not 0 <= value < len(names) for value in values]
            numbers = [0 if lacks else value for value, lacks in zip(values, missing, strict=True)]
            targets_N = np.array(numbers, dtype=np.int64)
            class_names, targets_N = used(str(self.root), names, targets_N)
        else:
            labels = as_text(f"{self.root}: column {self.label!r}", values)
            missing = [not label for label in labels]
            class_names, targets_N = numbered(labels)
        rows = np.flatnonzero(missing).tolist()
        return class_names, targets_N, [f"{ids[row]!r} has no label" for row in rows]

    @cached_property
    def sample_ids(self) -> list[str]:
        """Return the id of each sample.

        Raises:
            DataError: two are the same.
        """
        if SAMPLE_ID not in self.features:
            return [
                f"{split}/{row}" for split, part in self.parts.items() for row in range(len(part))
            ]
        found = [str(value) for value in self.column(SAMPLE_ID)]
        if len(set(found)) < len(found):
            seen = set()
            twice = next(name for name in found if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise DataError(f"{self.root}: the sample_id {twice!r} stands there twice")
        return found

    @property
    def given_splits(self) -> list[Split] | None:
        """The split of each sample; None where there is one alone."""
        if len(self.parts) == 1:
            return None
        return [split for split, part in self.parts.items() for _ in range(len(part))]


def is_kind(kind: Any, name: str) -> bool:
    """Return whether a column is of this type of `datasets`."""
    return type(kind).__name__ == name


def _kind_in_words(kind: Any) -> str:
    return str(getattr(kind, "dtype", type(kind).__name__))


def load_table(params: Dataset) -> LabelledTable:
    """Return the data set below dataset.root.

    Raises:
        DataError: the folder holds none, it cannot be read, or its splits differ.
        ParamsError: dataset.manifest lists files.
    """
    root = located(params.root)
    require_folder(root)
    if not is_empty(params):
        raise ParamsError(
            f"params.yaml: dataset.manifest is {params.manifest!r}, which lists files; "
            f"{params.name} is a table, so it must be an empty list"
        )
    try:
        import datasets  # type: ignore[import-untyped] # it ships no types
    except ImportError:
        raise DataError(
            f"{root}: Hugging Face's package `datasets` reads it and is not installed; `uv sync "
            "--extra huggingface` installs it"
        ) from None
    files = sorted([*root.glob("*.parquet"), *root.glob("data/*.parquet")])
    try:
        if files:
            found = _parquet(files)
        else:
            loaded = datasets.load_from_disk(str(root))
            is_single = isinstance(loaded, datasets.Dataset)
            found = {"train": loaded} if is_single else dict(loaded)
        found = {name: _undecoded(part.with_format(None), datasets) for name, part in found.items()}
    except DataError:
        raise
    except Exception as error:  # of a dozen kinds
        raise DataError(
            f"{root}: cannot be read ({reason(error)}); it must be a data set that save_to_disk "
            "wrote, or hold Parquet files"
        ) from None
    return _in_splits(root, found, params.label_column)


def _parquet(files: Sequence[Path]) -> dict[str, Any]:
    """Return a data set of the files of each split."""
    from datasets import Dataset, concatenate_datasets
    from datasets.table import InMemoryTable  # type: ignore[import-untyped]

    _require_all_shards(files)
    paths: dict[str, list[Path]] = {}
    for path in files:
        paths.setdefault(re.split(r"[-.]", path.name)[0], []).append(path)
    for name, found in paths.items():
        if found[0].parent != found[-1].parent:  # likely the same once more
            raise DataError(
                f"{found[-1]} and {found[0]}: both hold {name}; files of a split must lie in one "
                "folder"
            )
    return {
        name: concatenate_datasets([Dataset(InMemoryTable(load_parquet(path))) for path in found])
        for name, found in paths.items()
    }


def _require_all_shards(files: Sequence[Path]) -> None:
    """Check that of files called train-00000-of-00002.parquet and so on all are there."""
    there: dict[tuple[str, int], set[int]] = {}
    for path in files:
        if found := SHARD.fullmatch(path.name):
            name, number, total = found.groups()
            there.setdefault((name, int(total)), set()).add(int(number))
    for (name, total), numbers in there.items():
        if missing := sorted({*range(total)} - numbers):
            shown = ", ".join(map(str, missing[:MOST_NAMED]))
            raise DataError(
                f"{files[0].parent}: of the {total} files of {name} number {shown} is missing; all "
                "must be there"
            )


def _undecoded(part: Any, datasets: Any) -> Any:
    """Return a split whose images stay as they are pressed.

    One column at a time: `cast` of all would write a copy of the data into the user's folder. Where
    another tool wrote the table, such as pandas, nothing says that bytes are images.
    """
    for name, kind in part.features.items():
        is_bytes = getattr(kind, "dtype", "") in ("binary", "large_binary")
        is_untold = isinstance(kind, dict) and kind.keys() == {"bytes", "path"}
        if isinstance(kind, datasets.Image) or is_bytes or is_untold:
            part = part.cast_column(name, datasets.Image(decode=False))
    return part


def _in_splits(root: Path, found: Mapping[str, Any], label_column: str | None) -> LabelledTable:
    parts: dict[Split, Any] = {}
    for name, part in found.items():
        split = split_of(name)
        if split is None or split in parts:
            raise DataError(
                f"{root}: has the splits {', '.join(found)}; allowed are train, and beside it "
                "validation and test, once each"
            )
        parts[split] = part
    if "train" not in parts:
        raise DataError(f"{root}: has {', '.join(found)} without train; it is needed")
    features = [dict(part.features) for part in parts.values()]
    if any(each != features[0] for each in features):
        raise DataError(f"{root}: its splits have different columns; they must be the same")
    in_order = {split: parts[split] for split in SPLITS if split in parts}
    return LabelledTable(root, in_order, label_column)
