"""Split the data and write it as arrays, or list its files."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from stages.prepare import similar_names
from stages.prepare.input_statistics import Fingerprint
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Array, Ints, Meta, Split
from stages.shared.artifacts.files import atomic_folder
from stages.shared.datasets.reading import problems as list_of_problems
from stages.shared.datasets.reading import splits
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import DataError
from stages.shared.running import command
from stages.shared.settings.params import Params, load_params

BOXES_NEED = "every box must have an area inside its image"


def main(prepared: Path, scratch: Path) -> None:
    """Split the data and write it as arrays, or list its files."""
    params = load_params()
    artifacts.check_lists(params)
    source, rows = load(params)
    groups = splits.groups_of(source, params.dataset)
    inputs = _writing(params)
    with atomic_folder(prepared) as folder:
        problems = [*wrong_with(source, rows)]
        writer, fingerprint = inputs.Writer(folder, source.inputs, params.dataset), Fingerprint()
        for split in SPLITS:
            # What is tested on is no part of any training's name.
            hashed = Fingerprint() if split == "test" else fingerprint
            (folder / split).mkdir()
            writer.write_split(split, rows[split], hashed)
            _write_targets(folder, split, source, rows[split], hashed)
            if groups is not None:
                artifacts.save_groups(folder, split, [groups[row] for row in rows[split]])
        problems += writer.problems
        if problems:
            raise DataError(describe(problems, params, source))
        splits.warn_of_absent_classes(source, rows)
        similar_names.warn(source.class_names)
        artifacts.save_meta(folder, _meta(params, source, writer.described(), fingerprint, rows))
    artifacts.save_json(scratch / "model.json", {})
    list_of_problems.forget()


def load(params: Params) -> tuple[Source, dict[Split, Ints]]:
    """Return the data set and the rows of its splits.

    Raises:
        DataError: something is wrong with it.
    """
    data_set = import_module(f"stages.shared.datasets.{params.task}.{params.dataset.name}")
    source: Source = data_set.load(params.dataset)
    is_read_once = source.boxes is not None  # the headers of its images, with their annotations
    if source.problems and (is_read_once or not source.sample_ids):
        raise DataError(describe(source.problems, params, source))
    return source, splits.assign(source, params.dataset)


def wrong_with(source: Source, rows: dict[Split, Ints]) -> list[str]:
    """Return what is wrong with a data set or its splits, before its inputs are read.

    What is wrong was left out of the data, so that its splits then say nothing.
    """
    return source.problems or splits.problems(source, rows)


def describe(problems: list[str], params: Params, source: Source) -> str:
    """Return in one line what is wrong with a data set, and what it needs."""
    needs = _writing(params).NEEDS
    if source.boxes is not None:
        needs = f"{needs}, {BOXES_NEED}"
    problems = list(dict.fromkeys(problems))  # a file may be missing to two readers
    before = f"dataset {params.dataset.name} in {params.dataset.root}: "
    return list_of_problems.in_one_line(
        before, problems, f". Every class needs train samples, {needs}"
    )


def _writing(params: Params) -> ModuleType:
    return import_module(f"stages.prepare.write_{params.rules.inputs}")


def _write_targets(
    folder: Path, split: Split, source: Source, rows_N: Ints, fingerprint: Fingerprint
) -> None:
    targets_N = source.targets_N[rows_N]
    artifacts.save_targets(folder, split, targets_N)
    artifacts.save_sample_ids(folder, split, [source.sample_ids[row] for row in rows_N])
    arrays: list[Array] = [targets_N]
    if source.boxes is not None:
        boxes = source.boxes.of(rows_N)
        artifacts.save_boxes(folder, split, boxes)
        arrays = list(vars(boxes).values())  # what splits the data is learnt by no model
    for array in arrays:
        fingerprint.begin(array.dtype, array.shape)
        fingerprint.add(array)


def _meta(
    params: Params,
    source: Source,
    inputs: dict[str, Any],
    fingerprint: Fingerprint,
    rows: dict[Split, Ints],
) -> Meta:
    return Meta(
        task=params.task,
        dataset=params.dataset.name,
        class_names=source.class_names,
        **inputs,
        num_samples={split: len(rows[split]) for split in SPLITS},
        fingerprint=fingerprint.hex(),
    )


if __name__ == "__main__":
    command.run(main)
