"""Revisions are read wherever the project lies in its git repository, and whatever it is called."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from pipeline import AUTHOR

from commands.compare.revision_files import experiments, opened
from stages.shared.errors import DataError
from stages.shared.running import resume_folder

# "": the project is the whole repository.
PLACES = ["", "proj", "deep/er", "a b [1] #2 %41 ~c $HOME {x}", "é/日本"]


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def add(path, text):
    """Write a file as `dvc add` leaves it; the command itself takes a second."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    out = f"md5: {digest}\n  size: {len(text)}\n  hash: md5\n  path: {path}\n"
    write(f"{path}.dvc", f"outs:\n- {out}")
    for place in (path, f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"):
        write(place, text)


def git(folder, *arguments):
    subprocess.run(["git", *AUTHOR, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(params=PLACES)
def project(request, tmp_path, monkeypatch):
    """A project of two commits, `old` and `new`, and one before it; the working folder is there.

    params.yaml is git's, subset.csv DVC's.
    """
    for name in ("GLOBAL_CONFIG_DIR", "SITE_CACHE_DIR", "SYSTEM_CONFIG_DIR"):
        monkeypatch.setenv(f"DVC_{name}", str(tmp_path / name))
    top = tmp_path / "top"
    folder = top / request.param
    (folder / ".dvc").mkdir(parents=True)
    git(top, "init", "--quiet")
    git(top, "commit", "--quiet", "--allow-empty", "--message=before")
    git(top, "tag", "before")
    monkeypatch.chdir(folder)
    write(".dvc/config", "")
    write(".dvc/.gitignore", "/cache\n/tmp\n")
    write(".gitignore", "/subset.csv\n")
    for name in ("old", "new"):
        write("params.yaml", f"# {name}\n")
        add("subset.csv", name)
        git(top, "add", "--all")
        git(top, "commit", "--quiet", f"--message={name}")
        git(top, "tag", name)
    return folder


def content(files, path):
    return files.read(lambda root: (root / path).read_text(encoding="utf-8"), path)


def test_files_of_git_and_of_dvcs_cache_are_read_at_any_revision(project):
    with opened("old") as old, opened("new") as new, opened("workspace") as workspace:
        assert content(old, "params.yaml") == "# old\n"
        assert content(old, "subset.csv") == "old"
        assert content(new, "subset.csv") == "new"
        assert content(workspace, "subset.csv") == "new"
        # What is large lies there as a link.
        assert (old._folder / "subset.csv").is_symlink()
    assert experiments() == []
    with pytest.raises(DataError, match="nowhere: unknown Git revision 'nowhere'; it must be"):
        opened("nowhere").__enter__()
    with pytest.raises(DataError, match=r"^before: .* it must be a git revision"):
        opened("before").__enter__()


@pytest.mark.parametrize("place", ["", "proj", "deep/er"])
def test_experiments_in_temporary_workspaces_share_the_resume_folder(tmp_path, monkeypatch, place):
    """DVC clones the whole repository there, and works in the project's folder of it."""
    monkeypatch.delenv("SUBSET_RESUME", raising=False)
    workspace = tmp_path / "proj/.dvc/tmp/exps/tmp1234" / place
    workspace.mkdir(parents=True)
    monkeypatch.chdir(workspace)
    assert resume_folder.folder() == tmp_path / "proj/.resume"
