"""Greedy k-centers: the picks are those of the definition, with numpy and with torch."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from stages.select import k_centers_search, k_centers_torch
from stages.select.k_centers_search import NumpyMinima, farthest_first
from stages.select.k_centers_torch import TorchMinima, squared_distance

NONE = np.empty((0, 2))
NUM = 100
with_numpy = partial(farthest_first, minima=NumpyMinima)
with_torch = partial(farthest_first, minima=partial(TorchMinima, device="cpu"))
with_cuda = partial(farthest_first, minima=TorchMinima)
each_kind = pytest.mark.parametrize(
    "first_picks",
    [
        pytest.param(with_numpy, id="numpy"),
        pytest.param(with_torch, id="torch"),
        pytest.param(with_cuda, id="cuda", marks=pytest.mark.gpu),
    ],
)


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
    monkeypatch.setattr(k_centers_search, "PICKS_PER_UPDATE", 7)
    monkeypatch.setattr(k_centers_torch, "CENTRES_PER_PRODUCT", 5)
    for module, entries in ((k_centers_search, 100), (k_centers_torch, 400)):
        monkeypatch.setattr(module, "NUM_ACTIVE", 12)
        monkeypatch.setattr(module, "BLOCK_ENTRIES", entries)


def normal(rng):
    return rng.normal(size=(NUM, 8))


def clusters_far_from_the_origin(rng):
    # In float32 about the origin their distances would drown in rounding.
    return 1e4 + 100 * rng.integers(0, 3, (NUM, 1)) + rng.normal(size=(NUM, 8))


def rectified_with_an_outlier(rng):
    return np.vstack([np.maximum(rng.normal(size=(NUM, 8)), 0), np.full((1, 8), 1e6)])


def grid_with_many_ties(rng):
    return rng.integers(0, 4, (NUM, 3)).astype(np.float64)


def bits(rng):
    return rng.integers(0, 2, (NUM, 12)).astype(np.float64)


def huge(rng):
    return 1e25 * rng.normal(size=(NUM, 8))  # squares overflow in float32


def tiny(rng):
    return 1e-25 * rng.normal(size=(NUM, 8))  # squares underflow in float32


DATA = [
    normal,
    clusters_far_from_the_origin,
    rectified_with_an_outlier,
    grid_with_many_ties,
    bits,
    huge,
    tiny,
]


@each_kind
@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize(
    ("dtype", "num_chosen", "start"), [(np.float32, 0, 0), (np.float64, 30, 0), (np.float64, 0, 25)]
)
def test_picks_are_those_of_the_definition_in_their_order(
    first_picks, make, dtype, num_chosen, start, small_blocks
):
    """Chosen points are centres that are not picked; the first candidates may be the start."""
    features_KD = make(np.random.default_rng(0)).astype(dtype)
    chosen_SD, features_KD = np.split(features_KD, [num_chosen])
    count = len(features_KD)
    expected = by_definition(features_KD, chosen_SD, count, start)
    assert expected[:start] == list(range(start))
    assert first_picks(features_KD, chosen_SD, count, start=start).tolist() == expected


@each_kind
def test_picks_are_those_of_the_definition_with_the_blocks_of_real_use(first_picks):
    features_KD = np.random.default_rng(3).normal(size=(3000, 16)).astype(np.float32)
    expected = by_definition(features_KD, features_KD[:0], 700, start=100)
    assert first_picks(features_KD, features_KD[:0], 700, start=100).tolist() == expected


@each_kind
def test_picks_by_hand(first_picks):
    features_KD = np.array([[0.0], [1.0], [5.0], [9.0], [10.0]])  # their mean is 5
    # 0 and 10 are both 5 away; then 9 and 1 are both 1 away from what is picked.
    assert first_picks(features_KD, NONE[:, :1], 5).tolist() == [2, 0, 4, 1, 3]
    assert first_picks(features_KD, np.array([[0.0]]), 3).tolist() == [4, 2, 1]


@each_kind
def test_a_bound_outside_the_active_candidates_wins_a_tie_by_its_position(first_picks, monkeypatch):
    for module in (k_centers_search, k_centers_torch):
        monkeypatch.setattr(module, "NUM_ACTIVE", 2)
    # After 12 is picked, 9 falls to the distance at which 3 was left.
    features_KD = np.array([[3.0], [9.0], [12.0]])
    assert first_picks(features_KD, np.array([[0.0]]), 3).tolist() == [2, 0, 1]


@each_kind
def test_identical_points_are_all_picked_once(first_picks):
    for count in (1, 2000):
        picks = first_picks(np.full((2000, 4), 0.1), NONE.repeat(2, axis=1), count)
        assert picks.tolist() == list(range(count))


@each_kind
def test_a_copy_of_a_centre_comes_after_all_others(first_picks):
    rng = np.random.default_rng(4)
    chosen_SD = rng.normal(size=(20, 5)).astype(np.float32)
    features_KD = np.concatenate([chosen_SD, rng.normal(size=(50, 5)).astype(np.float32)])
    picks = first_picks(features_KD, chosen_SD, 70)
    assert sorted(picks[:50]) == list(range(20, 70))
    assert picks[50:].tolist() == list(range(20))


@each_kind
def test_nothing_asked_for_is_nothing_picked(first_picks):
    assert first_picks(np.empty((0, 2)), NONE, 0).tolist() == []
    assert first_picks(np.ones((3, 2)), NONE, 0, start=2).tolist() == []
    # A longer start is cut.
    assert first_picks(np.ones((5, 2)), NONE, 2, start=1000).tolist() == [0, 1]


points = arrays(
    np.float64,
    st.tuples(st.integers(1, 40), st.integers(1, 3)),
    elements=st.integers(-3, 3).map(float),
)


@each_kind
@settings(max_examples=20)
@given(points, st.integers(0, 10), st.integers(0, 5))
def test_whatever_the_points_are_picks_are_those_of_the_definition(
    first_picks, features_KD, num_chosen, start
):
    chosen_SD, features_KD = features_KD[:num_chosen], features_KD[num_chosen:]
    count, start = len(features_KD), min(start, len(features_KD))
    with pytest.MonkeyPatch.context() as patch:
        for module in (k_centers_search, k_centers_torch):
            patch.setattr(module, "NUM_ACTIVE", 3)
        patch.setattr(k_centers_search, "PICKS_PER_UPDATE", 2)
        picks = first_picks(features_KD, chosen_SD, count, start).tolist()
    assert sorted(picks) == list(range(count))
    if count:
        assert picks == by_definition(features_KD, chosen_SD, count, start)


@each_kind
@settings(max_examples=20)
@given(points, st.data())
def test_a_smaller_budget_is_the_first_part_of_a_larger_one(first_picks, features_KD, data):
    count = data.draw(st.integers(0, len(features_KD)))
    everything = first_picks(features_KD, features_KD[:0], len(features_KD))
    assert np.array_equal(first_picks(features_KD, features_KD[:0], count), everything[:count])


# --- torch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize("num_chosen", [0, 30])
def test_the_rounding_of_tf32_decides_no_pick(make, num_chosen, small_blocks, monkeypatch):
    exact_product = torch.Tensor.__matmul__

    def tf32(matrix):
        """Keep ten bits of each fraction; the others are cut off."""
        return (matrix.contiguous().view(torch.int32) & ~0x1FFF).view(torch.float32)

    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda x, y: exact_product(tf32(x), tf32(y)))
    features_KD = make(np.random.default_rng(5)).astype(np.float32)
    chosen_SD, features_KD = features_KD[:num_chosen], features_KD[num_chosen:]
    expected = by_definition(features_KD, chosen_SD, NUM // 2)
    assert with_torch(features_KD, chosen_SD, NUM // 2).tolist() == expected


def test_a_squared_distance_is_summed_by_halves_whatever_stands_beside_it():
    points_BD = torch.from_numpy(np.random.default_rng(6).normal(size=(50, 5)))
    # Terms 0 and 3, 1 and 4; then that of 0 and term 2; then the rest.
    a, b, c, d, e = (points_BD**2).T
    expected_B = ((a + d) + c) + (b + e)
    assert torch.equal(squared_distance(points_BD, torch.zeros(5)), expected_B)
    assert torch.equal(squared_distance(points_BD[7:8], torch.zeros(1, 5)), expected_B[7:8])


@pytest.mark.parametrize(
    ("there", "device", "kind"),
    [(False, "cpu", NumpyMinima), (True, "cpu", NumpyMinima), (True, "cuda", TorchMinima)],
)
def test_torch_is_used_where_there_is_a_gpu(there, device, kind, monkeypatch):
    def device_name():
        assert there, "it imports torch"
        return device

    monkeypatch.setattr(k_centers_search, "has_gpu", lambda: there)
    monkeypatch.setattr(k_centers_search, "device_name", device_name)
    monkeypatch.setattr(k_centers_torch, "TorchMinima", partial(TorchMinima, device="cpu"))
    found = k_centers_search.minima_here(np.ones((3, 2)))
    assert isinstance(found, kind)
