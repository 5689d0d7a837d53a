"""Errors by the user's groups: against leaving out each group, and by simulated coverage."""

import numpy as np
import pytest
from scipy.stats import t as student

from stages.shared import artifacts
from stages.shared.measuring import jackknife, user_groups


def test_a_group_says_by_how_much_its_samples_are_off_the_mean():
    values_MT = np.array([[True, True, False, False, False], [True, False, True, True, False]])
    # Of the first model m = 0.4, and its groups of 2 and 3 are off it by 1.2 and -1.2.
    found_MG = user_groups.by_group(values_MT, np.array([0, 0, 1, 1, 1]))
    np.testing.assert_allclose(found_MG[0], [0.4 + 2 / 5 * 1.2, 0.4 - 2 / 5 * 1.2])
    np.testing.assert_allclose(found_MG.mean(axis=1), [0.4, 0.6])


def test_groups_of_one_sample_change_nothing():
    values_MT = np.random.default_rng(0).normal(size=(3, 40))
    np.testing.assert_allclose(user_groups.by_group(values_MT, np.arange(40)), values_MT)
    assert user_groups.by_group(values_MT, None) is values_MT


def test_the_variance_is_that_of_leaving_out_each_group_in_turn():
    rng = np.random.default_rng(1)
    group_T = np.sort(rng.integers(0, 50, 600))
    group_T = np.unique(group_T, return_inverse=True)[1]
    right_T = rng.random(600) < rng.random(50)[group_T]
    num = group_T.max() + 1
    without_G = np.array([right_T[group_T != group].mean() for group in range(num)])
    wanted = jackknife.pseudo_values(right_T.mean(), without_G).var(ddof=1) / num
    [found_G] = user_groups.by_group(right_T[None], group_T)
    assert found_G.var(ddof=1) / num == pytest.approx(wanted, rel=0.03)


def test_an_interval_over_groups_holds_where_one_over_samples_does_not():
    """Frames of a video are mostly right or wrong together; videos are of any length."""
    rng = np.random.default_rng(2)
    holds = {"groups": 0, "samples": 0}
    for _ in range(400):
        group_T = np.repeat(np.arange(40), rng.integers(1, 30, 40))
        chance_T = rng.choice([0.95, 0.45], 40, p=[0.7, 0.3])[group_T]  # 0.8 in the mean
        right_MT = (rng.random(len(group_T)) < chance_T)[None]
        for name, group in (("groups", group_T), ("samples", np.arange(len(group_T)))):
            [values] = user_groups.by_group(right_MT, group)
            error = values.std(ddof=1) / np.sqrt(len(values))
            reach = student.ppf(0.975, len(values) - 1) * error
            holds[name] += abs(values.mean() - 0.8) < reach
    assert 0.91 <= holds["groups"] / 400 <= 0.98
    assert holds["samples"] / 400 < 0.65


def test_groups_of_two_splits_are_apart(tmp_path):
    sizes = {"train": 4, "validation": 3, "test": 2}
    meta = artifacts.Meta("image_classification", "toy", ["a"], [4, 4, 1], [0.5], [0.5], sizes, "0")
    artifacts.save_meta(tmp_path, meta)
    artifacts.save_groups(tmp_path, "train", ["x", "y", "y", "x"])
    artifacts.save_groups(tmp_path, "validation", ["z", "v", "z"])

    parts = [("validation", np.arange(3)), ("train", np.array([2, 3]))]
    assert user_groups.of_rows(tmp_path, parts).tolist() == [0, 1, 0, 3, 2]
    assert user_groups.of_split(tmp_path, "validation").tolist() == [0, 1, 0]
    assert user_groups.of_split(tmp_path, "test") is None


def test_the_jackknifes_groups_of_images_divide_no_group_of_the_users():
    sample_ids = [f"frame {row}" for row in range(300)]
    group_T = np.repeat(np.arange(60), 5)
    found_T = jackknife.groups(sample_ids, group_T)
    assert {len(set(found_T[group_T == group])) for group in range(60)} == {1}
    assert np.bincount(found_T).tolist() == [15] * jackknife.NUM_GROUPS
