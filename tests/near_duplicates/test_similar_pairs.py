"""Pairs, trees and components, against all pairs by hand and by scipy."""

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from stages.near_duplicates import meeting_places as trees
from stages.near_duplicates import search, similar_pairs
from stages.near_duplicates.all_samples import Compared, Stacked
from stages.near_duplicates.components import Components, groups
from stages.near_duplicates.meeting_places import meeting_places


def as_set(found):
    return {(min(pair), max(pair)) for pairs_P2 in found for pair in pairs_P2.tolist()}


def by_scipy(vectors, threshold):
    cosines = 1 - squareform(pdist(vectors.astype(np.float64), "cosine"))
    return {(i, j) for i, j in zip(*np.nonzero(cosines >= threshold), strict=True) if i < j}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("block", [7, 4096])
def test_blocks_find_what_all_pairs_have(dtype, block, monkeypatch):
    monkeypatch.setattr(similar_pairs, "BLOCK", block)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 3)).astype(dtype)
    for threshold in (0.5, 0.9, 0.99):
        found = list(similar_pairs.similar_pairs(vectors, np.arange(60), threshold))
        assert sum(map(len, found)) == len(as_set(found))  # each once
        assert as_set(found) == by_scipy(vectors, threshold)


def test_the_threshold_itself_is_near_enough_and_a_vector_of_zeros_is_like_nothing():
    vectors = np.array([[1, 0], [3, 4], [0, 0], [0, 0]], dtype=np.float32)  # cosine 3/5
    found = [*similar_pairs.similar_pairs(vectors, np.arange(4), 0.6)]
    assert as_set(found) == {(0, 1)}
    assert similar_pairs.cosine(vectors, np.array([[0, 1], [0, 2]])).tolist() == [0.6, 0.0]
    assert as_set(similar_pairs.similar_pairs(vectors, np.arange(4), 0.6 + 1e-9)) == set()


def test_pairs_are_named_by_the_rows_that_were_asked_for():
    vectors = np.ones((5, 2), dtype=np.float32)
    found = similar_pairs.similar_pairs(vectors, np.array([1, 4]), 0.9)
    assert as_set(found) == {(1, 4)}


@settings(max_examples=50)
@for_all(pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11))), step=st.integers(1, 3))
def test_components_are_those_of_one_pair_after_the_other(pairs, step):
    first = list(range(12))
    for one, other in pairs:  # by hand: relabel everything
        low, high = sorted((first[one], first[other]))
        first = [low if label == high else label for label in first]
    components = Components(12)
    for start in range(0, len(pairs), step):
        components.add(np.array(pairs[start : start + step], dtype=np.int64).reshape(-1, 2))
        components.first()  # joined so far
    found = components.first()
    assert found.tolist() == first
    told = {tuple(rows) for rows in map(np.ndarray.tolist, groups(found))}
    wanted = {tuple(n for n in range(12) if first[n] == label) for label in set(first)}
    assert told == {rows for rows in wanted if len(rows) > 1}


def test_each_tree_holds_every_sample_once_in_leaves_of_equal_size(monkeypatch):
    monkeypatch.setattr(trees, "MOST_IN_LEAF", 16)
    vectors = np.random.default_rng(0).standard_normal((100, 8)).astype(np.float16)
    leaves = meeting_places(vectors)
    assert len(leaves) == trees.TREES * 8
    assert {len(leaf) for leaf in leaves} == {12, 13}
    for tree in range(trees.TREES):
        rows = np.concatenate(leaves[8 * tree : 8 * tree + 8])
        assert sorted(rows) == list(range(100))
    assert all(
        np.array_equal(one, other)
        for one, other in zip(leaves, meeting_places(vectors), strict=False)
    )


@pytest.fixture
def planted():
    """2,000 random directions, and 200 of them once more, nearly."""
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((2000, 32))
    near = vectors[:200] + 0.1 * rng.standard_normal((200, 32))
    return np.concatenate([vectors, near]).astype(np.float16)


def searched(vectors, num_train, threshold=0.95):
    digests = np.arange(len(vectors), dtype=np.uint64)
    blank = np.zeros(len(vectors), dtype=bool)
    return search.Search(Compared(Stacked([vectors]), digests, blank), num_train, threshold)


def test_the_exact_search_finds_every_planted_pair(planted):
    found = searched(planted, 2000)
    assert (found.method, found.recall) == ("exact", 1.0)
    assert found.first_N[2000:].tolist() == list(range(200))
    assert found.train_T.tolist() == list(range(2000))  # none of them is a pair of train


def test_the_approximate_search_finds_nearly_all_and_says_how_many(planted, monkeypatch):
    monkeypatch.setattr(search, "MOST_EXACT", 100)
    monkeypatch.setattr(search, "NUM_PROBED", 2200)
    monkeypatch.setattr(trees, "MOST_IN_LEAF", 128)
    found = searched(planted, 2000)
    share = np.mean(found.first_N[2000:] == np.arange(200))
    assert found.method == "approximate"
    assert found.recall == pytest.approx(share)
    assert 0.95 < share <= 1
    assert (found.first_N[:2000] == np.arange(2000)).all()


def test_copies_are_together_even_where_they_have_no_direction():
    vectors = np.zeros((3, 2), dtype=np.float16)
    compared = Compared(Stacked([vectors]), np.array([7, 9, 7], np.uint64), np.ones(3, bool))
    found = search.Search(compared, 3, 0.9)
    assert found.first_N.tolist() == found.copy_N.tolist() == [0, 1, 0]


def test_stacked_arrays_are_read_as_one():
    parts = [np.arange(6).reshape(3, 2).astype(np.float16), np.full((2, 2), 9, np.float16)]
    stacked, whole = Stacked(parts), np.concatenate(parts)
    assert stacked.shape == (5, 2)
    assert np.array_equal(stacked[np.array([4, 0, 2])], whole[[4, 0, 2]])
    assert np.array_equal(stacked[1:4], whole[1:4])
