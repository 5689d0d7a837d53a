"""Scenes are drawn with their boxes, and heat maps lie over the places that they speak of."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.report.numbers.tables import class_shares
from stages.report.pictures import galleries, gallery_of_scenes
from stages.shared import artifacts
from stages.shared.artifacts import BoxList, HeatMaps, Subset
from stages.shared.errors import ArtifactError

NAMES = ["ant", "bee", "cat"]


def boxes_of(class_N, per_image=1):
    """Return so many boxes of a class in each image."""
    num = len(class_N) * per_image
    return BoxList(
        np.tile(np.array([[1, 2, 4, 7]], dtype=np.float32), (num, 1)),
        np.repeat(np.asarray(class_N, dtype=np.int64), per_image),
        np.arange(0, num + 1, per_image),
    )


@pytest.fixture
def with_boxes(run):
    """The finished run, its images of 8x8 holding one box each, and maps of the first round."""
    artifacts.save_boxes(run.folders.prepared, "train", boxes_of(np.arange(80) % 3))
    map_KCHW = np.zeros((2, 3, 2, 2), dtype=np.float16)
    map_KCHW[0, 1, 0, 1] = 0.5
    map_KCHW[0, 2, 1, 0] = 0.25
    map_KCHW[1, 0] = 0.125
    found = HeatMaps(np.array([7, 3]), map_KCHW)
    artifacts.save_heat_maps(run.folders.signals / "0.0625/seed-0", "mutual_information", found)
    return run


# --- boxes ---------------------------------------------------------------------------------------


def test_a_box_is_drawn_where_it_lies():
    picture = gallery_of_scenes.boxed(
        np.zeros((32, 64, 1), dtype=np.uint8),
        np.array([[10, 4, 30, 20]], dtype=np.float32),
        np.array([0]),
        [""],
    )
    assert picture.shape == (128, 256, 3)  # four times as large
    drawn = picture.any(axis=-1)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (16, 80, 40, 120)
    assert not drawn[40:75, 60:100].any()


def test_the_boxes_of_a_large_image_shrink_with_it():
    image = np.zeros((400, 768, 3), dtype=np.uint8)
    box = np.array([[0, 0, 768, 400]], dtype=np.float32)
    picture = gallery_of_scenes.boxed(image, box, np.array([0]), [""])
    assert picture.shape == (133, 256, 3)
    assert picture[[0, 0, -1, -1], [0, -1, 0, -1]].any(axis=-1).all()


def test_a_box_thinner_than_a_pixel_is_drawn():
    box = np.array([[3.2, 3.2, 3.4, 3.4]], dtype=np.float32)
    picture = gallery_of_scenes.boxed(
        np.zeros((200, 192, 3), dtype=np.uint8), box, np.array([0]), [""]
    )
    assert picture[4, 4].any()  # 3.2 of 192 pixels, on 256


def test_the_caption_counts_objects_and_tells_the_score(with_boxes):
    results = with_boxes.results()
    results = replace(results, boxes=boxes_of(np.zeros(80), per_image=2))
    entry = replace(results.rounds[0], score_N=np.arange(80.0))
    figure = gallery_of_scenes.gallery({"highest": np.array([3, 7])}, "a title", results, entry)
    texts = [text.get_text() for text in figure.texts]
    assert texts == ["a title\ntrue boxes, score", "highest", "2 objects\n3", "2 objects\n7"]
    assert len(figure.images) == 2


# --- heat maps -----------------------------------------------------------------------------------


@given(
    st.integers(1, 60), st.integers(1, 60), st.sampled_from([2, 4, 8, 16]), st.integers(0, 2**32)
)
def test_each_pixel_has_the_value_of_the_square_that_holds_it(height, width, stride, seed):
    values_HW = np.random.default_rng(seed).random((-(-height // stride), -(-width // stride)))
    found = gallery_of_scenes.spread(values_HW, height, width)
    assert found.shape == (height, width)
    for row in range(height):
        for column in range(width):
            assert found[row, column] == values_HW[row // stride, column // stride]


def test_a_map_colours_the_places_where_it_is_high_and_leaves_the_others():
    image = np.full((8, 8, 1), 100, dtype=np.uint8)
    found = gallery_of_scenes.overlaid(image, np.array([[0.0, 1.0], [0.0, 0.0]]))
    # Inferno ends at 252, 255, 165: four fifths of it and a fifth of the grey.
    assert found[0, 4].tolist() == [222, 224, 152]
    assert (found[:4, 4:] == found[0, 4]).all()
    assert (found[:, :4] == 100).all()
    assert (found[4:] == 100).all()


def test_the_maps_of_the_highest_scored_stand_beside_them_class_by_class(with_boxes):
    results = with_boxes.results()
    entry = replace(results.rounds[0], score_N=np.arange(80.0))
    figure = gallery_of_scenes.heat_maps("a title", results, entry)
    texts = [text.get_text() for text in figure.texts][1:]
    assert texts == [
        *("1", "1 object\n7", "ant\n0", "bee\n0.5", "cat\n0.25"),
        *("2", "1 object\n3", "ant\n0.125", "bee\n0", "cat\n0"),
    ]
    assert len(figure.images) == 8
    bee, ant = figure.images[2].get_array(), figure.images[1].get_array()
    is_hot = (np.asarray(bee) != np.asarray(ant)).any(axis=-1)
    height, width = is_hot.shape
    assert is_hot[: height // 2, width // 2 :].all()
    assert is_hot.sum() == height * width // 4


def test_a_round_without_maps_has_galleries_alone(with_boxes, tmp_path):
    results = with_boxes.results()
    assert [entry.heat_maps is None for entry in results.rounds] == [False, True]
    galleries.save_galleries(tmp_path / "plots", results, results.rounds[1])
    assert not (tmp_path / "plots/heat_maps").exists()


def test_of_many_classes_the_highest_are_drawn_in_their_order(with_boxes):
    results = with_boxes.results()
    map_KCHW = np.arange(12, 0, -1).reshape(1, 12, 1, 1).astype(np.float16)
    map_KCHW[0, 11] = 20
    meta = replace(results.meta, class_names=[f"c{number}" for number in range(12)])
    entry = replace(results.rounds[0], heat_maps=HeatMaps(np.array([0]), map_KCHW))
    figure = gallery_of_scenes.heat_maps("", replace(results, meta=meta), entry)
    shown = [text.get_text().split("\n")[0] for text in figure.texts][3:]
    assert shown == ["c0", "c1", "c2", "c3", "c4", "c5", "c11"]


@pytest.mark.parametrize(
    ("row_K", "map_KCHW", "says"),
    [
        (
            [80],
            np.zeros((1, 1, 1, 1), np.float16),
            "place 0 has row 80; the train split has the rows 0 to 79",
        ),
        ([1, 2], np.zeros((1, 1, 1, 1), np.float16), "it must be float16 .2, "),
        ([1], np.full((1, 1, 1, 1), np.nan, np.float16), "finite"),
    ],
)
def test_maps_that_do_not_fit_are_refused(tmp_path, row_K, map_KCHW, says):
    artifacts.save_heat_maps(tmp_path, "entropy", HeatMaps(np.array(row_K), map_KCHW))
    with pytest.raises(ArtifactError, match=says):
        artifacts.load_heat_maps(tmp_path, "entropy", 80)


# --- tables --------------------------------------------------------------------------------------


def test_the_share_of_a_class_is_that_of_its_objects_duplicates_included(with_boxes):
    """Image 0 holds two ants and a bee, image 1 nothing, image 2 a cat; picks are 0, 0, 1, 2."""
    listed = BoxList(
        np.zeros((4, 4), np.float32), np.array([0, 0, 1, 2]), np.array([0, 3, 3, *[4] * 78])
    )
    results = replace(with_boxes.results(), boxes=listed)
    picks = Subset(np.array([0, 0, 1, 2]), np.zeros(4, int), np.full(4, np.nan))
    last = str(results.params.sizes[-1])
    results = replace(results, subsets={**results.subsets, last: picks})
    rows = class_shares([results])
    assert [row["class"] for row in rows] == NAMES
    assert [row["selected"] for row in rows] == pytest.approx([57.14, 28.57, 14.29], abs=0.01)
    assert [row["full"] for row in rows] == pytest.approx([50, 25, 25], abs=0.01)
