"""Two finished runs as revisions, without git and DVC."""

import csv
import io
import shutil
from pathlib import Path

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from stages.report.changes.files import Files
from stages.shared import artifacts


@pytest.fixture
def files_of(tmp_path):
    """Return the files below a folder as those of a revision."""

    def of(name, root):
        source = DirFileSystem(path=str(root), fs=LocalFileSystem())
        return Files(name, tmp_path / f"laid-{name}", source)

    return of


@pytest.fixture
def first(finished, tmp_path):
    """The folder of a finished run; its train split is 0, 1, ... 79."""
    shutil.copytree(finished.root, tmp_path / "first")
    test_ids = [f"test-{row}" for row in range(60)]
    artifacts.save_sample_ids(tmp_path / "first/data/prepared", "test", test_ids)
    return tmp_path / "first"


@pytest.fixture
def second(first, tmp_path):
    """The same run, to be changed."""
    shutil.copytree(first, tmp_path / "second")
    return tmp_path / "second"


@pytest.fixture
def rows_of():
    """Return the rows of a table of Markdown as lists of cells."""

    def of(text, title):
        table = text.partition(f"{title}\n")[2].partition("| ")[2].partition("\n\n")[0]
        lines = io.StringIO("| " + table)
        return [[cell.strip() for cell in row[1:-1]] for row in csv.reader(lines, delimiter="|")]

    return of


def picks_of(root: Path) -> list[int]:
    """Return what the last round of a run selected."""
    return artifacts.load_subset(root / "data/subsets/0.25.csv", 80).index_P.tolist()
