"""Folders as people have them: read for what they are, or refused; never in silence something else.

Prepare and the plan read them alike.
"""

import os
import unicodedata
from pathlib import Path

import pytest
import toy
from PIL import Image

from commands.plan import data_sets
from commands.plan.graph import Stage
from stages.listing.__main__ import content as listing_of
from stages.prepare.__main__ import main as prepare
from stages.shared import artifacts
from stages.shared.datasets.reading.entries import clean, split_of
from stages.shared.errors import ArtifactError, DataError
from stages.shared.settings.params import check_params, load_params


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_LOADERS", "1")
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))


def write(*folders, num=8, root="images"):
    for place, folder in enumerate(folders):
        for row in range(num):
            path = Path(root, folder, f"{row}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (2, 2), (place, row, 0)).save(path)


def params(**dataset):
    written = toy.default_params()
    written["dataset"] |= {
        **{"name": "imagefolder", "root": "images", "validation_fraction": 0.25},
        **dataset,
    }
    toy.write_params(Path(), written)
    return written


def classes_and_counts(**dataset):
    """Return the classes and the number of samples of each split, the same by prepare and plan."""
    written = params(**dataset)
    planned = data_sets.load_data(
        check_params(written), [Stage("prepare", ["prepared", ""], "changed", "", True)]
    )
    prepare(Path("prepared"), Path("scratch"))
    meta = artifacts.load_meta(Path("prepared"))
    assert planned.num_samples == meta.num_samples
    assert planned.meta.num_classes == meta.num_classes
    return meta.class_names, meta.num_samples


def refused(**dataset):
    """Return the line that prepare, the plan and the listing refuse the data with."""
    written = params(**dataset)
    stage = Stage("prepare", ["prepared", ""], "changed", "", True)
    lines = set()
    for refuse in (
        lambda: prepare(Path("prepared"), Path("scratch")),
        lambda: data_sets.load_data(check_params(written), [stage]),
        lambda: listing_of(load_params(), Path("data/listing.csv"), remember=False),
    ):
        with pytest.raises(DataError) as caught:
            refuse()
        lines.add(str(caught.value))
    (line,) = lines
    assert "\n" not in line
    return line


# --- splits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Train", "Test"),
        ("TRAIN", "TEST"),
        ("Training", "Testing"),
        ("training_set", "test_set"),
        ("train_images", "test images"),
        ("Train-Data", "testdata"),
        (" train", "test "),
    ],
)
def test_splits_are_known_by_their_words_in_any_case(train, test):
    write(f"{train}/cat", f"{train}/dog")
    write(f"{test}/cat", f"{test}/dog", num=3)
    found = classes_and_counts()
    assert found == (["cat", "dog"], {"train": 12, "validation": 4, "test": 6})


@pytest.mark.parametrize("word", ["val", "Valid", "VALIDATION", "dev", "Dev_set", "valid-images"])
def test_validation_has_several_words(word):
    write("Train/cat", "Train/dog", "Test/cat", "Test/dog")
    write(f"{word}/cat", f"{word}/dog", num=2)
    assert classes_and_counts()[1] == {"train": 16, "validation": 4, "test": 16}


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("Training Set", "train"),
        ("tRaIn", "train"),
        ("testing", "test"),
        ("dev", "validation"),
        ("trainer", None),
        ("test tube", None),
        ("train2", None),
        ("", None),
        ("set", None),
    ],
)
def test_a_word_is_a_split_or_none(word, split):
    assert split_of(word) == split


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        (["Train/a", "train/a", "test/a"], "holds Train and train; one is allowed"),
        (["Train/a", "dev/a", "Valid/a"], "holds Valid and dev; one is allowed"),
        (["Testing/a", "Dev/a"], "holds Dev, Testing without train"),
        (["Training", "Testing"], "'Testing', 'Training' hold images and no folders of classes"),
        (["seg_train/seg_train/a", "seg_test/seg_test/a"], "of which some look like splits"),
        (["cat/train", "cat/test", "dog/train", "dog/test"], "of which some look like splits"),
        (["cat/Training", "cat/Valid", "dog/Training"], "of which some look like splits"),
        (["data/train/a", "data/test/a"], "dataset.root must probably be 'images/data'"),
        (["data/cat", "data/dog"], "'data', which holds folders ('cat', 'dog')"),
        (["train/all/cat", "train/all/dog"], "must probably be 'images/train/all'"),
    ],
)
def test_a_layout_that_was_guessed_wrongly_is_refused(folders, says):
    write(*folders)
    assert says in refused()


@pytest.mark.parametrize(
    "folders",
    [
        ["Entrenamiento/cat", "Entrenamiento/dog", "Prueba/cat", "Prueba/dog"],
        ["fold1/0", "fold1/1", "fold2/0", "fold2/1"],
        ["batch a/x/cat", "batch a/y/dog", "batch b/x/cat", "batch b/y/dog"],
    ],
)
def test_classes_that_hold_the_same_folders_are_warned_of(folders, capsys):
    write(*folders)
    classes, _ = classes_and_counts()
    assert len(classes) == 2
    said = capsys.readouterr().err
    assert "the former are splits or parts of the data" in said
    assert said.startswith("warning: images: ")


@pytest.mark.parametrize(
    "folders",
    [
        ["cat/images", "dog/images"],  # as tiny ImageNet has it
        ["cat/left", "dog/right"],
        ["train", "test", "plane"],
        ["train_station", "test_tube", "valid_ticket"],
        ["cat", "dog/old", "dog/young"],
        ["0", "1", "10"],
    ],
)
def test_classes_that_only_look_odd_are_classes_without_a_word(folders, capsys):
    write(*folders)
    classes, _ = classes_and_counts()
    assert set(classes) == {folder.split("/")[0] for folder in folders}
    assert capsys.readouterr().err == ""


def test_what_lies_beside_splits_is_named_with_how_the_folders_were_read(capsys):
    write("Train/cat", "Train/dog", "holdout/cat")
    classes_and_counts()
    line = (
        "images: left out 1 files or folders that are no images of a class, such as 'holdout'; "
        "read as {Train}/<class>/*\n"
    )
    assert capsys.readouterr().err == 2 * line  # of the plan and of prepare


# --- classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ((" cat", "cat", "dog"), ["cat", "dog"]),
        (("cat", "cat ", "dog\t"), ["cat", "dog"]),
        (("\u00a0cat", "cat", "dog"), ["cat", "dog"]),
        (
            (unicodedata.normalize("NFD", "é"), unicodedata.normalize("NFC", "é"), "dog"),
            ["dog", "é"],
        ),
    ],
)
def test_one_class_has_one_name(names, classes):
    write(*names)
    found, counts = classes_and_counts()
    assert found == classes
    assert sum(counts.values()) == 24
    ids = [
        name
        for split in artifacts.SPLITS
        for name in artifacts.load_sample_ids(Path("prepared"), split)
    ]
    assert {name.rpartition("/")[0] for name in ids} == {*names}  # the files are found


def test_names_in_train_and_test_are_made_alike_too():
    write("train/ cat", "train/dog", "test/cat", "test/dog ")
    assert classes_and_counts()[0] == ["cat", "dog"]


def test_a_and_capital_a_are_two_classes_with_a_warning(capsys):
    write("a", "A", "b")
    assert classes_and_counts()[0] == ["A", "a", "b"]
    assert "differ in upper and lower case alone are classes of their own: 'A', 'a'" in (
        capsys.readouterr().err
    )


def test_a_name_of_spaces_alone_is_no_class(capsys):
    write("cat", "dog", "  ")
    assert classes_and_counts()[0] == ["cat", "dog"]
    assert "such as '  '" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["\udcff", "é [1] #%$", "猫", "🐱", "x" * 200])
def test_odd_names_stay_as_they_are(name):
    assert clean(f" {name}\n") == name
    write(name, "dog")
    assert set(classes_and_counts()[0]) == {name, "dog"}


# --- what machines leave among files -------------------------------------------------------------

JUNK = [
    "@eaDir/cat/thumb.png",
    "cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.png",
    "__MACOSX/cat/._1.png",
    "__MACOSX/images/cat/1.png",
    ".ipynb_checkpoints/1-checkpoint.png",
    "cat/.ipynb_checkpoints/1-checkpoint.png",
    "cat/._1.png",
    "cat/.DS_Store",
    "cat/Thumbs.db",
    "cat/desktop.ini",
    "#recycle/cat/1.png",
    "$RECYCLE.BIN/1.png",
    "lost+found/1.png",
    ".thumbnails/large/1.png",
    "cat/.git/1.png",
    "@Recycle/cat/1.png",
    "cat/@Recently-Snapshot/1.png",
    "RECYCLER/1.png",
    "FOUND.000/1.png",
    "Network Trash Folder/1.png",
    "Temporary Items/1.png",
    "__pycache__/1.png",
    "_gsdata_/1.png",
]


@pytest.mark.parametrize("layout", ["", "Train/"])
def test_junk_is_no_sample_and_no_class(layout, capsys):
    write(f"{layout}cat", f"{layout}dog")
    for junk in JUNK:
        path = Path("images", layout, junk)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Path(f"images/{layout}dog/1.png").read_bytes())
    classes, counts = classes_and_counts()
    assert classes == ["cat", "dog"]
    assert sum(counts.values()) == 16
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("place", ["pipe", "cat/pipe.png", "cat/folder/pipe.png"])
def test_a_pipe_among_the_images_is_nothing_to_wait_for(place, capsys):
    write("cat", "dog")
    Path("images", place).parent.mkdir(exist_ok=True)
    os.mkfifo(Path("images", place))
    assert sum(classes_and_counts()[1].values()) == 16
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("names", "is_warned_of"),
    [
        (("images", "masks"), True),
        (("Images", "annotations"), True),
        (("images", "cat"), False),
        (("mask", "no_mask"), False),
    ],
)
def test_classes_called_as_the_parts_of_another_form_are_warned_of(names, is_warned_of, capsys):
    write(*names)
    classes_and_counts()
    assert ("of another form" in capsys.readouterr().err) == is_warned_of


# --- links ---------------------------------------------------------------------------------------


def link_classes():
    write("cat", "dog", root="store")
    Path("images").mkdir()
    for name in ("cat", "dog"):
        Path("images", name).symlink_to(f"../store/{name}")


def link_files():
    write("cat", "dog", root="store")
    for name in ("cat", "dog"):
        Path("images", name).mkdir(parents=True)
        for row in range(8):
            Path("images", name, f"{row}.png").symlink_to(f"../../store/{name}/{row}.png")


def link_root():
    write("cat", "dog", root="store")
    Path("images").symlink_to("store")


def link_splits():
    write("cat", "dog", root="store")
    Path("images").mkdir()
    Path("images/Training").symlink_to("../store")


def link_to_links():
    link_classes()
    Path("images").rename("first")
    Path("images").mkdir()
    for name in ("cat", "dog"):
        Path("images", name).symlink_to(f"../first/{name}")


@pytest.mark.parametrize("make", [link_classes, link_files, link_root, link_splits, link_to_links])
def test_folders_of_links_are_read(make):
    make()
    classes, counts = classes_and_counts()
    assert classes == ["cat", "dog"]
    assert sum(counts.values()) == 16


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("broken", "/nowhere"),
        ("itself", "itself"),
        ("above", ".."),
        ("here", "."),
        ("cat/above", ".."),
        ("cat/itself.png", "."),
        ("cat/other", "../dog"),
        ("a file", "cat/1.png"),
    ],
)
def test_links_that_lead_nowhere_or_round_in_a_circle_are_left_out_with_a_word(
    link, target, capsys
):
    write("cat", "dog")
    Path("images", link).symlink_to(target)
    classes, counts = classes_and_counts()
    assert classes == ["cat", "dog"]
    assert sum(counts.values()) == 16
    assert f"left out 1 files or folders that are no images of a class, such as '{link}" in (
        capsys.readouterr().err
    )


# --- roots ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "root",
    [
        *("my images", "é", "a[1]", "a#b", "a%20b", "$HOME", ".hidden", "a/../images"),
        *("./images/", "images//", "~", "-", "{x}", "\udcff"),
    ],
)
def test_a_root_may_have_any_name(root, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Path("a").mkdir()
    write("cat", "dog", root="home" if root == "~" else root)
    if os.fsencode(root).isascii() or root == "é":  # JSON has no other bytes
        classes, counts = classes_and_counts(root=root, storage="files")
        assert classes == ["cat", "dog"]
        assert sum(counts.values()) == 16
        assert artifacts.load_file_list(Path("prepared"), "train").root == root


def test_images_without_folders_are_counted_in_the_refusal():
    write("")
    assert "no image found in the folders (8 files lie in none)" in refused()


# --- the manifest --------------------------------------------------------------------------------


def manifest(*rows):
    Path("list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")


FORMS = ["{}", "./{}", "{root}/{}", "x/../{}", "file://{root}/{}", "images/{}"]


@pytest.mark.parametrize("form", FORMS)
def test_a_manifest_may_write_a_path_in_several_ways(form, tmp_path):
    write("a", "b")
    root = tmp_path / "images"
    names = [f"{kind}/{row}.png" for kind in "ab" for row in range(8)]
    manifest(*(f"{form.format(name, root=root)},{name[0]}," for name in names))
    assert sum(classes_and_counts(manifest="list.csv", root=str(root))[1].values()) == 16
    for split in artifacts.SPLITS:
        assert {*artifacts.load_sample_ids(Path("prepared"), split)} <= {*names}


def test_a_manifest_from_windows_is_read():
    write("a", "b")
    manifest(*(rf"{kind}\{row}.png,{kind}," for kind in "ab" for row in range(8)))
    assert sum(classes_and_counts(manifest="list.csv")[1].values()) == 16


def test_a_manifest_may_have_spaces_as_addresses_do():
    write("a b", "c")
    manifest(*(f"{kind}/{row}.png,{kind[0]}," for kind in ("a%20b", "c") for row in range(8)))
    assert sum(classes_and_counts(manifest="list.csv")[1].values()) == 16


def test_a_folder_in_root_that_is_called_as_root_comes_first():
    write("a", "b", "images/a")
    manifest(*(f"{kind}/{row}.png,{kind[0]}," for kind in ("images/a", "b") for row in range(8)))
    classes_and_counts(manifest="list.csv")
    found = [artifacts.load_sample_ids(Path("prepared"), split) for split in artifacts.SPLITS]
    assert {name.rpartition("/")[0] for names in found for name in names} == {"images/a", "b"}


@pytest.mark.parametrize("column", ["", "Unnamed: 0", "__index_level_0__"])
def test_the_row_numbers_that_pandas_saves_are_no_labels(column):
    write("a", "b")
    rows = [f"{row},{kind}/{row}.png,{kind}" for kind in "ab" for row in range(8)]
    Path("list.csv").write_text("\n".join([f"{column},path,label", *rows]))
    assert classes_and_counts(manifest="list.csv")[0] == ["a", "b"]


def test_what_a_manifest_names_must_be_there_and_below_root():
    write("a")
    manifest("a/0,a,", "a/99.png,a,", r"C:\a\0.png,a,", "https://x.org/0.png,a,")
    assert refused(manifest="list.csv") == (
        "list.csv: line 2 has 'a/0', which is not there (did you mean 'a/0.png'?); line 3 has "
        r"'a/99.png', which is not there; line 4 has 'C:\\a\\0.png'; it must be a path below root; "
        "line 5 has 'https://x.org/0.png'; it must be a path below root"
    )


def test_a_manifest_in_the_home_must_be_written_out():
    write("a", "b")
    params(manifest="~/list.csv")
    with pytest.raises(ArtifactError, match=r"missing; .+; write ~ out, since DVC must"):
        listing_of(load_params(), Path("data/listing.csv"), remember=False)


def test_all_wrong_rows_of_a_manifest_are_named_in_one_pass():
    write("a")
    manifest(
        "a/0.png,,train", "../x.png,a,", "/etc/x.png,a,", "a/1.png,a,tset", *2 * ["a/2.png,a,"]
    )
    assert refused(manifest="list.csv") == (
        "list.csv: line 2 is 'a/0.png,,train'; path and label are needed; line 3 has '../x.png'; "
        "it must be a path below root; line 4 has '/etc/x.png'; it must be a path below root; line "
        "5 has the split 'tset'; allowed are dev, test, testing, train, training, val, valid, "
        "validation or none; line 7 names 'a/2.png' again, as line 6 does"
    )


def test_a_manifest_without_rows_means_folders():
    write("a", "b")
    manifest()
    assert classes_and_counts(manifest="list.csv")[0] == ["a", "b"]


# --- all problems --------------------------------------------------------------------------------


def test_a_long_list_is_whole_in_the_file_that_the_line_names_and_gone_when_all_is_well():
    write("cat", "dog", num=60)
    broken = [f"cat/{row}.png" for row in range(45)]
    for name in broken:
        Path("images", name).write_bytes(b"")
    params()
    with pytest.raises(DataError, match=r"and 25 more \(all 45 are in data/problems\.txt\)"):
        prepare(Path("prepared"), Path("scratch"))
    lines = Path("data/problems.txt").read_text().splitlines()
    assert sorted(lines) == sorted(f"'{name}' is no image (it is empty)" for name in broken)
    for name in broken:
        Path("images", name).unlink()
    prepare(Path("prepared"), Path("scratch"))
    assert not Path("data/problems.txt").exists()
