"""Tests for stages/shared/files.py."""

import pytest

from stages.shared.files import atomic, atomic_folder, write_atomically


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
    monkeypatch.setattr("stages.shared.files._sync", synced.append)
    (tmp_path / "theirs").write_bytes(b"1")

    with atomic_folder(tmp_path / "a") as temporary:
        (temporary / "ours").write_bytes(b"2")
        (temporary / "link").symlink_to(tmp_path / "theirs")

    assert [path.name for path in synced] == ["ours"]
    assert (tmp_path / "a/link").read_bytes() == b"1"
