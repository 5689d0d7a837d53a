"""Which samples are train, validation and test.

Every draw is decided by the ids of the samples and `dataset.split_seed`: reordering the data
changes nothing, and a data set that grew keeps nearly all of its old assignment.

Shapes: N samples; U units (groups, or single samples where there are none); C classes.
"""

import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts import SPLITS, Ints, Split, load_list
from stages.shared.artifacts.user_names import MOST_SHOWN, and_more, as_known, name_hint
from stages.shared.datasets.reading.entries import path_below
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import DataError, printable
from stages.shared.running.workspace import located
from stages.shared.samples.randomness import permutation_by_id, uniform_by_id
from stages.shared.settings.sections import Dataset

Names = npt.NDArray[np.str_]

# Why a split may be empty, by what decides it.
EMPTY: dict[Split, str] = {
    "train": "see dataset.validation_fraction and num_folds",
    "validation": "of some class dataset.validation_fraction must be half a sample or group",
    "test": "see dataset.num_folds; of each class one sample, or one group, stays in train",
}

# Of a split that lacks a class.
MEANING: dict[Split, str] = {
    "validation": "what is chosen by validation does not see them",
    "test": "every metric is one of the other classes",
}


class Units(NamedTuple):
    """What is assigned as a whole: a group, or a single sample."""

    unit_N: Ints  # of each sample
    names: list[str]
    stratum_U: Ints  # the most common class of each, the first of equals


class Listed(NamedTuple):
    """What a line of `dataset.groups` says of a sample."""

    line: int
    group: str


def assign(source: Source, params: Dataset) -> dict[Split, Ints]:
    """Return the rows of each split, int64, ascending; the splits are disjoint and cover the data.

    Without a test split of the data's own, its validation split is the test; without that either,
    test is fold `fold` of `num_folds`. Validation is then `validation_fraction` of each class of
    what remains, rounded half up. Where that leaves train nothing of a class, one of the units
    that were drawn returns to train: nobody can learn a class that is only tested.

    Raises:
        DataError: the data's own splits have no train, or put one group into two of them; the
            list of groups lacks a sample.
    """
    units = _units(source, groups_of(source, params))
    given_U = _given(source, units)
    split_U = given_U.copy()
    if "test" not in split_U:
        if "validation" in split_U:
            split_U[split_U == "validation"] = given_U[split_U == "validation"] = "test"
        else:
            split_U[_folds(units, source.class_names, params) == params.fold] = "test"
    if "validation" not in split_U:
        split_U[_validation_units(units, np.flatnonzero(split_U == "train"), params)] = "validation"
    _keep_in_train(source, units, split_U, split_U != given_U, params.split_seed)
    split_N = split_U[units.unit_N]
    return {split: np.flatnonzero(split_N == split) for split in SPLITS}


def groups_of(source: Source, params: Dataset) -> list[str] | None:
    """Return the group of each sample that `dataset.groups` says; None: it lists none."""
    if not params.groups:
        return None
    return load_groups(Path(params.groups), located(params.root), source.sample_ids)


def problems(source: Source, rows: dict[Split, Ints]) -> list[str]:
    """Return what is wrong with the splits, a text for each problem."""
    num_classes = len(source.class_names)
    counts = {
        split: np.bincount(source.classes_of(rows[split]), minlength=num_classes)
        for split in SPLITS
    }
    found = [
        f"the {split} split is empty ({EMPTY[split]})" for split in SPLITS if not len(rows[split])
    ]
    found += [
        f"the {split} split has no object"
        for split in SPLITS
        if len(rows[split]) and not counts[split].any()
    ]
    if source.boxes is None and num_classes == 1:
        found.append(f"there is one class, {source.class_names[0]!r}; two are needed")
    found += [
        f"class {name!r} holds a control character, such as a line end; it needs another name"
        for name in source.class_names
        if any(unicodedata.category(letter) == "Cc" for letter in name)
    ]
    for number in np.flatnonzero(counts["train"] == 0):
        held = [f"{counts[split][number]} in {split}" for split in SPLITS if counts[split][number]]
        where = f"is missing from train ({', '.join(held)})" if held else "is empty"
        found.append(f"class {source.class_names[number]!r} {where}")
    return found


def absent_classes(source: Source, split_N: Ints) -> list[str]:
    """Return the names of the classes of which a split, given by its rows, holds nothing."""
    is_there_C = np.bincount(source.classes_of(split_N), minlength=len(source.class_names)) > 0
    return [source.class_names[number] for number in np.flatnonzero(~is_there_C)]


def warn_of_absent_classes(source: Source, rows: dict[Split, Ints]) -> None:
    """Say on stderr which classes have nothing in validation or test, and what that means."""
    for split, meaning in MEANING.items():
        names = absent_classes(source, rows[split])
        if names:
            told = and_more([repr(name) for name in names[:MOST_SHOWN]], len(names))
            sys.stderr.write(
                f"warning: {len(names)} of {len(source.class_names)} classes have no {split} "
                f"sample, so {meaning}: {printable(told)}\n"
            )


def load_groups(path: Path, root: Path, sample_ids: Sequence[str]) -> list[str] | None:
    """Return the group of each sample from a CSV file (path,group); None: it lists none.

    Raises:
        ArtifactError: as listed_groups.
        DataError: as listed_groups, or a sample has no group.
    """
    listed = listed_groups(path, root, sample_ids)
    if not listed:
        return None
    missing = [name for name in sample_ids if name not in listed]
    if missing:
        known = set(sample_ids)
        strange = next((name for name in listed if name not in known), None)
        hint = ""
        if strange is not None:
            near = name_hint(strange, known)
            hint = f"; line {listed[strange].line} names {strange!r}, which is no sample{near}"
        raise DataError(
            f"{path}: {len(missing)} samples have no group, the first is {missing[0]!r}; every "
            f"sample needs one{hint}"
        )
    return [listed[name].group for name in sample_ids]


def listed_groups(path: Path, root: Path, sample_ids: Sequence[str]) -> dict[str, Listed]:
    """Return what a CSV file (path,group) says of each sample that it names, and of other names.

    Paths below root may be written in other ways than those of the samples are (`path_below`).

    Raises:
        ArtifactError: the file is missing or has other columns.
        DataError: a line has no group, or names a sample again.
    """
    known = set(sample_ids)
    listed: dict[str, Listed] = {}
    for line in load_list(path, ["path", "group"]):
        name, group = as_known(line.fields[0], known), line.fields[1].strip()
        if name not in known:
            name = path_below(root, name, known.__contains__) or name
        if name in listed:
            raise DataError(
                f"{path}: line {line.number} names {name!r} again, as line {listed[name].line} "
                "does; a sample has one group"
            )
        if not group:
            raise DataError(f"{path}: line {line.number} has no group; every sample needs one")
        listed[name] = Listed(line.number, group)
    return listed


def _units(source: Source, groups: list[str] | None) -> Units:
    if groups is None:
        return Units(np.arange(len(source.targets_N)), source.sample_ids, source.targets_N)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    unit_N = np.array([numbers[name] for name in groups], dtype=np.int64)
    counts_UC = np.zeros((len(numbers), len(source.class_names)), dtype=np.int32)
    np.add.at(counts_UC, (unit_N, source.targets_N), 1)
    return Units(unit_N, list(numbers), counts_UC.argmax(axis=1))


def _given(source: Source, units: Units) -> Names:
    """Return the data's own split of each unit; everything is train where it has none."""
    given_N = np.array(source.given_splits or ["train"] * len(units.unit_N), dtype="U10")
    if "train" not in given_N:
        raise DataError("the data's own splits have no train; one is needed")
    given_U = np.empty(len(units.names), dtype="U10")
    given_U[units.unit_N] = given_N
    torn = np.flatnonzero(given_U[units.unit_N] != given_N)
    if len(torn):
        unit = units.unit_N[torn[0]]
        raise DataError(
            f"dataset.groups: group {units.names[unit]!r} stands in {given_N[torn[0]]} and in "
            f"{given_U[unit]}; a group must lie in one split"
        )
    return given_U


def _keep_in_train(
    source: Source, units: Units, split_U: Names, is_drawn_U: npt.NDArray[np.bool_], seed: int
) -> None:
    """Return a drawn unit of each class that train lacks to train, rather of validation."""
    boxes = source.boxes
    every = np.arange(len(units.unit_N))
    class_A = source.classes_of(every)  # of each sample, or of each object
    unit_A = units.unit_N if boxes is None else np.repeat(units.unit_N, boxes.count_N)
    is_there_C = np.zeros(len(source.class_names), dtype=np.bool_)
    is_there_C[class_A[split_U[unit_A] == "train"]] = True
    for number in np.setdiff1d(class_A, np.flatnonzero(is_there_C)):
        its_U = np.unique(unit_A[class_A == number])
        if "train" in split_U[its_U]:
            continue  # it came with another class
        for split in ("validation", "test"):
            some_U = its_U[is_drawn_U[its_U] & (split_U[its_U] == split)]
            if len(some_U):
                first = permutation_by_id([units.names[unit] for unit in some_U], seed, "train")
                split_U[some_U[first[0]]] = "train"
                break


def _folds(units: Units, class_names: list[str], params: Dataset) -> Ints:
    """Return the fold of each unit; each class is spread over the folds within one unit.

    The folds are neighbouring parts of the random order, not every k-th of it, so that a new
    sample moves few old ones.
    """
    rank_U, size_U = _ranks(units.names, units.stratum_U, params.split_seed, "fold")
    # Each class starts at another fold: small classes would otherwise all leave the same one out.
    start_C = uniform_by_id(class_names, params.split_seed, "first fold") * params.num_folds
    start_U = start_C.astype(np.int64)[units.stratum_U]
    return (rank_U * params.num_folds // size_U + start_U) % params.num_folds


def _validation_units(units: Units, train_T: Ints, params: Dataset) -> Ints:
    """Return the units, of those in train, that become validation."""
    names = [units.names[unit] for unit in train_T]
    rank_T, size_T = _ranks(names, units.stratum_U[train_T], params.split_seed, "validation")
    return train_T[rank_T < np.floor(params.validation_fraction * size_T + 0.5)]


def _ranks(names: list[str], stratum_U: Ints, seed: int, purpose: str) -> tuple[Ints, Ints]:
    """Return each unit's place in the random order of its stratum, and the stratum's size."""
    order_U = permutation_by_id(names, seed, purpose)
    by_stratum_U = order_U[np.argsort(stratum_U[order_U], kind="stable")]
    size_C = np.bincount(stratum_U)
    start_C = np.cumsum(size_C) - size_C
    rank_U = np.empty(len(names), dtype=np.int64)
    rank_U[by_stratum_U] = np.arange(len(names)) - start_C[stratum_U[by_stratum_U]]
    return rank_U, size_C[stratum_U]
