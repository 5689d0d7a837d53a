"""Scenes of digits: boxes lie around their digits, the tail is long, no digit is in two splits."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from stages.shared.datasets.object_detection import digit_scenes
from stages.shared.datasets.object_detection.digit_scenes import _enlarged, _pools, load
from stages.shared.datasets.reading import splits


@pytest.fixture(scope="module")
def source(dataset):
    return load(dataset(name="digit_scenes", validation_fraction=0.1))


@pytest.fixture(scope="module")
def pixels(source, read):
    return read(source, range(len(source.sample_ids)))[..., 0]


def test_there_are_1500_grey_scenes_shared_out_as_the_digits_are(dataset, source, pixels):
    assert pixels.shape == (1500, 96, 96)
    assert pixels.dtype == np.uint8
    counts = {split: source.given_splits.count(split) for split in set(source.given_splits)}
    assert counts == {"train": 1080, "validation": 120, "test": 300}
    assert len(set(source.sample_ids)) == 1500
    assert splits.problems(source, splits.assign(source, dataset(name="digit_scenes"))) == []


def test_scenes_hold_none_to_six_digits(source):
    count_N = source.boxes.count_N
    assert count_N.max() == 6
    assert 0.02 < (count_N == 0).mean() < 0.08


def test_a_class_is_as_common_as_one_over_its_rank(source):
    """Expected shares within four standard deviations of a multinomial draw."""
    count_C = np.bincount(source.boxes.class_A, minlength=10)
    share_C = 1 / np.arange(1, 11)
    share_C /= share_C.sum()
    deviation_C = np.sqrt(len(source.boxes.class_A) * share_C * (1 - share_C))
    assert (np.abs(count_C - len(source.boxes.class_A) * share_C) < 4 * deviation_C).all()


def test_boxes_hold_the_ink_and_what_is_outside_them_is_background(source, pixels):
    outside = np.ones(pixels.shape, dtype=bool)
    for image in range(len(source.boxes)):
        for box in source.boxes.box_A4[source.boxes.rows(image)].astype(int):
            left, top, right, bottom = box
            assert 0 <= left < right <= 96
            assert 0 <= top < bottom <= 96
            inside_HW = pixels[image, top:bottom, left:right]
            # Half of white is the faintest, and the ink ends at a quarter of the strongest.
            assert inside_HW.max() > 90
            for edge in (inside_HW[0], inside_HW[-1], inside_HW[:, 0], inside_HW[:, -1]):
                assert edge.max() > 25
            outside[image, top:bottom, left:right] = False
    background = pixels[outside]
    assert abs(background.mean() - 255 * 0.1) < 2
    assert (background > 80).mean() < 1e-3


def test_boxes_hardly_overlap(source):
    for image in range(len(source.boxes)):
        for first, second in combinations(source.boxes.box_A4[source.boxes.rows(image)], 2):
            left_top = np.maximum(first[:2], second[:2])
            right_bottom = np.minimum(first[2:], second[2:])
            shared = (right_bottom - left_top).clip(0).prod()
            areas = [(box[2:] - box[:2]).prod() for box in (first, second)]
            assert shared <= 0.1 * min(areas) + 1e-6


def test_no_digit_is_in_the_scenes_of_two_splits(dataset):
    target_N = load_digits().target
    for fold in range(5):
        pools = _pools(target_N, dataset(name="digit_scenes", fold=fold))
        assert sorted(np.concatenate(list(pools.values()))) == list(range(1797))
        for rows_N in pools.values():
            assert set(target_N[rows_N]) == set(range(10))


def test_the_same_seed_gives_the_same_scenes_and_another_seed_others(
    dataset, source, pixels, monkeypatch, read
):
    monkeypatch.setattr(digit_scenes, "NUM_SCENES", 30)
    few = [
        read(load(dataset(name="digit_scenes", split_seed=seed, validation_fraction=0.1)), [0, 1])
        for seed in (0, 1)
    ]
    assert (few[0][..., 0] == pixels[:2]).all()
    assert (few[1][..., 0] != pixels[:2]).any()


def test_a_digit_is_enlarged_by_linear_interpolation():
    digit_HW = np.arange(4.0).reshape(2, 2)
    # Middles of 4 pixels in units of 2: -0.25, 0.25, 0.75, 1.25, which ends are held.
    columns = np.array([0, 0.25, 0.75, 1])
    np.testing.assert_allclose(_enlarged(digit_HW, 4), 2 * columns[:, None] + columns)
    np.testing.assert_array_equal(_enlarged(digit_HW, 2), digit_HW)
