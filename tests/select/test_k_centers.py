"""Greedy k-centers: the picks are those of the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from stages.select import k_centers
from stages.select.k_centers import farthest_first

NONE = np.empty((0, 2))


def by_definition(features_KD, chosen_SD, count, start=0):
    """Greedy k-centers as it is written down, O(K^2) in float64; the first of equals wins."""
    distance_KK = cdist(features_KD, features_KD, "sqeuclidean")
    nearest_K = np.full(len(features_KD), np.inf)
    if len(chosen_SD):
        nearest_K = cdist(features_KD, chosen_SD, "sqeuclidean").min(axis=1)
    first = list(range(start))
    if not first and not len(chosen_SD):
        mean_D = features_KD.mean(axis=0, dtype=np.float64)
        first = [int(cdist(features_KD, mean_D[None], "sqeuclidean").argmin())]
    picks = []
    while len(picks) < count:
        pick = first[len(picks)] if len(picks) < len(first) else int(nearest_K.argmax())
        picks.append(pick)
        nearest_K = np.minimum(nearest_K, distance_KK[pick])
        nearest_K[picks] = -1
    return picks


@pytest.fixture
def small_blocks(monkeypatch):
    """So few active candidates, and so small blocks, that every bound is put to the test."""
    monkeypatch.setattr(k_centers, "NUM_ACTIVE", 12)
    monkeypatch.setattr(k_centers, "PICKS_PER_UPDATE", 7)
    monkeypatch.setattr(k_centers, "BLOCK_ENTRIES", 100)


def normal(rng):
    return rng.normal(size=(400, 8))


def clusters_far_from_the_origin(rng):
    # In float32 about the origin their distances would drown in rounding.
    return 1e4 + 100 * rng.integers(0, 3, (400, 1)) + rng.normal(size=(400, 8))


def rectified_with_an_outlier(rng):
    return np.vstack([np.maximum(rng.normal(size=(400, 8)), 0), np.full((1, 8), 1e6)])


def grid_with_many_ties(rng):
    return rng.integers(0, 4, (400, 3)).astype(np.float64)


def bits(rng):
    return rng.integers(0, 2, (400, 12)).astype(np.float64)


def huge(rng):
    return 1e25 * rng.normal(size=(400, 8))  # squares overflow in float32


def tiny(rng):
    return 1e-25 * rng.normal(size=(400, 8))  # squares underflow in float32


DATA = [
    normal,
    clusters_far_from_the_origin,
    rectified_with_an_outlier,
    grid_with_many_ties,
    bits,
    huge,
    tiny,
]


@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_picks_are_those_of_the_definition_in_their_order(make, dtype, small_blocks):
    features_KD = make(np.random.default_rng(0)).astype(dtype)
    expected = by_definition(features_KD, NONE, len(features_KD))
    assert farthest_first(features_KD, features_KD[:0], len(features_KD)).tolist() == expected


@pytest.mark.parametrize("make", DATA)
def test_chosen_points_are_centres_that_are_not_picked(make, small_blocks):
    features_KD = make(np.random.default_rng(1))
    chosen_SD, features_KD = features_KD[:30], features_KD[30:]
    expected = by_definition(features_KD, chosen_SD, 200)
    assert farthest_first(features_KD, chosen_SD, 200).tolist() == expected


@pytest.mark.parametrize("make", DATA)
def test_it_may_start_from_the_first_candidates(make, small_blocks):
    features_KD = make(np.random.default_rng(2))
    picks = farthest_first(features_KD, features_KD[:0], 200, start=25).tolist()
    assert picks[:25] == list(range(25))
    assert picks == by_definition(features_KD, features_KD[:0], 200, start=25)


def test_picks_are_those_of_the_definition_with_the_blocks_of_real_use():
    features_KD = np.random.default_rng(3).normal(size=(3000, 16)).astype(np.float32)
    expected = by_definition(features_KD, features_KD[:0], 700, start=100)
    assert farthest_first(features_KD, features_KD[:0], 700, start=100).tolist() == expected


def test_picks_by_hand():
    features_KD = np.array([[0.0], [1.0], [5.0], [9.0], [10.0]])  # their mean is 5
    # 0 and 10 are both 5 away; then 9 and 1 are both 1 away from what is picked.
    assert farthest_first(features_KD, NONE[:, :1], 5).tolist() == [2, 0, 4, 1, 3]
    assert farthest_first(features_KD, np.array([[0.0]]), 3).tolist() == [4, 2, 1]


def test_a_bound_outside_the_active_candidates_wins_a_tie_by_its_position(monkeypatch):
    monkeypatch.setattr(k_centers, "NUM_ACTIVE", 2)
    # After 12 is picked, 9 falls to the distance at which 3 was left.
    features_KD = np.array([[3.0], [9.0], [12.0]])
    assert farthest_first(features_KD, np.array([[0.0]]), 3).tolist() == [2, 0, 1]


def test_identical_points_are_all_picked_once():
    for count in (1, 1500, 3000):
        picks = farthest_first(np.full((3000, 4), 0.1), NONE.repeat(2, axis=1), count)
        assert picks.tolist() == list(range(count))


def test_a_copy_of_a_centre_comes_after_all_others():
    rng = np.random.default_rng(4)
    chosen_SD = rng.normal(size=(20, 5)).astype(np.float32)
    features_KD = np.concatenate([chosen_SD, rng.normal(size=(50, 5)).astype(np.float32)])
    picks = farthest_first(features_KD, chosen_SD, 70)
    assert sorted(picks[:50]) == list(range(20, 70))
    assert picks[50:].tolist() == list(range(20))


def test_nothing_asked_for_is_nothing_picked():
    assert farthest_first(np.empty((0, 2)), NONE, 0).tolist() == []
    assert farthest_first(np.ones((3, 2)), NONE, 0, start=2).tolist() == []


def test_a_start_that_is_longer_than_what_is_asked_for_is_cut():
    assert farthest_first(np.ones((5, 2)), NONE, 2, start=1000).tolist() == [0, 1]


points = arrays(
    np.float64,
    st.tuples(st.integers(1, 40), st.integers(1, 3)),
    elements=st.integers(-3, 3).map(float),
)


@settings(max_examples=100, deadline=None)
@given(points, st.integers(0, 10), st.integers(0, 5))
def test_whatever_the_points_are_picks_are_those_of_the_definition(features_KD, num_chosen, start):
    chosen_SD, features_KD = features_KD[:num_chosen], features_KD[num_chosen:]
    count, start = len(features_KD), min(start, len(features_KD))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(k_centers, "NUM_ACTIVE", 3)
        patch.setattr(k_centers, "PICKS_PER_UPDATE", 2)
        picks = farthest_first(features_KD, chosen_SD, count, start).tolist()
    assert sorted(picks) == list(range(count))
    if count:
        assert picks == by_definition(features_KD, chosen_SD, count, start)


@settings(max_examples=50, deadline=None)
@given(points, st.data())
def test_a_smaller_budget_is_the_first_part_of_a_larger_one(features_KD, data):
    count = data.draw(st.integers(0, len(features_KD)))
    everything = farthest_first(features_KD, features_KD[:0], len(features_KD))
    assert np.array_equal(farthest_first(features_KD, features_KD[:0], count), everything[:count])
