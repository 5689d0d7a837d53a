"""Tests for stages/shared/artifacts/files.py."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy import ROOT

from stages.shared.artifacts import files
from stages.shared.artifacts.files import atomic, atomic_folder, write_atomically


def test_a_file_that_fails_half_way_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_atomically(path, b"old")

    def write_half() -> None:
        with atomic(path) as temporary:
            temporary.write_bytes(b"ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_half_way_never_appears(tmp_path):
    def write_half() -> None:
        with atomic_folder(tmp_path / "a") as temporary:
            (temporary / "part").write_bytes(b"1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    assert not list(tmp_path.iterdir())


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    for content in (b"1", b"2"):
        with atomic_folder(tmp_path / "deep" / "a") as temporary:
            (temporary / "part").write_bytes(content)

    assert (tmp_path / "deep/a/part").read_bytes() == b"2"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a"]


def test_files_are_as_open_as_any_other(tmp_path):
    (tmp_path / "usual").touch()
    write_atomically(tmp_path / "ours", b"")

    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_first_of_two_writers_of_one_folder_wins(tmp_path):
    with atomic_folder(tmp_path / "a", keep_first=True) as late:
        with atomic_folder(tmp_path / "a", keep_first=True) as early:
            (early / "part").write_bytes(b"early")
        (late / "part").write_bytes(b"late")

    assert (tmp_path / "a/part").read_bytes() == b"early"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_files_that_a_folder_links_to_are_left_alone(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("stages.shared.artifacts.files._sync", synced.append)
    (tmp_path / "theirs").write_bytes(b"1")

    with atomic_folder(tmp_path / "a") as temporary:
        (temporary / "ours").write_bytes(b"2")
        (temporary / "link").symlink_to(tmp_path / "theirs")

    names = [path.name for path in synced]
    assert "ours" in names
    assert "link" not in names
    assert (tmp_path / "a/link").read_bytes() == b"1"


def test_files_and_the_names_of_folders_are_on_the_disk_when_a_block_is_over(tmp_path, monkeypatch):
    order = []
    real = os.fsync, Path.replace, Path.rename

    def fsync(descriptor):
        order.append(Path(f"/proc/self/fd/{descriptor}").readlink().name[:3])
        real[0](descriptor)

    def renamed(self, target):
        order.append(f"rename {target.name}")
        return real[2](self, target)

    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here, which names what is synchronised")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", renamed)
    monkeypatch.setattr(Path, "rename", renamed)
    (tmp_path / "top").mkdir()

    write_atomically(tmp_path / "top/a", b"1")
    assert order == [".a.", "rename a", "top"]

    order.clear()
    with atomic_folder(tmp_path / "top/b") as temporary:
        (temporary / "inside").mkdir()
        write_atomically(temporary / "inside/part", b"1")
    assert order == ["rename part", "ins", "par", ".b.", "rename b", "top"]


def test_the_old_folder_is_there_until_the_new_one_is_complete_and_back_if_that_fails(
    tmp_path, monkeypatch
):
    folder = tmp_path / "a"
    with atomic_folder(folder) as temporary:
        (temporary / "part").write_bytes(b"old")
    rename = Path.rename

    def failing(self, target):
        if (self / "part").read_bytes() == b"new":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)

    def write_new() -> None:
        with atomic_folder(folder) as temporary:
            (temporary / "part").write_bytes(b"new")
            assert (folder / "part").read_bytes() == b"old"

    with pytest.raises(OSError, match="No space left"):
        write_new()
    assert (folder / "part").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [folder]


KILLED_WHILE_WRITING = """
import os
from pathlib import Path
from stages.shared.artifacts.files import atomic, atomic_folder
with atomic(Path("0.5")), atomic_folder(Path("0.25")) as folder:
    (folder / "part").write_bytes(b"1")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_beside_a_path_is_removed_and_nothing_else(tmp_path):
    subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_WRITING],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    left = sorted(path.name.split(".")[2] for path in tmp_path.iterdir())
    kept = [tmp_path / name for name in (".0.5", ".0.5.csv.abcdefgh.unfinished", "0.5")]
    for path in kept:
        path.touch()
    assert left == ["25", "5"]

    files.remove_unfinished([tmp_path / "0.5", tmp_path / "0.25", tmp_path / "absent/0.5"])

    assert sorted(tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize("name", [".gitignore", ".dvcignore"])
def test_what_is_left_is_in_no_commit_and_in_no_hash_of_dvc(name):
    assert f".*{files.SUFFIX}" in (ROOT / name).read_text().splitlines()


@pytest.mark.parametrize(
    ("code", "filename", "line"),
    [
        (
            errno.ENOSPC,
            "data/.signals.a1b2c3_9.unfinished/votes_MN.npy",
            "data/signals/votes_MN.npy: No space left on device; free some space",
        ),
        (
            errno.EFBIG,
            ".0.5.csv.abcdefgh.unfinished",
            "0.5.csv: File too large; its disk and `ulimit -f` must allow larger files",
        ),
        (errno.EROFS, "data", "data: Read-only file system; it must be writable"),
        (
            errno.EACCES,
            "/data/x",
            "/data/x: Permission denied; whoever runs the stage must be allowed to",
        ),
        (
            errno.EDQUOT,
            None,
            "a temporary file: Disk quota exceeded; free some space, or ask for a larger quota",
        ),
    ],
)
def test_a_write_that_fails_is_one_line_with_the_name_the_file_would_have_had(code, filename, line):
    error = OSError(code, os.strerror(code), filename)

    assert files.describe(error) == f"{line}. Then run `dvc repro` again"


def test_other_errors_of_the_system_are_none_of_the_users():
    assert files.describe(OSError(errno.EBADF, "Bad file descriptor")) is None
    assert files.describe(OSError("cannot identify image file")) is None


# Each way of writing, where no file may have more than 4096 bytes.
WRITE_TOO_MUCH = """
import os, resource, sys
import numpy as np
from pathlib import Path
from stages.shared import artifacts
from stages.shared.artifacts import files

def write_part(folder):
    with files.atomic_folder(folder) as temporary:
        (temporary / "part").write_bytes(bytes(5000))

def write_map(folder):
    with files.atomic_folder(folder) as temporary:
        artifacts.create_array(temporary / "a.npy", np.uint8, [5000])

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for write in (
    lambda path: files.write_atomically(path, bytes(5000)),
    lambda path: artifacts.save_array(path, np.zeros(5000, np.uint8)),
    write_part,
    write_map,
):
    try:
        write(Path("out/a"))
    except OSError as error:
        print(files.describe(error))
    print(os.listdir("out"))
"""


def test_every_way_of_writing_names_the_file_that_grew_too_large_and_leaves_nothing(tmp_path):
    shown = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )

    lines = shown.stdout.splitlines()
    assert lines[1::2] == ["[]"] * 4
    assert all(line.startswith("out/a: File too large; ") for line in lines[::2]), lines
