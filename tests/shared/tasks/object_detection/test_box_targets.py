"""Tests for stages/shared/tasks/object_detection/box_targets.py."""

import numpy as np
import pytest
import torch
import toy_scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared import artifacts
from stages.shared.settings.training_sections import Augmentation
from stages.shared.tasks.object_detection import box_targets
from stages.shared.training.augmentation import Draws, augment

CPU = torch.device("cpu")
HEIGHT, WIDTH = SIZE = (40, 56)


def of(*objects, size=SIZE):
    """Return the boxes of some images, each given as its boxes with one class."""
    return box_targets.padded(
        toy_scenes.listed([(image, [0] * len(image)) for image in objects]), size, CPU
    )


def bounds(is_bright_HW):
    """Return left, top, right and bottom of what is bright."""
    rows, columns = (is_bright_HW.any(dim=dim).nonzero().flatten().tolist() for dim in (1, 0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def test_a_split_is_as_wide_as_its_fullest_image(prepared):
    listed = artifacts.load_boxes(prepared, "train")
    found = box_targets.load(prepared, "train", CPU)
    assert found.corners_NG4.shape == (40, listed.count_N.max(), 4)
    assert found.size == toy_scenes.SIZE
    np.testing.assert_array_equal(found.is_there_NG.sum(1), listed.count_N)
    for image in range(40):
        is_there = found.is_there_NG[image]
        rows = listed.rows(image)
        np.testing.assert_array_equal(found.corners_NG4[image][is_there], listed.box_A4[rows])
        np.testing.assert_array_equal(found.classes_NG[image][is_there], listed.class_A[rows])


def test_some_rows_of_a_split_are_those_of_the_whole(prepared):
    rows = np.array([7, 3, 3, 30])
    whole = box_targets.load(prepared, "train", CPU)[torch.from_numpy(rows)]
    some = box_targets.load(prepared, "train", CPU, rows)
    width = some.classes_NG.shape[1]
    assert len(some) == 4
    assert torch.equal(whole.corners_NG4[:, :width], some.corners_NG4)
    assert torch.equal(whole.is_there_NG[:, :width], some.is_there_NG)
    assert not whole.is_there_NG[:, width:].any()


def test_images_without_any_object_are_boxes_too():
    found = of([], [])
    assert len(found) == 2
    assert found.counts_by_class(3, torch.tensor([1, 1])).tolist() == [0, 0, 0]
    assert len(found[1:]) == 1


def test_objects_are_counted_as_often_as_their_image_is_drawn():
    listed = toy_scenes.listed([([[0, 0, 4, 4], [1, 1, 3, 3]], [0, 2]), ([[0, 0, 9, 9]], [2])])
    found = box_targets.padded(listed, SIZE, CPU)
    assert found.counts_by_class(4, torch.tensor([3, 2])).tolist() == [3, 0, 5, 0]


@settings(max_examples=40)
@given(
    left=st.integers(4, 40),
    top=st.integers(4, 26),
    width=st.integers(6, 12),
    height=st.integers(6, 12),
    shift=st.tuples(st.integers(-6, 6), st.integers(-6, 6)),
    is_flipped=st.booleans(),
)
def test_boxes_move_as_the_pixels_of_a_crop_and_a_flip_do(
    left, top, width, height, shift, is_flipped
):
    image = torch.zeros(1, HEIGHT, WIDTH, 1, dtype=torch.uint8)
    image[:, top : top + height, left : left + width] = 255
    draws = Draws(torch.tensor([shift]), torch.tensor([is_flipped]), torch.ones(1))
    plan = Augmentation(crop_padding=6, border="black", horizontal_flip=True, scale=[1.0, 1.0])

    changed = augment(image, draws, plan)[0, :, :, 0]
    found = box_targets.moved(of([[left, top, left + width, top + height]]), draws, plan)

    assert found.is_there_NG.all()
    assert found.corners_NG4[0, 0].tolist() == pytest.approx(bounds(changed > 0))


@settings(max_examples=40)
@given(
    zoom=st.floats(0.6, 1.8),
    shift=st.tuples(st.integers(-4, 4), st.integers(-4, 4)),
    is_flipped=st.booleans(),
)
def test_boxes_move_as_the_pixels_of_a_zoom_do(zoom, shift, is_flipped):
    """Edges come to lie between pixels; half grey is where they are, to a pixel."""
    image = torch.zeros(1, HEIGHT, WIDTH, 1, dtype=torch.uint8)
    image[:, 14:24, 22:36] = 200
    draws = Draws(torch.tensor([shift]), torch.tensor([is_flipped]), torch.tensor([zoom]))
    plan = Augmentation(crop_padding=4, border="black", horizontal_flip=True, scale=[0.6, 1.8])

    changed = augment(image, draws, plan)[0, :, :, 0]
    found = box_targets.moved(of([[22, 14, 36, 24]]), draws, plan)

    assert found.corners_NG4[0, 0].tolist() == pytest.approx(bounds(changed > 100), abs=1.0)
    # The middle of what is bright, grey for grey, is known better than its edges.
    middle = [
        float((changed.sum(dim) * (torch.arange(changed.shape[1 - dim]) + 0.5)).sum())
        / float(changed.sum())
        for dim in (0, 1)
    ]
    assert found.centres_NG2[0, 0].tolist() == pytest.approx(middle, abs=0.3)


def test_an_object_whose_middle_leaves_the_image_is_dropped_and_others_end_at_the_border():
    plan = Augmentation(crop_padding=6, border="black", horizontal_flip=False, scale=[1.0, 1.0])
    draws = Draws(torch.tensor([[0, 6]]), torch.tensor([False]), torch.ones(1))
    found = box_targets.moved(of([[0, 0, 11, 8], [0, 0, 12, 8], [20, 0, 30, 8]]), draws, plan)
    assert found.is_there_NG.tolist() == [[False, True, True]]
    assert found.corners_NG4[0, 1:].tolist() == [[0, 0, 6, 8], [14, 0, 24, 8]]


def test_boxes_of_images_that_stay_as_they_are_stay_too():
    whole = of([[0.1, 0.3, 7.7, 39.9], [13, 5, 55.7, 21]], [[1, 2, 3, 4]])
    plan = Augmentation(crop_padding=0, border="black", horizontal_flip=False, scale=[1.0, 1.0])
    still = Draws(torch.zeros(2, 2, dtype=torch.int64), torch.tensor([False] * 2), torch.ones(2))
    found = box_targets.moved(whole, still, plan)
    assert torch.equal(found.is_there_NG, whole.is_there_NG)
    np.testing.assert_allclose(found.corners_NG4, whole.corners_NG4, atol=1e-5)
