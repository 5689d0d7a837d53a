"""List the files of the data set."""

import os
import sys
from pathlib import Path

from stages.listing import checksums, given_weights
from stages.shared import artifacts, datasets
from stages.shared.artifacts.files import write_atomically
from stages.shared.datasets.reading import sample_files, visible_files
from stages.shared.datasets.reading.problems import in_one_line
from stages.shared.errors import DataError, printable
from stages.shared.running import command
from stages.shared.running.workspace import located
from stages.shared.settings.params import Params, load_params
from stages.shared.settings.sections import Dataset

HEADER = ["path", "size", "mark"]
# What a data set calls that is generated, or downloaded and held against checksums: all others are
# files of the user's.
OF_NO_FILES = ("refuse_file_params(", "load_torchvision(")
IN_FOLDERS = frozenset(("imagefolder",))  # of classes, or in a manifest


def main(listing: Path, weights: Path) -> None:
    """List the files of the data set, and those of weights."""
    params = load_params()
    artifacts.check_lists(params)  # whichever stage reads them later: nothing else runs each time
    for path, table in tables(params, listing, weights, remember=True).items():
        if table is not None and not (path.is_file() and path.read_bytes() == table):
            write_atomically(path, table)


def tables(
    params: Params, listing: Path, weights: Path, *, remember: bool
) -> dict[Path, bytes | None]:
    """Return what both tables hold, as `content` does."""
    return {
        listing: content(params, listing, remember=remember),
        weights: given_weights.content(params, weights, remember=remember),
    }


def content(params: Params, listing: Path, *, remember: bool) -> bytes | None:
    """Return what the listing holds; None: it stays as it is, since the data set is not here.

    Args:
        params: whose data set it is.
        listing: the listing that was written before.
        remember: keep checksums in the resume folder.

    Raises:
        DataError: the data set is not where it must be, or files cannot be read.
    """
    dataset = params.dataset
    if brings_its_own(params.task, dataset.name):
        return artifacts.table_bytes(HEADER, [])
    root = located(dataset.root)
    if not os.path.isdir(root) and _is_of(listing, dataset):  # noqa: PTH112 - takes any text
        sys.stderr.write(
            f"warning: dataset.root, {printable(dataset.root)}, is not here; what was prepared of "
            "it before is used\n"
        )
        return None
    names = _names(dataset, root)
    marks, problems = checksums.marks(root, names, dataset.watch, remember=remember)
    if problems:
        before = f"dataset {dataset.name} in {dataset.root}: "
        raise DataError(in_one_line(before, problems, ". Mend these files, or take them out"))
    rows = [(name, *mark) for name, mark in zip(names, marks, strict=True)]
    return artifacts.table_bytes(HEADER, [(dataset.root, "", ""), *rows])


def brings_its_own(task: str, name: str) -> bool:
    """Return whether a data set has no files of the user's."""
    path = Path(datasets.__path__[0]) / task / f"{name}.py"
    # Not imported: that would take seconds each time.
    text = path.read_text(encoding="utf-8")
    return any(call in text for call in OF_NO_FILES)


def _names(dataset: Dataset, root: Path) -> list[str]:
    """Return the paths of all files below root, in order."""
    visible_files.require_folder(root)
    if dataset.name in IN_FOLDERS:
        found = sample_files.find(root, dataset, sample_files.EXTENSIONS)
        return sorted(entry.sample_id for entry in found.entries)
    return sorted(visible_files.files_below(str(root)))


def _is_of(listing: Path, dataset: Dataset) -> bool:
    """Return whether an earlier listing is of this data set."""
    if not listing.exists():
        return False
    rows = artifacts.load_table(listing, HEADER)
    return bool(rows) and rows[0][0] == dataset.root


if __name__ == "__main__":
    command.run(main)
