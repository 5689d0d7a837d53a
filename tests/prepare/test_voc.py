"""Folders in the form of Pascal VOC become images with boxes, or one line says what is wrong."""

import os
import unicodedata
from pathlib import Path

import pytest

from stages.shared import artifacts
from stages.shared.artifacts import SPLITS
from stages.shared.datasets.object_detection.voc import load
from stages.shared.errors import DataError, UserError

OBJECT = (
    "<object><name>{}</name><part><name>head</name><bndbox/></part><bndbox><ymin>{}</ymin>"
    "<xmin>{}</xmin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


@pytest.fixture
def write(images):
    """Write an image of 8x6 pixels and its annotation; return the root."""

    def make(name, *found, size=(8, 6), content=None):
        root = images(f"JPEGImages/{name}.png", size=(8, 6))
        (root / "Annotations").mkdir(exist_ok=True)
        width, height = size
        text = f"<annotation><size><width>{width}</width><height>{height}</height></size>"
        # name, xmin, ymin, xmax, ymax
        text += "".join(OBJECT.format(kind, top, *rest) for kind, top, rest in map(_turned, found))
        path = root / f"Annotations/{name}.xml"
        path.write_text(f"{text}</annotation>" if content is None else content)
        return root

    return make


def _turned(found):
    name, left, top, right, bottom = found
    return name, top, (left, right, bottom)


@pytest.fixture
def lists(write):
    """Write lists of names into ImageSets/Main, and five images a to e; return the root."""

    def make(**names):
        for name in "abcde":
            root = write(name, ("cat", 1, 1, 4, 4))
        folder = root / "ImageSets/Main"
        folder.mkdir(parents=True)
        for name, held in names.items():
            (folder / f"{name}.txt").write_text("\n".join(held) + "\n")
        return root

    return make


def test_coordinates_count_from_one_and_hold_their_last_pixel(dataset, write):
    write("b", ("dog", 1, 1, 8, 6), ("cat", 7, 2.5, 7, 3))
    root = write("a")
    source = load(dataset(root=str(root)))
    assert source.sample_ids == ["JPEGImages/a.png", "JPEGImages/b.png"]
    assert source.class_names == ["cat", "dog"]
    assert source.boxes.box_A4.tolist() == [[0, 0, 8, 6], [6, 1.5, 7, 3]]
    assert source.boxes.class_A.tolist() == [1, 0]
    assert source.boxes.count_N.tolist() == [0, 2]
    assert source.given_splits is None
    assert source.problems == []


def test_a_file_that_counts_from_zero_is_cut_to_its_image(dataset, write):
    root = write("a", ("cat", 0, 0, 7, 5))
    source = load(dataset(root=str(root)))
    assert source.boxes.box_A4.tolist() == [[0, 0, 7, 5]]
    assert source.problems == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"train": "ab", "val": "c", "test": "de", "trainval": "abc"}, "ttvee"),
        ({"trainval": "abc", "test": "de"}, "tttee"),
        ({"train": "ab", "val": "c"}, "ttv"),
        ({"train": "ab", "test": "de", "trainval": "ab"}, "ttee"),
        ({"train": "a", "test": "de", "trainval": "abc"}, "tttee"),
        ({"train": "ab", "test": "de"}, "ttee"),
        ({"trainval": "abc"}, None),
        ({"test": "abc"}, None),
    ],
)
def test_the_lists_of_names_are_the_splits(dataset, lists, names, expected):
    source = load(dataset(root=str(lists(**names))))
    letters = {"train": "t", "validation": "v", "test": "e"}
    if expected is None:
        assert source.given_splits is None
        assert len(source.sample_ids) == 5
    else:
        assert "".join(letters[split] for split in source.given_splits) == expected


def test_a_name_that_stands_in_two_lists_is_refused(dataset, lists):
    root = lists(train="ab", test="bc")
    with pytest.raises(DataError, match=r"test.txt: line 1 names 'b', which is in train already"):
        load(dataset(root=str(root)))


@pytest.fixture
def listed(write):
    """Write scenes of these names and lists of these bytes; return the root."""

    def make(names, **lists):
        for name in names:
            root = write(name, ("cat", 1, 1, 4, 4))
        folder = root / "ImageSets/Main"
        folder.mkdir(parents=True)
        for name, content in lists.items():
            (folder / f"{name}.txt").write_bytes(content)
        return root

    return make


ODD_NAMES = ["IMG (1)", "my photo", "a[0]", "50%", "über"]


@pytest.mark.parametrize(
    "written",
    [
        "\n".join,
        "\r\n".join,
        "\r\r\n".join,
        "\r".join,
        lambda names: "\ufeff" + "\n".join(names),
        lambda names: "\n\n".join(f"  {name} \t" for name in names) + "\n\n\n",
        lambda names: "\n".join(f"{name}.PNG" for name in names),
        lambda names: unicodedata.normalize("NFD", "\n".join(names)),
    ],
    ids=["line feeds", "Windows", "twice", "Mac", "mark", "spaces, blank lines", "endings", "NFD"],
)
def test_each_line_of_a_list_is_one_name_whatever_an_editor_made_of_it(dataset, listed, written):
    root = listed(ODD_NAMES, train=written(ODD_NAMES[2:]).encode(), test=b"IMG (1)\nmy photo")
    source = load(dataset(root=str(root)))
    splits = dict(zip(source.sample_ids, source.given_splits, strict=True))
    assert splits == {
        f"JPEGImages/{name}.png": "train" if name in ODD_NAMES[2:] else "test" for name in ODD_NAMES
    }
    assert source.problems == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "a\nüber\n".encode("latin-1"),
            r"train\.txt: line 2 names '.*', which is not there .byte 0x",
        ),
        ("a\n".encode("utf-16"), r"train\.txt: is UTF-16; save it as UTF-8"),
        (b"a\n\nb\na\n", r"train\.txt: line 4 names 'a', which is in train already"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_line(dataset, listed, content, says):
    root = listed(["a", "b", "über"], train=content, test=b"b\n")
    with pytest.raises(UserError, match=says) as caught:
        load(dataset(root=str(root)))
    assert "\n" not in str(caught.value)


def test_names_that_are_no_utf_8_are_found_where_the_files_are_called_so(dataset, listed):
    name = os.fsdecode(b"x\xe9")
    root = listed([name, "b"], train=b"x\xe9\n", test=b"b\n")
    assert load(dataset(root=str(root))).given_splits == ["test", "train"]


def test_endings_of_any_case_are_images_and_annotations(dataset, write):
    root = write("a", ("cat", 1, 1, 4, 4))
    (root / "JPEGImages/a.png").rename(root / "JPEGImages/a.PNG")
    (root / "Annotations/a.xml").rename(root / "Annotations/a.XML")
    source = load(dataset(root=str(root)))
    assert source.sample_ids == ["JPEGImages/a.PNG"]
    assert source.problems == []


def test_two_images_of_one_name_are_a_problem(dataset, write):
    root = write("a", ("cat", 1, 1, 4, 4))
    (root / "JPEGImages/a.bmp").write_bytes((root / "JPEGImages/a.png").read_bytes())
    assert load(dataset(root=str(root))).problems == [
        "'JPEGImages' holds 'a.bmp' and 'a.png'; one is allowed"
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_an_annotation_may_have_any_encoding_that_it_says(dataset, write, encoding):
    text = (
        "<annotation><size><width>8</width><height>6</height></size>"
        f"{OBJECT.format('café ', 1, 1, 4, 4)}</annotation>"
    )
    root = write("a")
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>{text}'
    (root / "Annotations/a.xml").write_bytes(declared.encode(encoding))
    assert load(dataset(root=str(root))).class_names == ["café"]


def test_difficult_objects_are_objects_like_others(dataset, write):
    kind = "cat</name><difficult>1</difficult><pose>x</pose><name>"
    root = write("a", (kind, 1, 1, 4, 4), ("dog", 1, 1, 4, 4))
    assert load(dataset(root=str(root))).class_names == ["cat", "dog"]


def test_folders_that_are_missing_are_named(dataset, tmp_path):
    with pytest.raises(DataError, match=r"JPEGImages: cannot be listed .* voc needs"):
        load(dataset(root=str(tmp_path)))


ENTITIES = """<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>
<annotation><size><width>8</width><height>6</height></size>
<object><name>&x;</name></object></annotation>"""


def test_all_that_is_wrong_stands_in_one_line(dataset, write, lists):
    lists(train="abcde", val=["missing"])
    write("a", ("cat", 1, 1, 20, 4))
    write("b", ("cat", 5, 1, 4, 4))
    write("c", content="<annotation><size>")
    write("d", content=ENTITIES)
    root = write("e", ("cat", "one", 1, 4, 4))
    (root / "JPEGImages/a.png").unlink()
    (root / "JPEGImages/b.png").write_text("text")
    problems = load(dataset(root=str(root))).problems
    for said in (
        "'Annotations/missing.xml' is missing",
        "'JPEGImages/a.jpg' cannot be read (No such file or directory)",
        "'JPEGImages/a.jpg': object 1 ('cat'), from 0, 0 to 20, 4, lies outside its 8x6 pixels",
        "'JPEGImages/b.png' is no image",
        "'JPEGImages/b.png': object 1 ('cat'), from 4, 0 to 4, 4, has no area",
        "'Annotations/c.xml' cannot be read (no element found: line 1, column 18)",
        "'Annotations/d.xml' declares a document type; it must hold elements alone",
        "'Annotations/e.xml' object 1: bndbox/xmin is 'one'; it must be a number",
    ):
        assert said in problems
    assert len(problems) == 8


# --- the stage as a whole -------------------------------------------------------------------------


@pytest.mark.parametrize("storage", ["memory", "files"])
def test_images_and_boxes_of_every_split_are_written_together(prepare, write, storage):
    for number in range(20):
        kind = "cat" if number % 2 else "dog"
        root = write(f"{number:02d}", *[(kind, 1, 1, 1 + number % 8, 6)] * (number % 3))
    folder = prepare("detection_bccd", root=str(root), storage=storage, image_size=[16, 12])
    meta = artifacts.load_meta(folder)
    assert meta.input_shape == [12, 16, 3]
    assert meta.class_names == ["cat", "dog"]
    assert artifacts.has_file_list(folder, "train") == (storage == "files")
    for split in SPLITS:
        boxes = artifacts.load_boxes(folder, split)
        names = artifacts.load_sample_ids(folder, split)
        assert len(boxes) == len(names) == meta.num_samples[split]
        for image, name in enumerate(names):
            number = int(Path(name).stem)
            expected = [[0, 0, 2 * (1 + number % 8), 12]] * (number % 3)
            assert boxes.box_A4[boxes.rows(image)].tolist() == expected
            assert set(boxes.class_A[boxes.rows(image)]) <= {int(number % 2 == 0)}


def test_nothing_is_written_where_a_box_is_wrong(prepare, write):
    write("a", ("cat", 1, 1, 4, 4))
    root = write("b", ("cat", 1, 1, 40, 4), ("cat", 1, 1, 4, 40))
    with pytest.raises(DataError) as caught:
        prepare("detection_bccd", root=str(root))
    line = str(caught.value)
    assert line.count("lies outside its 8x6 pixels") == 2
    assert line.endswith("every box must have an area inside its image")
    assert not list(Path("data").rglob("*"))


def test_the_boxes_decide_the_fingerprint(prepare, write):
    def fingerprint(right):
        for name in "abcdefgh":
            root = write(name, ("cat", 1, 1, right, 4))
        return artifacts.load_meta(prepare("detection_bccd", root=str(root))).fingerprint

    assert fingerprint(4) == fingerprint(4)
    assert fingerprint(4) != fingerprint(5)
