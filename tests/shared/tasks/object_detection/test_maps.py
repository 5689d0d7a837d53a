"""Tests for maps.py, decoding.py and agreement.py of stages/shared/tasks/object_detection."""

import math

import numpy as np
import pytest
import torch
import toy_scenes

from stages.shared.tasks.object_detection import box_targets, maps
from stages.shared.tasks.object_detection.agreement import (
    right_and_all,
    right_and_all_by_probability,
)
from stages.shared.tasks.object_detection.map_decoding import MOST_OBJECTS, decode

CPU = torch.device("cpu")
SIZE = (40, 52)  # maps of 5 x 7 positions, the last column of half a square


def of(*objects):
    return box_targets.padded(toy_scenes.listed(list(objects)), SIZE, CPU)


def test_each_object_stands_at_the_position_of_its_centre():
    # Centres (8, 20), on the border of two squares, (51, 39) and (3.5, 3.5).
    truth = of(([[0, 16, 16, 24], [50, 38, 52, 40]], [1, 0]), ([[1, 1, 6, 6]], [2]), ([], []))
    expected = torch.zeros(3, 3, 5, 7)
    expected[0, 1, 2, 1] = expected[0, 0, 4, 6] = expected[1, 2, 0, 0] = 1
    assert torch.equal(maps.class_maps(truth, 3), expected)
    assert maps.cells(truth).tolist() == [[15, 34], [0, 0], [0, 0]]


def test_what_a_position_says_of_a_box():
    """Centre (10, 21) lies 2 and 5 pixels from the corner of its square, whose middle is at 4."""
    values = maps.box_values(of(([[6, 13, 14, 29]], [0])))
    assert values[0, 0].tolist() == pytest.approx([-2 / 8, 1 / 8, 0, math.log(2)])


def test_perfect_maps_decode_to_the_boxes():
    rng = np.random.default_rng(0)
    for _ in range(50):
        _, corners, classes = toy_scenes.scene(rng)
        truth = box_targets.padded(toy_scenes.listed([(corners, classes)]), toy_scenes.SIZE, CPU)
        found = decode(toy_scenes.perfect_maps(truth), toy_scenes.SIZE)
        num = len(classes)
        assert found.probs_BA[0].tolist() == [1.0] * num + [0.0] * (found.probs_BA.shape[1] - num)
        order = np.lexsort(np.array(corners).T) if num else []
        found_4 = found.corners_BA4[0, :num].numpy()
        back = np.lexsort(found_4.round().T)
        np.testing.assert_allclose(
            found_4[back], np.array(corners).reshape(-1, 4)[order], atol=1e-4
        )
        assert found.classes_BA[0, :num].numpy()[back].tolist() == np.array(classes)[order].tolist()


def test_of_neighbours_of_one_class_only_the_likeliest_is_found():
    probs = torch.zeros(1, 6, 5, 7)
    probs[0, 0, 2, 2], probs[0, 0, 2, 3], probs[0, 0, 2, 5] = 0.9, 0.8, 0.7
    probs[0, 1, 2, 3] = 0.6  # of another class
    found = decode(probs, SIZE)
    assert found.probs_BA[0, :4].tolist() == pytest.approx([0.9, 0.7, 0.6, 0])
    assert found.classes_BA[0, :3].tolist() == [0, 0, 1]
    # A position that says nothing of its box has one of a square about its middle.
    assert found.corners_BA4[0, 0].tolist() == [16, 16, 24, 24]


def test_boxes_end_at_the_border_however_large_they_are_said_to_be():
    probs = torch.zeros(1, 5, 5, 7)
    probs[0, 0, 2, 2] = 1.0
    probs[0, 3:, 2, 2] = 1e4
    assert decode(probs, SIZE).corners_BA4[0, 0].tolist() == [0, 0, 52, 40]


def test_no_more_objects_are_found_than_count():
    found = decode(torch.rand(2, 20 + 4, 5, 7), SIZE)
    assert found.probs_BA.shape == (2, MOST_OBJECTS)
    assert (found.probs_BA.diff(dim=1) <= 0).all()


def test_f1_by_hand():
    """Right: one of two objects; wrong: two positions. F1 = 2 / (2 + 2 + 1)."""
    truth = of(([[0, 16, 16, 24], [1, 1, 6, 6]], [1, 0]))
    probs = torch.full((1, 6, 5, 7), 0.2)
    probs[0, 1, 2, 1] = 0.8
    probs[0, 1, 3, 3] = probs[0, 0, 4, 4] = 0.6
    probs[0, 0, 0, 0] = 0.5  # as likely as not is no yes
    probs[0, 2:] = 0.9  # values of boxes
    outputs = torch.cat([probs[:, :2].logit(), probs[:, 2:]], dim=1)
    assert right_and_all_by_probability(probs, truth).tolist() == [2, 5]
    assert right_and_all(outputs, truth).tolist() == [2, 5]
    assert right_and_all(outputs, of(([], []))).tolist() == [0, 3]
