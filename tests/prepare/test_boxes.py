"""Lists of objects: what stands for an image when the data is split, and how boxes are scaled."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stages.shared.datasets.reading import splits
from stages.shared.datasets.reading.boxes_of_images import (
    Annotated,
    Object,
    list_of,
    refuse_params,
    source_of,
    strata,
)
from stages.shared.errors import DataError, ParamsError

NAMES = ["common", "middle", "rare"]


def objects(*labels):
    return [Object(NAMES[label], 1, 2, 3, 5) for label in labels]


def test_the_objects_of_images_are_listed_one_image_after_another():
    boxes = list_of([[Object("rare", 1, 2, 3, 4.5)], [], objects(0, 1)], NAMES)
    assert boxes.box_A4.tolist() == [[1, 2, 3, 4.5], [1, 2, 3, 5], [1, 2, 3, 5]]
    assert boxes.box_A4.dtype == np.float32
    assert boxes.class_A.tolist() == [2, 0, 1]
    assert boxes.offset_N1.tolist() == [0, 1, 1, 3]


def test_an_image_is_split_as_its_rarest_class_and_an_empty_one_as_the_most_common():
    boxes = list_of([objects(0, 0, 1), objects(0, 2, 1), [], objects(0, 0)], NAMES)
    assert strata(boxes, 3).tolist() == [1, 2, 0, 0]


@given(st.lists(st.lists(st.integers(0, 4), max_size=6), min_size=1))
def test_the_stratum_is_that_of_a_plain_loop(labels):
    names = [str(number) for number in range(5)]
    boxes = list_of([[Object(str(n), 0, 0, 1, 1) for n in image] for image in labels], names)
    count = np.bincount([n for image in labels for n in image] or [0], minlength=5)
    if not sum(map(len, labels)):
        count[:] = 0
    for image, found in zip(labels, strata(boxes, 5).tolist(), strict=True):
        counts = [count[n] for n in image]
        assert count[found] == (min(counts) if image else count.max())
        assert found in image or not image


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"manifest": "list.csv"}, "dataset.manifest is 'list.csv'"),
        ({"image_size": 32}, r"dataset.image_size is 32, .* must be \[width, height\] or empty"),
    ],
)
def test_parameters_that_boxes_cannot_obey_are_refused(dataset, one_listed, change, says):
    with pytest.raises(ParamsError, match=says):
        refuse_params(dataset(**change))


# --- from images to a source ----------------------------------------------------------------------


@pytest.fixture
def source(dataset, images):
    """Make a source of one 8x6 image with these boxes."""

    def make(*boxes, size=(8, 6), **changes):
        root = images("a.png", size=(8, 6))
        found = [Object("common", *box) for box in boxes]
        params = dataset(root=str(root), **changes)
        return source_of([Annotated("a.png", None, size, found)], NAMES, params, [])

    return make


def test_boxes_are_scaled_as_their_image_is(source):
    found = source((2, 3, 8, 6), image_size=[16, 4])
    assert found.boxes.box_A4.tolist() == [[4, 2, 16, 4]]
    assert found.inputs.shape == (4, 16, 3)


def test_what_reaches_out_by_a_pixel_is_cut_and_more_is_refused(source):
    found = source((-1, 0, 4, 4), (4, 4, 9, 6.5), (-1.5, 0, 4, 4), (0, 0, 4, 7.25))
    assert found.boxes.box_A4[:2].tolist() == [[0, 0, 4, 4], [4, 4, 8, 6]]
    assert found.problems == [
        "'a.png': object 3 ('common'), from -1.5, 0 to 4, 4, lies outside its 8x6 pixels",
        "'a.png': object 4 ('common'), from 0, 0 to 4, 7.25, lies outside its 8x6 pixels",
    ]


@pytest.mark.parametrize("box", [(2, 2, 2, 4), (2, 4, 4, 4), (4, 2, 2, 4), (-1, 0, 0, 4)])
def test_a_box_without_an_area_is_a_problem(source, box):
    (problem,) = source(box).problems
    assert problem.endswith("has no area")


def test_an_annotation_of_another_size_than_its_image_is_a_problem(source):
    assert source((0, 0, 4, 4), size=(7, 8)).problems == ["'a.png' is 8x6; its annotation says 7x8"]


def test_an_image_that_is_shown_turned_has_the_size_that_it_is_shown_in(dataset, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter
    Image.new("RGB", (6, 8)).save(tmp_path / "a.jpg", exif=exif)
    annotated = Annotated("a.jpg", None, (8, 6), [Object("common", 0, 0, 8, 4)])
    found = source_of([annotated], NAMES, dataset(root=str(tmp_path)), [])
    assert found.problems == []
    assert found.inputs.shape == (6, 8, 3)


def test_without_any_object_there_is_nothing_to_learn(source):
    with pytest.raises(DataError, match="no object in 1 images; one is needed"):
        source()


def test_the_splits_must_hold_objects_of_every_class_in_train_and_images_may_be_empty(
    dataset, images
):
    names = [f"{number}.png" for number in range(4)]
    root = images(*names)
    annotated = [
        Annotated(names[0], "train", (4, 4), [Object("common", 0, 0, 2, 2)]),
        Annotated(names[1], "train", (4, 4), []),
        Annotated(names[2], "validation", (4, 4), [Object("rare", 0, 0, 2, 2)]),
        Annotated(names[3], "test", (4, 4), []),
    ]
    params = dataset(root=str(root))
    found = source_of(annotated, ["common", "rare"], params, [])
    assert splits.problems(found, splits.assign(found, params)) == [
        "the test split has no object",
        "class 'rare' is missing from train (1 in validation)",
    ]
