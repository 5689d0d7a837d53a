"""Facility location: lazy picking gives the picks of plain greedy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from stages.select import greedy_coverage
from stages.select.greedy_coverage import lazy_greedy


def plain_greedy(features_KD, chosen_SD, count):
    """Maximise the sum of the similarity to the most similar pick, one pick at a time."""
    everything = np.concatenate([features_KD, chosen_SD])
    distance_KK = cdist(features_KD, features_KD, "sqeuclidean")
    # Similarity: largest distance minus distance.
    largest = cdist(everything, everything, "sqeuclidean").max()
    best_K = np.zeros(len(features_KD))
    if len(chosen_SD):
        best_K = largest - cdist(features_KD, chosen_SD, "sqeuclidean").min(axis=1)
    picks = []
    while len(picks) < count:
        sum_K = np.maximum(best_K[:, None], largest - distance_KK).sum(axis=0)
        sum_K[picks] = -np.inf
        # The first of equals: points that are each other's nearest add the same, but for rounding.
        picks.append(int(np.argmax(sum_K >= sum_K.max() * (1 - 1e-14))))
        best_K = np.maximum(best_K, largest - distance_KK[picks[-1]])
    return picks


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(greedy_coverage, "BLOCK", 3)
    monkeypatch.setattr(greedy_coverage, "BLOCK_ENTRIES", 50)


def clusters(rng):
    return 10 * rng.integers(0, 4, (150, 1)) + rng.normal(size=(150, 5))


def grid_with_many_ties(rng):
    return rng.integers(0, 3, (150, 3)).astype(np.float64)


def far_from_the_origin(rng):
    return 1000 + rng.normal(size=(150, 5))


@pytest.mark.parametrize("make", [clusters, grid_with_many_ties, far_from_the_origin])
@pytest.mark.parametrize("num_chosen", [0, 20])
def test_picks_are_those_of_plain_greedy_in_their_order(make, num_chosen, small_blocks):
    features_KD = make(np.random.default_rng(0))
    chosen_SD, features_KD = features_KD[:num_chosen], features_KD[num_chosen:]
    expected = plain_greedy(features_KD, chosen_SD, 60)
    assert lazy_greedy(features_KD, chosen_SD, 60).tolist() == expected


def test_picks_are_those_of_plain_greedy_with_the_blocks_of_real_use():
    features_KD = np.random.default_rng(1).normal(size=(500, 4)).astype(np.float32)
    expected = plain_greedy(features_KD, features_KD[:0], 100)
    assert lazy_greedy(features_KD, features_KD[:0], 100).tolist() == expected


def test_picks_by_hand():
    features_KD = np.array([[0.0], [4.0], [5.0], [6.0]])
    # 4 is nearest the mean; 0 adds 16; then 5 and 6 add 4 each.
    assert lazy_greedy(features_KD, np.empty((0, 1)), 4).tolist() == [1, 0, 2, 3]
    # From 5, 0 adds 25; then 4 and 6 add 1 each.
    assert lazy_greedy(features_KD, np.array([[5.0]]), 4).tolist() == [0, 1, 3, 2]


def test_identical_points_are_all_picked_once():
    for value in (0.0, 0.1):
        features_KD = np.full((200, 3), value)
        assert lazy_greedy(features_KD, features_KD[:0], 200).tolist() == list(range(200))


def test_nothing_asked_for_is_nothing_picked():
    assert lazy_greedy(np.empty((0, 2)), np.empty((0, 2)), 0).tolist() == []


points = arrays(
    np.float64,
    st.tuples(st.integers(1, 30), st.integers(1, 3)),
    elements=st.integers(-3, 3).map(float),
)


@settings(max_examples=50)
@given(points, st.integers(0, 5))
def test_whatever_the_points_are_picks_are_those_of_plain_greedy(features_KD, num_chosen):
    chosen_SD, features_KD = features_KD[:num_chosen], features_KD[num_chosen:]
    count = len(features_KD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(greedy_coverage, "BLOCK", 2)
        picks = lazy_greedy(features_KD, chosen_SD, count).tolist()
    assert sorted(picks) == list(range(count))
    assert not count or picks == plain_greedy(features_KD, chosen_SD, count)


@pytest.mark.parametrize("seed", range(4))
def test_no_rounding_decides_between_points_that_are_each_others_nearest(seed):
    rng = np.random.default_rng(seed)
    # Thirty pairs, far apart: while neither is picked, both add the same.
    first_PD = 20 * np.arange(30)[:, None] + rng.normal(size=(30, 7))
    pairs_KD = np.concatenate([first_PD, first_PD + rng.normal(size=(30, 7))])
    features_KD = rng.permutation(pairs_KD)
    expected = plain_greedy(features_KD, features_KD[:0], 60)
    assert lazy_greedy(features_KD, features_KD[:0], 60).tolist() == expected
