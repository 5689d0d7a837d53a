"""The splits by groups of near duplicates."""

import numpy as np

from benchmarks.grouped_splits import measured, split


def test_whole_groups_go_to_one_side_until_test_is_full():
    first_N = np.array([0, 0, 2, 2, 2, 5, 6, 6, 8, 8])
    for seed in range(20):
        train, test = split(first_N, 4, seed)
        assert sorted([*train, *test]) == list(range(10))
        assert not set(first_N[train]) & set(first_N[test])
        assert 4 <= len(test) <= 6  # the last group is of three at most
    assert len({tuple(sorted(split(first_N, 4, seed)[1])) for seed in range(20)}) > 5


def test_what_is_near_a_train_sample_is_counted_and_left_out():
    rng = np.random.default_rng(0)
    vectors_ND = rng.normal(size=(40, 8)).astype(np.float32)
    targets_N = np.arange(40) % 2
    vectors_ND[:, 0] = 5 * targets_N
    vectors_ND[30] = 2 * vectors_ND[0]  # near one of train, and labelled otherwise
    targets_N[30] = 1
    found = measured(vectors_ND, targets_N, np.arange(20), np.array([30, 21, 23, 24]))
    assert found == (20, 4, 1, "75.00", "100.00")
