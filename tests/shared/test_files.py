"""Tests for stages/shared/files.py."""

import pytest

from stages.shared.files import atomic, atomic_folder, write_atomically


def test_a_file_that_fails_half_way_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_atomically(path, b"old")

    with pytest.raises(RuntimeError), atomic(path) as temporary:
        temporary.write_bytes(b"ne")
        raise RuntimeError

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_half_way_never_appears(tmp_path):
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "a") as temporary:
        (temporary / "part").write_bytes(b"1")
        raise RuntimeError

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
