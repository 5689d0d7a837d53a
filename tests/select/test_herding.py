"""Uncertainty herding: the picks are those of the formula, and of scikit-activeml step by step."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from stages.select import herding
from stages.select.herding import herd
from stages.select.unit_grid import on_grid

NONE = np.empty((0, 5), dtype=np.float32)


def radius_of(unit_SD):
    """Return the smallest distance between two of these points, 1 without one."""
    distances = pdist(unit_SD)
    return distances[distances >= 0.01].min(initial=np.inf) if (distances >= 0.01).any() else 1.0


def by_formula(features_KD, weight_K, chosen_SD, count, budget):
    """Pick by the formula, O(K^2) in float64, the best of as many candidates."""
    unit_KD, picked_SD = (on_grid(points).astype(np.float64) for points in (features_KD, chosen_SD))
    waiting, picks = list(range(len(features_KD))), []
    looked_at = math.ceil(len(features_KD) / budget * math.log(1 / herding.SHORTFALL))
    while len(picks) < count:
        radius = radius_of(picked_SD) if len(picked_SD) > 1 else 1.0
        covered_K = np.zeros(len(unit_KD))
        if len(picked_SD):
            covered_K = np.exp(-(cdist(unit_KD, picked_SD) ** 2) / radius**2).max(axis=1)
        some, waiting = waiting[:looked_at], waiting[looked_at:]
        like_KB = np.exp(-(cdist(unit_KD, unit_KD[some]) ** 2) / radius**2)
        gain_B = (weight_K[:, None] * np.maximum(like_KB - covered_K[:, None], 0)).sum(axis=0)
        pick = some.pop(int(gain_B.argmax()))
        waiting += some
        picks.append(pick)
        picked_SD = np.concatenate([picked_SD, unit_KD[[pick]]])
    return picks


def clusters(seed, num=120):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(6, 5))[rng.integers(0, 6, num)] + 0.3 * rng.normal(size=(num, 5))
    return points.astype(np.float32), rng.random(num)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(herding, "BLOCK_ENTRIES", 50)


@pytest.mark.parametrize("num_chosen", [0, 1, 15])
@pytest.mark.parametrize("budget", [1, 10, 60])
def test_picks_are_those_of_the_formula(num_chosen, budget, small_blocks):
    features_KD, weight_K = clusters(budget)
    chosen_SD, features_KD = features_KD[:num_chosen], features_KD[num_chosen:]
    weight_K = weight_K[num_chosen:]
    expected = by_formula(features_KD, weight_K, chosen_SD, 40, budget)
    assert herd(features_KD, weight_K, chosen_SD, 40, budget).tolist() == expected


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(0, 4))
def test_whatever_the_points_are_picks_are_those_of_the_formula(seed, count, num_chosen):
    features_KD, weight_K = clusters(seed, 25 + num_chosen)
    chosen_SD, features_KD = features_KD[:num_chosen], features_KD[num_chosen:]
    weight_K = weight_K[num_chosen:]
    expected = by_formula(features_KD, weight_K, chosen_SD, count, count)
    assert herd(features_KD, weight_K, chosen_SD, count).tolist() == expected


def test_where_all_are_as_unsure_and_all_looked_at_picks_are_those_of_max_herding():
    features_KD, _ = clusters(3, 80)
    from skactiveml.pool import MaxHerding  # here: it takes seconds
    from skactiveml.utils import MISSING_LABEL

    unit_KD, label_K = on_grid(features_KD).astype(np.float64), np.full(80, MISSING_LABEL)
    picks = herd(features_KD, np.full(80, 0.3), NONE, 15, budget=1).tolist()
    for number, pick in enumerate(picks):
        radius = radius_of(unit_KD[picks[:number]]) if number > 1 else 1.0
        peer = MaxHerding(
            normalize_samples=False, metric_dict={"gamma": 1 / radius**2}, random_state=0
        )
        _, utility_1K = peer.query(unit_KD, label_K, return_utilities=True)
        # Two that are each other's nearest are as good.
        assert utility_1K[0, pick] == pytest.approx(np.nanmax(utility_1K), rel=1e-5)
        label_K[pick] = 0


def test_picks_by_hand():
    # Two in one direction outweigh a heavier one alone; then the heavier one has most to add.
    features_KD = np.array([[2, 0, 0], [9, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    weight_K = np.array([1.0, 1.0, 1.5, 0.5])
    assert herd(features_KD, weight_K, NONE[:, :3], 4, budget=1).tolist() == [0, 2, 3, 1]
    chosen_SD = np.array([[0, 3, 0]], dtype=np.float32)
    assert herd(features_KD, weight_K, chosen_SD, 2, budget=1).tolist() == [0, 3]


def test_points_without_neighbours_are_picked_by_their_uncertainty():
    weight_K = np.random.default_rng(0).random(20)
    picks = herd(np.eye(20, dtype=np.float32), weight_K, np.empty((0, 20)), 20, budget=1)
    assert picks.tolist() == np.argsort(-weight_K).tolist()


def test_a_budget_says_how_many_candidates_are_looked_at_and_no_more():
    # Of thirty points and a budget of ten, nine are looked at for each: those at the end wait.
    weight_K = np.where(np.arange(30) < 9, 0.1, 1.0)
    picks = herd(np.eye(30, dtype=np.float32), weight_K, np.empty((0, 30)), 10)
    assert picks[0] < 9 <= picks[1] < 18 <= picks[2] < 27


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30, 1e30])
def test_identical_points_are_all_picked_once(value):
    features_KD = np.full((200, 3), value, dtype=np.float32)
    assert sorted(herd(features_KD, np.ones(200), features_KD[:2], 200)) == list(range(200))


def test_weights_of_nothing_and_nothing_asked_for():
    features_KD, weight_K = clusters(0)
    assert len({*herd(features_KD, 0 * weight_K, NONE, 100).tolist()}) == 100
    assert herd(features_KD, weight_K, NONE, 0).tolist() == []
    assert herd(NONE, np.empty(0), NONE, 0).tolist() == []


def test_the_unit_of_the_weights_decides_nothing():
    features_KD, weight_K = clusters(1)
    picks = herd(features_KD, weight_K, NONE, 30).tolist()
    for unit in (2.0**-200, 2.0**200):
        assert herd(features_KD, unit * weight_K, NONE, 30).tolist() == picks


def test_points_are_moved_to_one_length_on_a_grid_on_which_float32_products_are_exact():
    features_KD, _ = clusters(2)
    point_KD = on_grid(1000 * features_KD)
    assert np.linalg.norm(point_KD, axis=1) == pytest.approx(0.99, abs=1e-3)
    angle_K = (point_KD * features_KD).sum(axis=1) / np.linalg.norm(features_KD, axis=1) / 0.99
    assert angle_K == pytest.approx(1, abs=1e-3)
    exact_KK = point_KD.astype(np.float64) @ point_KD.T.astype(np.float64)
    reversed_KK = point_KD[:, ::-1] @ point_KD[:, ::-1].T
    assert np.array_equal(point_KD @ point_KD.T, exact_KK)
    assert np.array_equal(reversed_KK, exact_KK)
