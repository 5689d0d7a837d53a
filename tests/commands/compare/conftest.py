"""Two finished runs as revisions, without git and DVC."""

import shutil

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from commands.compare.revision_files import Files
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
