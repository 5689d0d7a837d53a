"""The listing changes when the data set does, and only then."""

import csv
import os
import shutil
import sys
from pathlib import Path

import pytest
import toy

from stages.listing import checksums
from stages.listing.__main__ import brings_its_own, main
from stages.shared.errors import DataError
from stages.shared.running import command

LISTING = Path("data/listing.csv")
WEIGHTS = Path("data/weight_files.csv")


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))
    for number in range(6):
        file = Path("images", "ab"[number % 2], f"{number}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([number] * 10))


def write_params(**dataset):
    content = toy.default_params()
    content["dataset"] |= {"name": "imagefolder", "root": "images", **dataset}
    toy.write_params(Path(), content)


def listed(**dataset):
    """Return what the stage writes."""
    write_params(**dataset)
    main(LISTING, WEIGHTS)
    return LISTING.read_bytes()


def paths(content):
    text = content.decode("utf-8", "surrogateescape")
    return [row[0] for row in csv.reader(text.splitlines()[1:])]


def test_every_file_stands_there_with_its_size_and_what_it_holds():
    rows = [line.split(",") for line in listed().decode().splitlines()]
    assert rows[:2] == [["path", "size", "mark"], ["images", "", ""]]
    assert [row[0] for row in rows[2:]] == [
        *("a/0.png", "a/2.png", "a/4.png"),
        *("b/1.png", "b/3.png", "b/5.png"),
    ]
    assert {row[1] for row in rows[2:]} == {"10"}
    assert len({row[2] for row in rows[2:]}) == 6


def add():
    Path("images/a/9.png").write_bytes(b"nine")


def edit_and_give_back_the_time():
    path = Path("images/a/0.png")
    before = path.stat()
    path.write_bytes(b"another content"[:10])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap_two():
    first, second = Path("images/a/0.png"), Path("images/b/1.png")
    first.rename("x")
    second.rename(first)
    Path("x").rename(second)


CHANGES = {
    "a file more": add,
    "a file less": lambda: Path("images/a/0.png").unlink(),
    "a name": lambda: Path("images/a/0.png").rename("images/a/00.png"),
    "a class": lambda: Path("images/a/0.png").rename("images/b/0.png"),
    "a content": lambda: Path("images/a/0.png").write_bytes(b"another content"[:10]),
    "a content at the same time": edit_and_give_back_the_time,
    "two names": swap_two,
    "a file within a linked class": lambda: Path("store/new.png").write_bytes(b"new"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_files_is_a_change_of_the_listing(change):
    Path("store").mkdir()
    Path("store/1.png").write_bytes(b"linked")
    Path("images/linked").symlink_to("../store")
    before = listed()
    change()
    assert listed() != before


def touch():
    for path in Path("images").rglob("*.png"):
        os.utime(path, ns=(1, 1))


def copy_elsewhere_and_back():
    shutil.copytree("images", "copy")
    shutil.rmtree("images")
    shutil.move("copy", "images")


def add_what_is_no_sample():
    for name in ("a/.DS_Store", "a/Thumbs.db", "@eaDir/a/0.png", "__MACOSX/a/0.png", ".x/0.png"):
        path = Path("images", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"junk")


def damage_the_resume_folder():
    for path in Path("resume").rglob("*.json"):
        path.write_text('{"a/0.png": 3')


SAME = {
    "times": touch,
    "copies of all": copy_elsewhere_and_back,
    "what is no sample": add_what_is_no_sample,
    "no resume folder": lambda: shutil.rmtree("resume"),
    "a damaged resume folder": damage_the_resume_folder,
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_changes_no_sample_changes_no_byte(change):
    before = listed()
    change()
    assert listed() == before


def test_known_by_times_no_file_is_read_and_a_new_time_is_a_change(monkeypatch):
    monkeypatch.setattr(checksums, "_checksum", lambda path: pytest.fail("is read"))
    before = listed(watch="times")
    assert listed(watch="times") == before
    touch()
    assert listed(watch="times") != before


def test_a_file_is_read_once(monkeypatch):
    monkeypatch.setattr(checksums, "CLOCK_NS", 0)
    before, read = listed(), []
    checksum = checksums._checksum
    monkeypatch.setattr(checksums, "_checksum", lambda path: read.append(path) or checksum(path))
    assert listed() == before
    add()
    listed()
    listed()
    assert [Path(path).name for path in read] == ["9.png"]


def test_weights_among_the_images_are_read_once_too(monkeypatch):
    """Each is listed by itself, and known in the same folder."""
    monkeypatch.setattr(checksums, "CLOCK_NS", 0)
    names = (["1.png", "2.png"], ["weights.pth"])
    root = Path("beside")
    root.mkdir()
    for name in [*names[0], *names[1]]:
        (root / name).write_text(name)
    for some in names:
        checksums.marks(root, some, "contents", remember=True)
    read = []
    monkeypatch.setattr(checksums, "_checksum", read.append)
    for some in names:
        checksums.marks(root, some, "contents", remember=True)
    assert read == []


def test_what_is_no_file_is_a_problem_and_not_waited_for():
    root = Path("odd")
    root.mkdir()
    os.mkfifo(root / "pipe")
    _, problems = checksums.marks(root, ["pipe"], "contents", remember=False)
    assert problems == ["'pipe' is no file"]


def test_a_file_that_was_just_written_is_read_again(monkeypatch):
    monkeypatch.setattr(checksums, "CLOCK_NS", 10**12)
    listed()
    read = []
    monkeypatch.setattr(checksums, "_checksum", lambda path: read.append(path) or "0")
    listed()
    assert len(read) == 6


@pytest.mark.parametrize("name", [b"a b.png", b"line\nbreak.png", b"\xff.png", b'"q",[#%.png'])
def test_names_of_any_kind_are_listed(name):
    before = listed()
    Path("images/a", os.fsdecode(name)).write_bytes(b"odd")
    after = listed()
    assert after != before
    assert listed() == after


# --- which files ---------------------------------------------------------------------------------


def test_a_manifest_lists_its_own_files_alone():
    Path("list.csv").write_text("path,label,split\n./a/0.png,x,\nb\\1.png,y,\n")
    content = listed(manifest="list.csv")
    assert paths(content) == ["images", "a/0.png", "b/1.png"]
    remove_unlisted = Path("images/b/5.png")
    remove_unlisted.unlink()
    assert listed(manifest="list.csv") == content


@pytest.mark.parametrize(
    ("task", "name"),
    [("text_classification", "reviews"), ("object_detection", "voc"), ("image_classification", "")],
)
def test_of_other_data_sets_of_the_users_all_files_count(task, name, monkeypatch):
    from stages.listing import __main__ as stage

    write_params()
    dataset = stage.load_params().dataset.model_copy(update={"name": name or "of_somebody"})
    Path("images/train.csv").write_text("1,a,b")
    Path("images/.hidden").write_text("")
    Path("images/above").symlink_to("..")
    found = stage._names(dataset, Path("images"))
    assert "train.csv" in found
    assert "a/0.png" in found
    assert ".hidden" not in found
    # A link is followed, once, and never round in a circle.
    assert len(found) == len(set(found)) < 60


@pytest.mark.parametrize("root", ["data/raw", "/nowhere/at all", "images"])
def test_a_data_set_without_files_of_the_users_has_an_empty_listing(root):
    assert listed(name="digits", root=root) == b"path,size,mark\n"


def test_some_data_sets_are_generated_or_downloaded_and_the_others_read_files_of_the_users():
    names = {
        ("image_classification", True): ("digits", "cifar10", "cifar100", "mnist", "fashion_mnist"),
        ("image_classification", False): ("imagefolder", "huggingface_images"),
        ("object_detection", True): ("digit_scenes",),
        ("object_detection", False): ("coco", "labelimg", "voc", "yolo"),
        ("text_classification", False): ("reviews", "huggingface_texts", "amazon_full"),
        ("vector_classification", True): ("digit_vectors",),
        ("vector_classification", False): ("embeddings",),
    }
    for (task, expected), of_task in names.items():
        assert {brings_its_own(task, name) for name in of_task} == {expected}, task


# --- what is refused before anything is removed --------------------------------------------------


def test_a_root_that_is_not_here_keeps_what_was_listed_of_it(capsys):
    before = listed()
    Path("images").rename("elsewhere")
    main(LISTING, WEIGHTS)
    assert LISTING.read_bytes() == before
    assert capsys.readouterr().err == (
        "warning: dataset.root, images, is not here; what was prepared of it before is used\n"
    )


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ("imagse", "dataset.root is 'imagse': no such folder"),
        ("images/a/0.png", "dataset.root is 'images/a/0.png': a file"),
        ("images/a", "no image found in the folders .3 files lie in none"),
        ("~no one/images", "dataset.root is '~no one/images': no such folder"),
        ("a\0b", "no such folder"),
        ("x" * 300, "no such folder"),
        ("nowhere/[a]#%20 é", "no such folder"),
    ],
)
def test_a_wrong_root_is_refused_and_the_old_listing_stays(root, says):
    before = listed()
    with pytest.raises(DataError, match=says):
        listed(root=root)
    assert LISTING.read_bytes() == before


def test_a_root_that_dvc_has_says_how_to_get_it():
    Path("pictures.dvc").write_text("outs: []")
    with pytest.raises(DataError, match=r"`dvc checkout pictures.dvc` or `dvc pull pictures.dvc`"):
        listed(root="pictures")


def test_the_home_may_be_written_short(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths(listed(root="~/images")) == ["~/images", *paths(listed())[1:]]


def test_all_files_that_cannot_be_read_are_named_in_one_pass(monkeypatch, capsys):
    for number in range(45):
        Path(f"images/a/gone {number}.png").symlink_to("/nowhere")
    write_params()
    monkeypatch.setattr(sys, "argv", ["listing", str(LISTING), "data/weight_files.csv"])
    with pytest.raises(SystemExit):
        command.run(main)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.count("cannot be read (No such file or directory)") == 20
    assert "and 25 more (all 45 are in data/problems.txt). Mend these files" in said
    lines = Path("data/problems.txt").read_text().splitlines()
    assert len(lines) == 45
    assert lines[0] == "'a/gone 0.png' cannot be read (No such file or directory)"
