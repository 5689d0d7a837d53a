"""Where subsets are exported."""

import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, beside one of images."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path
