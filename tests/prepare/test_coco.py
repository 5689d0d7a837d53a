"""Files in the form of COCO become images with boxes, or one line says what is wrong."""

import json

import pytest
from PIL import Image

from stages.shared.datasets.object_detection.coco import load
from stages.shared.errors import DataError, UserError

CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog", "supercategory": "animal"}]


def annotation(image, category, bbox, **more):
    return {"image_id": image, "category_id": category, "bbox": bbox, **more}


@pytest.fixture
def write(images):
    """Write a file of annotations and its images, 8x6 pixels and numbered; return the root."""

    def make(file, folder, num, *annotations, **more):
        names = [f"{number}.png" for number in range(num)]
        root = images(*(f"{folder}/{name}" for name in names), size=(8, 6))
        listed = [
            {"id": 10 + number, "file_name": name, "width": 8, "height": 6, "license": 1}
            for number, name in enumerate(names)
        ]
        content = {"images": listed, "annotations": annotations, "categories": CATEGORIES} | more
        path = root / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
        return root

    return make


def test_one_file_of_all_images(dataset, write):
    root = write(
        "annotations.json",
        "images",
        3,
        annotation(12, 7, [1, 2, 3.5, 4]),
        annotation(10, 3, [0, 0, 8, 6], iscrowd=0),
        annotation(12, 3, [4, 4, 1, 1]),
        annotation(11, 3, [0, 0, 8, 6], iscrowd=1),
    )
    source = load(dataset(root=str(root)))
    assert source.class_names == ["dog", "cat"]
    assert source.sample_ids == ["images/0.png", "images/1.png", "images/2.png"]
    assert source.given_splits is None
    assert source.boxes.count_N.tolist() == [1, 0, 2]
    assert source.boxes.box_A4.tolist() == [[0, 0, 8, 6], [1, 2, 4.5, 6], [4, 4, 5, 5]]
    assert source.boxes.class_A.tolist() == [0, 1, 0]
    assert source.problems == []


def test_a_file_for_each_split(dataset, write):
    for folder, number in (("train2017", 2), ("val2017", 1)):
        file = f"annotations/instances_{folder}.json"
        root = write(file, folder, number, annotation(10, 7, [0, 0, 2, 2]))
    source = load(dataset(root=str(root), image_size=[16, 6]))
    assert list(zip(source.sample_ids, source.given_splits, strict=True)) == [
        ("train2017/0.png", "train"),
        ("train2017/1.png", "train"),
        ("val2017/0.png", "validation"),
    ]
    assert source.boxes.box_A4.tolist() == [[0, 0, 4, 2], [0, 0, 4, 2]]
    assert source.boxes.offset_N1.tolist() == [0, 1, 1, 2]


def test_folders_as_roboflow_writes_them(dataset, write):
    for folder, number in (("train", 2), ("valid", 1), ("test", 1)):
        box = annotation(10, 3, [0, 0, number, number])
        root = write(f"{folder}/_annotations.coco.json", folder, number, box)
    source = load(dataset(root=str(root)))
    assert source.sample_ids == ["test/0.png", "train/0.png", "train/1.png", "valid/0.png"]
    assert source.given_splits == ["test", "train", "train", "validation"]
    assert source.boxes.box_A4[:, 2].tolist() == [1, 2, 1]


def test_two_folders_of_one_split_are_refused(dataset, write):
    for folder in ("train", "val", "valid"):
        root = write(f"{folder}/_annotations.coco.json", folder, 1)
    with pytest.raises(DataError, match=r"holds val and valid; one is allowed"):
        load(dataset(root=str(root)))


def test_all_that_is_wrong_with_boxes_is_listed(dataset, write):
    root = write(
        "annotations.json",
        "images",
        2,
        annotation(10, 7, [1, 2, 3, 4]),
        annotation(99, 7, [1, 2, 3, 4]),
        annotation(10, 5, [1, 2, 3, 4]),
        annotation(11, 3, [1, 2, 0, 4]),
        annotation(11, 7, [6, 2, 4, 4]),
    )
    (root / "images/0.png").unlink()
    assert load(dataset(root=str(root))).problems == [
        "'annotations.json': annotation 1 is of image 99, which is not listed",
        "'annotations.json': annotation 2 is of category 5, which is not listed",
        "'images/0.png' cannot be read (No such file or directory)",
        "'images/1.png': object 1 ('dog'), from 1, 2 to 1, 6, has no area",
        "'images/1.png': object 2 ('cat'), from 6, 2 to 10, 6, lies outside its 8x6 pixels",
    ]


def test_objects_that_stand_twice_are_counted(dataset, write, capsys):
    boxes = [annotation(10, 7, [1, 2, 3, 4]) for _ in range(2)]
    root = write("annotations.json", "images", 1, *boxes, annotation(10, 3, [1, 2, 3, 4]))
    assert load(dataset(root=str(root))).boxes.count_N.tolist() == [3]
    assert "1 objects say what another one of their image says" in capsys.readouterr().err


def test_categories_without_a_box_are_left_out_and_named(dataset, write, capsys):
    """As Roboflow writes them: category 0 groups the others, and may have the name of one."""
    root = write(
        "annotations.json",
        "images",
        2,
        annotation(10, 1, [0, 0, 2, 2]),
        annotation(11, 40, [0, 0, 2, 2]),
        annotation(11, 3, [0, 0, 2, 2], iscrowd=1),
        categories=[
            {"id": 0, "name": "cell", "supercategory": "none"},
            {"id": 40, "name": " rbc", "supercategory": "cell"},
            {"id": 1, "name": "cell", "supercategory": "cell"},
            {"id": 3, "name": "crowd"},
        ],
    )
    source = load(dataset(root=str(root)))
    assert source.class_names == ["cell", "rbc"]
    assert source.boxes.class_A.tolist() == [0, 1]
    assert source.problems == []
    assert capsys.readouterr().err == f"{root}: left out 1 categories without a box: 'crowd'\n"


def test_of_80_categories_the_5_that_have_boxes_are_the_classes(dataset, write, capsys):
    boxes = [annotation(10, 10 * number, [0, 0, 2, 2]) for number in range(1, 6)]
    root = write(
        "annotations.json",
        "images",
        1,
        *boxes,
        categories=[{"id": number, "name": f"kind {number}"} for number in range(1, 81)],
    )
    source = load(dataset(root=str(root)))
    assert source.class_names == [f"kind {10 * number}" for number in range(1, 6)]
    said = capsys.readouterr().err
    assert "left out 75 categories without a box: 'kind 1'; 'kind 2'" in said
    assert said.endswith("; and 65 more\n")


def test_a_category_may_have_boxes_in_one_split_alone(dataset, write):
    write("annotations/instances_train.json", "train", 1, annotation(10, 7, [0, 0, 2, 2]))
    root = write("annotations/instances_val.json", "val", 1, annotation(10, 3, [0, 0, 2, 2]))
    source = load(dataset(root=str(root)))
    assert source.class_names == ["dog", "cat"]
    assert source.boxes.class_A.tolist() == [1, 0]


def test_two_categories_with_boxes_and_one_name_are_refused(dataset, write):
    boxes = [annotation(10, number, [0, 0, 2, 2]) for number in (1, 2)]
    names = [{"id": 1, "name": "cat"}, {"id": 2, "name": "cat "}]
    root = write("annotations.json", "images", 1, *boxes, categories=names)
    with pytest.raises(DataError, match="the category 'cat' stands twice with boxes"):
        load(dataset(root=str(root)))


@pytest.mark.parametrize("folder", ["images", "images/default"])
def test_a_file_as_cvat_writes_it(dataset, write, folder):
    file = "annotations/instances_default.json"
    root = write(file, folder, 2, annotation(10, 7, [0, 0, 2, 2]))
    source = load(dataset(root=str(root)))
    assert source.sample_ids == [f"{folder}/0.png", f"{folder}/1.png"]
    assert source.given_splits is None
    assert source.problems == []


def test_files_of_each_split_as_cvat_writes_them(dataset, write):
    for name in ("Train", "Validation"):
        file = f"annotations/instances_{name}.json"
        root = write(file, f"images/{name}", 1, annotation(10, 7, [0, 0, 2, 2]))
    source = load(dataset(root=str(root)))
    assert list(zip(source.sample_ids, source.given_splits, strict=True)) == [
        ("images/Train/0.png", "train"),
        ("images/Validation/0.png", "validation"),
    ]
    assert source.problems == []


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("utf-8-sig", None),
        ("latin-1", r"annotations\.json: is no JSON in UTF-8 .byte 0xe9 is no UTF-8; save it"),
        ("utf-16", r"annotations\.json: is UTF-16; save it as UTF-8"),
    ],
)
def test_a_byte_order_mark_is_read_and_another_encoding_refused(dataset, write, encoding, says):
    boxes = [annotation(10, 1, [0, 0, 2, 2])]
    root = write("annotations.json", "images", 1, *boxes, categories=[{"id": 1, "name": "café"}])
    path = root / "annotations.json"
    content = json.dumps(json.loads(path.read_text()), ensure_ascii=False)
    path.write_bytes(content.encode(encoding))
    if says is None:
        assert load(dataset(root=str(root))).class_names == ["café"]
    else:
        with pytest.raises(UserError, match=says):
            load(dataset(root=str(root)))


def test_an_image_may_be_named_by_its_path_below_root_or_as_windows_does(dataset, write):
    root = write("annotations.json", "images/sub", 3, annotation(1, 7, [0, 0, 2, 2]))
    names = ["sub/0.png", "images/sub/1.png", "sub\\2.png"]
    content = json.loads((root / "annotations.json").read_text())
    content["images"] = [
        {"id": number, "file_name": name, "width": 8, "height": 6}
        for number, name in enumerate(names)
    ]
    (root / "annotations.json").write_text(json.dumps(content))
    source = load(dataset(root=str(root)))
    assert source.sample_ids == [f"images/sub/{number}.png" for number in range(3)]
    assert source.problems == []


def test_names_of_categories_may_be_numbers(dataset, write):
    names = [{"id": 1, "name": 8}, {"id": 2, "name": "9"}]
    boxes = [annotation(10, number, [0, 0, 2, 2]) for number in (1, 2)]
    root = write("annotations.json", "images", 1, *boxes, categories=names)
    assert load(dataset(root=str(root))).class_names == ["8", "9"]


def test_the_images_of_all_splits_may_lie_together(dataset, write):
    root = write("annotations/instances_train.json", "images", 1, annotation(10, 7, [0, 0, 2, 2]))
    assert load(dataset(root=str(root))).sample_ids == ["images/0.png"]


def test_an_image_that_its_exif_data_turn_is_told_so(dataset, write):
    root = write("annotations.json", "images", 1, annotation(10, 7, [0, 0, 2, 2]))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(root / "images/0.png", exif=exif)
    assert load(dataset(root=str(root))).problems == [
        "'images/0.png' is 6x8; its annotation says 8x6, perhaps because its EXIF data turns it"
    ]


FIRST = {"id": 1, "file_name": "0.png", "width": 8, "height": 6}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"categories": None}, "categories: Input should be a valid array;"),
        ({"annotations": [annotation(10, 7, [1, 2, 3])]}, "annotations.0.bbox.3: Field required"),
        ({"annotations": [annotation(10, 7, [1, 2, 3, float("nan")])]}, "must be JSON in the form"),
        ({"images": [FIRST, FIRST]}, "an image's id stands twice"),
        ({"images": [FIRST, FIRST | {"id": 2}]}, "'images/0.png' is listed twice"),
        ({"categories": [CATEGORIES[0], CATEGORIES[0]]}, "a category's id stands twice"),
    ],
)
def test_a_file_of_another_form_is_refused(dataset, write, more, says):
    root = write("annotations.json", "images", 1, **more)
    with pytest.raises(DataError, match=says) as caught:
        load(dataset(root=str(root)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["other.json"], "has no annotations; coco needs annotations.json"),
        (["val"], "has no annotations; coco needs annotations.json"),
        (["train1", "train2"], "instances_train1.json and instances_train2.json; one is allowed"),
    ],
)
def test_files_that_are_missing_or_too_many_are_named(dataset, write, files, says):
    for name in files:
        root = write(f"annotations/instances_{name}.json", name, 1)
    with pytest.raises(DataError, match=says):
        load(dataset(root=str(root)))


def test_the_categories_of_all_splits_are_the_same(dataset, write):
    write("annotations/instances_train.json", "train", 1)
    other = [{"id": 7, "name": "cat"}, {"id": 3, "name": "owl"}]
    root = write("annotations/instances_test.json", "test", 1, categories=other)
    with pytest.raises(DataError, match=r"instances_test\.json: category 3 is 'owl'; it is 'dog'"):
        load(dataset(root=str(root)))
