"""Files in YOLO's form become images with boxes, or one line says what is wrong."""

from pathlib import Path

import pytest
import yaml
from PIL import Image

from stages.shared.datasets.object_detection.yolo import load
from stages.shared.datasets.reading import yolo_labels
from stages.shared.errors import DataError, ParamsError

BOX = "1 0.5 0.5 0.25 0.5"  # of 8x6 pixels: from 3, 1.5 to 5, 4.5


@pytest.fixture
def write(images):
    """Write images of 8x6 pixels with labels, and data.yaml; return the root."""

    def make(labels: dict[str, str | None], **content: object) -> Path:
        root = images(*(f"images/{name}.png" for name in labels), size=(8, 6))
        for name, lines in labels.items():
            path = root / f"labels/{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            if lines is not None:
                path.write_text(lines)
        described = {"train": "images/train", "names": ["cat", "dog"]} | content
        (root / "data.yaml").write_text(yaml.safe_dump(described))
        return root

    return make


def loaded(dataset, root, **changes):
    return load(dataset(root=str(root), **changes))


def test_boxes_are_shares_of_the_image(dataset, write, capsys):
    labels = {"train/a": f"{BOX}\n0 0.125 0.5 0.25 1\n", "train/b": "", "train/c": None}
    source = loaded(dataset, write(labels))
    assert source.class_names == ["cat", "dog"]
    assert source.sample_ids == ["images/train/a.png", "images/train/b.png", "images/train/c.png"]
    assert source.given_splits == ["train"] * 3
    assert source.boxes.box_A4.tolist() == [[3, 1.5, 5, 4.5], [0, 0, 2, 6]]
    assert source.boxes.class_A.tolist() == [1, 0]
    assert source.boxes.offset_N1.tolist() == [0, 2, 2, 2]
    assert source.problems == []
    assert "1 images have no file of labels: no objects" in capsys.readouterr().err


def test_splits_may_be_folders_lists_or_several_of_them(dataset, write):
    names = ["train/a", "train/b", "more/c", "old/d", "held/e"]
    root = write(
        dict.fromkeys(names, BOX),
        train=["images/train", "images/more"],
        val="val.txt",
        test="lists/test.txt",
    )
    (root / "val.txt").write_text("./images/old/d.png\n\n")
    (root / "lists").mkdir()
    (root / "lists/test.txt").write_text(f"\ufeff{root}/images/held/e.png\r\n")
    source = loaded(dataset, root)
    found = dict(zip(source.sample_ids, source.given_splits, strict=True))
    assert found == {
        "images/held/e.png": "test",
        "images/more/c.png": "train",
        "images/old/d.png": "validation",
        "images/train/a.png": "train",
        "images/train/b.png": "train",
    }


@pytest.mark.parametrize(
    ("path", "train"),
    [(None, "images/train"), (".", "images/train"), ("/not/here", "../images/train")],
    ids=["without path", "path of the folder", "as some exports write it"],
)
def test_where_paths_begin(dataset, write, path, train):
    root = write({"train/a": BOX}, train=train, **({} if path is None else {"path": path}))
    assert loaded(dataset, root).sample_ids == ["images/train/a.png"]


def test_an_absolute_path_is_followed(dataset, write):
    root = write({"train/a": BOX}, train="images/train")
    text = (root / "data.yaml").read_text()
    (root / "data.yaml").rename(root / "cells.yaml")
    (root / "cells.yaml").write_text(f"{text}path: {root}\n")
    assert loaded(dataset, root).sample_ids == ["images/train/a.png"]


def test_names_may_be_a_map_and_those_without_an_object_are_left_out(dataset, write, capsys):
    root = write({"train/a": BOX}, names={1: "dog ", 0: "cat", 2: 3})
    assert loaded(dataset, root).class_names == ["dog"]
    assert "left out 2 classes that have no object, such as 'cat'" in (capsys.readouterr().err)


def test_labels_lie_beside_an_image_that_is_in_no_folder_images(dataset, images):
    # The last folder of that name counts, be it above dataset.root, as Ultralytics has it.
    root = images("train/a.png", size=(8, 6)).rename(images().parent / "pictures")
    (root / "train/a.txt").write_text(BOX)
    (root / "data.yaml").write_text("train: train\nnames: [cat, dog]\n")
    assert loaded(dataset, root).boxes.box_A4.tolist() == [[3, 1.5, 5, 4.5]]


def test_a_box_is_taken_around_a_polygon(dataset, write):
    root = write({"train/a": "0 0.25 0.5 0.5 0 1 1"})
    assert loaded(dataset, root).boxes.box_A4.tolist() == [[2, 0, 8, 6]]


@pytest.mark.parametrize(
    ("shape", "keypoints"),
    [([3, 2], "0.1 0.1 0.9 0.9 0 0"), ([2, 3], "0.1 0.1 2 0.9 0.9 0"), ([4, 3], "0 0 2 " * 4)],
)
def test_keypoints_behind_a_box_are_left_out(dataset, write, shape, keypoints):
    root = write({"train/a": f"{BOX} {keypoints}\n"}, kpt_shape=shape)
    source = loaded(dataset, root)
    assert source.boxes.box_A4.tolist() == [[3, 1.5, 5, 4.5]]
    assert source.problems == []


def test_a_number_of_keypoints_that_is_none_is_named(dataset, write):
    with pytest.raises(DataError, match=r"kpt_shape is a list of 2; it must be \[number of key"):
        loaded(dataset, write({"train/a": BOX}, kpt_shape=[3, 4]))


def test_a_line_that_stands_twice_is_one_object(dataset, write):
    root = write({"train/a": f"{BOX}\n{BOX}\n"})
    assert len(loaded(dataset, root).boxes.class_A) == 1


def test_polygons_of_one_box_are_two_objects_and_labels_that_stand_twice_are_counted(
    dataset, write, capsys
):
    """As Ultralytics tells duplicates: by all numbers of a line."""
    polygons = ["0 0 0 1 0 1 1", "0 0 0 1 1 0 1", "0 0.0 0 1 0 1 1"]
    source = loaded(dataset, write({"train/a": "\n".join(polygons)}))
    assert source.boxes.box_A4.tolist() == [[0, 0, 8, 6]] * 2
    assert source.problems == []
    assert "1 labels say what another one of their image says" in capsys.readouterr().err


def test_empty_files_and_missing_ones_are_counted_apart(dataset, write, capsys):
    labels = {"train/a": BOX, "train/b": " \n", "train/c": None, "train/d": None}
    loaded(dataset, write(labels))
    said = capsys.readouterr().err
    assert "2 images have no file of labels: no objects\n" in said
    assert "1 images have an empty file of labels: no objects\n" in said


def test_numbers_may_reach_a_hundredth_outside_and_are_cut(dataset, write):
    source = loaded(dataset, write({"train/a": "0 0.5 0.5 1.01 1.005\n", "train/b": BOX}))
    assert source.problems == []
    assert source.boxes.box_A4.tolist()[0] == [0, 0, 8, 6]


def test_a_label_may_come_from_windows(dataset, write):
    root = write({"train/a": None})
    (root / "labels/train/a.txt").write_bytes(b"\xef\xbb\xbf1 0.5 0.5\t0.25 0.5 \r\n\r\n")
    assert loaded(dataset, root).boxes.box_A4.tolist() == [[3, 1.5, 5, 4.5]]


def test_endings_of_images_may_be_large_letters(dataset, write):
    root = write({"train/a": BOX})
    (root / "images/train/a.png").rename(root / "images/train/a.PNG")
    assert loaded(dataset, root).sample_ids == ["images/train/a.PNG"]


def test_images_that_must_be_converted_are_counted(dataset, write, capsys):
    root = write({"train/a": BOX})
    (root / "images/train/b.heic").write_bytes(b"")
    assert loaded(dataset, root).sample_ids == ["images/train/a.png"]
    assert "left out 1 images that must be converted, as 'b.heic'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        *("./images/old/d.png", "images/old/d.png", "../set/images/old/d.png"),
        *("images\\old\\d.png", " {root}/images/old/d.png ", "lists/../images/old/d.png"),
    ],
)
@pytest.mark.parametrize("place", ["list.txt", "lists/list.txt"])
def test_a_list_names_files_beside_it_or_below_the_root(dataset, write, line, place):
    root = write({"train/a": BOX, "old/d": BOX}, val=place)
    (root / "lists").mkdir()
    line = line.replace("../set", f"../{root.name}").replace("{root}", str(root))
    (root / place).write_text(f"{line}\n")
    assert loaded(dataset, root).sample_ids == ["images/old/d.png", "images/train/a.png"]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"nc": 2}, ["class_0", "class_1"]),
        ({"nc": "2", "names": None}, ["class_0", "class_1"]),
        ({"nc": 2, "names": ["cat", "dog"]}, ["cat", "dog"]),
        ({"names": {"1": "dog", "0": 7}}, ["7", "dog"]),
        ({"names": [True, " dog "]}, ["True", "dog"]),
    ],
)
def test_classes_are_named_as_ultralytics_names_them(dataset, write, said, names):
    root = write({"train/a": f"{BOX}\n0 0.5 0.5 1 1"}, **{"names": None} | said)
    assert loaded(dataset, root).class_names == names


def test_validation_may_be_written_out_and_what_is_empty_is_absent(dataset, write):
    root = write({"train/a": BOX, "old/d": BOX}, validation="images\\old", val=None, test="")
    assert loaded(dataset, root).given_splits == ["validation", "train"]


def test_a_root_that_is_a_link_or_relative_has_its_labels(dataset, write, monkeypatch):
    root = write({"train/a": BOX})
    monkeypatch.chdir(root.parent)
    (root.parent / "link").symlink_to(root)
    for name in (root.name, "link"):
        assert len(loaded(dataset, name).boxes.class_A) == 1


@pytest.mark.parametrize("pictures", ["root/pictures", "pictures"], ids=["below", "elsewhere"])
@pytest.mark.parametrize("train", ["images/train", "train.txt"])
def test_labels_of_a_linked_folder_lie_where_its_path_says(dataset, write, pictures, train):
    """As Ultralytics finds them: links below the place that data.yaml names are not resolved."""
    root = write({"train/a": BOX, "train/b/c": BOX}, train=train)
    (root / "train.txt").write_text("images/train/a.png\n./images/train/b/c.png\n")
    target = root.parent / pictures.replace("root", root.name)
    (root / "images/train/b").rename(target)
    (root / "images/train/b").symlink_to(target)
    source = loaded(dataset, root)
    assert source.sample_ids == ["images/train/a.png", "images/train/b/c.png"]
    assert source.boxes.offset_N1.tolist() == [0, 1, 2]
    assert source.problems == []


def test_an_image_that_is_in_two_splits_by_a_link_is_named(dataset, write):
    root = write({"train/a": BOX, "val/b": BOX}, val="images/val")
    (root / "images/train/more").symlink_to(root / "images/val")
    assert loaded(dataset, root).problems == [
        "'data.yaml' lists 'images/train/more/b.png' twice, in train and in validation as "
        "'images/val/b.png'; once is allowed"
    ]


def test_labels_outside_of_the_root_are_refused(dataset, images):
    """What is not listed may change unnoticed."""
    root = images("a.png", "b.png", size=(8, 6))
    root = root.rename(root.parent / "images")
    (root / "classes.txt").write_text("cat\ndog\n")
    with pytest.raises(DataError, match=r"labels of 'a.png' are in .*/labels, which is not below"):
        loaded(dataset, root)


def test_a_list_outside_of_the_root_is_refused(dataset, write):
    root = write({"train/a": BOX, "train/b": BOX}, val="../val.txt")
    (root.parent / "val.txt").write_text(f"{root}/images/train/b.png\n")
    problems = loaded(dataset, root).problems
    assert [text for text in problems if "names '../val.txt', which is not below" in text]


def test_without_data_yaml_classes_txt_names_the_classes(dataset, images):
    root = images("a.png", "b.png", size=(8, 6)).rename(images().parent / "flat")
    (root / "a.txt").write_text(BOX)
    (root / "classes.txt").write_text("cat\r\ndog\n\n")
    source = loaded(dataset, root)
    assert (source.class_names, source.sample_ids) == (["dog"], ["a.png", "b.png"])
    assert source.given_splits is None
    for name in ("a.png", "a.txt"):
        (root / "Train").mkdir(exist_ok=True)
        (root / name).rename(root / "Train" / name)
    with pytest.raises(DataError, match=r"'Train/a.png' lies in a folder of a split and 'b.png'"):
        loaded(dataset, root)
    (root / "val").mkdir()
    (root / "b.png").rename(root / "val/b.png")
    assert loaded(dataset, root).given_splits == ["train", "validation"]


def test_label_studio_leaves_images_and_labels_in_folders(dataset, write):
    root = write({"a": BOX, "b": BOX})
    (root / "data.yaml").unlink()
    (root / "classes.txt").write_text("cat\ndog\n")
    assert loaded(dataset, root).boxes.class_A.tolist() == [0, 0]


def test_an_image_in_two_splits_is_named(dataset, write):
    root = write({"train/a": BOX, "train/b": BOX}, val="images/train")
    assert loaded(dataset, root).problems == [
        f"'data.yaml' lists 'images/train/{name}.png' twice, in train and in validation; once is "
        "allowed"
        for name in "ab"
    ]


def test_a_turned_photograph_has_the_size_that_is_shown(dataset, write):
    root = write({"train/a": BOX})
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(root / "images/train/b.jpg", exif=exif)
    (root / "labels/train/b.txt").write_text("0 0.5 0.5 1 1")
    source = loaded(dataset, root, image_size=[4, 4])
    assert source.boxes.box_A4.tolist()[1] == [0, 0, 4, 4]
    assert source.problems == []


WRONG_LINES = {
    "cat 0.5 0.5 0.1 0.1": "is 'cat 0.5 0.5 0.1 0.1'; it must be numbers",
    "2 0.5 0.5 0.1 0.1": "is of class 2; it must be from 0 to 1",
    "-1 0.5 0.5 0.1 0.1": "is of class -1; it must be from 0 to 1",
    "0.5 0.5 0.5 0.1 0.1": "is of class 0.5; it must be from 0 to 1",
    "0 1.5 0.5 0.1 0.1": "has 1.5; shares of the image must be from 0 to 1",
    "0 nan 0.5 0.1 0.1": "has nan; shares of the image must be from 0 to 1",
    "0 0.5 0.5 0.1 -0.1": "has -0.1; shares of the image must be from 0 to 1",
    "0 0.5 0.5 0 0.1": "has a box of 0 by 0.1; it must have an area",
    "0 0.9 0.5 0.5 0.1": "has a box from 0.65, 0.45, 1.15, 0.55, which reaches outside the image",
    "0 0.5 0.5 0.1": "has 4 numbers; it must have 5, or a class and three points or more",
    "0 0.5 0.5 0.1 0.1 0.9": "has 6 numbers; it must have 5, or a class and three points or more",
}


@pytest.mark.parametrize("line", WRONG_LINES)
def test_a_wrong_line_is_named(dataset, write, line):
    source = loaded(dataset, write({"train/a": f"\n{BOX}\n{line}\n"}))
    assert source.problems == [f"'labels/train/a.txt' line 3 {WRONG_LINES[line]}"]


def test_all_problems_are_found_in_one_pass(dataset, write):
    root = write({f"train/{name}": "9 0.5 0.5 1 1" if name < "c" else BOX for name in "abcd"})
    (root / "images/train/d.png").write_bytes(b"no image")
    (root / "labels/train/c.txt").write_bytes(b"\xff\xfe1\0")
    problems = loaded(dataset, write({"train/z": BOX}) and root).problems
    assert len(problems) == 4
    assert "'images/train/d.png' cannot be read" in " ".join(problems)
    assert "'labels/train/c.txt' cannot be read" in " ".join(problems)


@pytest.mark.parametrize("names", ["", "names: cat", "names: []"])
def test_names_that_are_no_list_are_refused(dataset, write, names):
    root = write({"train/a": BOX})
    (root / "data.yaml").write_text(f"train: images\n{names}")
    with pytest.raises(DataError, match=r"names is (None|'cat'|\[\]); it must be a list"):
        loaded(dataset, root)


def test_one_edge_is_refused(dataset, write):
    with pytest.raises(ParamsError, match="with boxes it must be"):
        loaded(dataset, write({"train/a": BOX}), image_size=8)


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("images/a.jpg", "labels/a.txt"),
        ("x/images/b/images/c.d.png", "x/images/b/labels/c.d.txt"),
        ("pictures/a.jpg", "pictures/a.txt"),
    ],
)
def test_labels_are_where_ultralytics_looks_for_them(image, labels):
    assert yolo_labels.path_of(f"/data/{image}") == f"/data/{labels}"
