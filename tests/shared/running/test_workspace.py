"""What lies in the project alone is found from DVC's temporary workspaces."""

import os
from pathlib import Path

import pytest

from stages.shared.running.workspace import located, main_folder


@pytest.fixture(params=["project", "repository", "inside"])
def places(request, tmp_path, monkeypatch):
    """A project and a temporary workspace of it, by where git and DVC begin."""
    project = tmp_path / "top"
    dvc, inside = {
        "project": (project, ""),
        "repository": (project / "sub", "sub"),  # DVC in a folder of a larger repository
        "inside": (project, "sub"),  # DVC at the top, the pipeline in a folder
    }[request.param]
    workspace = dvc / ".dvc/tmp/exps/tmpabc" / inside
    own = project if request.param == "project" else project / "sub"
    for folder in (own, workspace):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dvc.yaml").write_text("")
    (own / "data/raw/images").mkdir(parents=True)
    (own / "data/raw/images/1.png").write_text("")
    monkeypatch.chdir(workspace)
    return own, workspace


def test_what_git_does_not_know_is_that_of_the_project(places):
    own, _ = places
    assert main_folder() == own
    assert located("data/raw/images") == own / "data/raw/images"


def test_what_the_workspace_holds_is_its_own(places):
    Path("data/raw/images").mkdir(parents=True)
    Path("data/raw/images/2.png").write_text("")
    assert located("data/raw/images") == Path("data/raw/images")


def test_what_git_keeps_beside_the_data_is_no_data(places):
    own, _ = places
    Path("data/raw").mkdir(parents=True)
    Path("data/raw/.gitignore").write_text("/images")
    Path("data/raw/images.dvc").write_text("")
    assert located("data/raw") == own / "data/raw"


def test_what_is_nowhere_stays_as_it_was_written(places):
    assert located("data/none") == Path("data/none")


def test_outside_of_workspaces_nothing_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/of")
    Path("empty").mkdir()
    assert main_folder() == tmp_path
    assert [str(located(path)) for path in ("empty", "x/y", "/a b/é", "~/z", "~no body/z")] == [
        "empty",
        "x/y",
        "/a b/é",
        "/home/of/z",
        "~no body/z",
    ]
    assert os.fspath(located("a\0b")) == "a\0b"
