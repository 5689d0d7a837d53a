"""Mini-batches of gradients: how they are drawn."""

import numpy as np

from stages.predict_pool import gradient_batches

IDS = [f"sample-{row}" for row in range(60)]


def test_mini_batches_hold_different_samples():
    drawn = gradient_batches.draw(IDS, 16, random_seed=0)
    assert len(drawn) == 100
    for rows_B in drawn:
        assert (len(rows_B), rows_B.dtype) == (16, np.int64)
        assert (np.diff(rows_B) > 0).all()
    assert len({tuple(rows_B) for rows_B in drawn}) == 100


def test_all_samples_are_as_likely():
    drawn = gradient_batches.draw(IDS, 30, random_seed=0)
    counts_N = np.bincount(np.concatenate(drawn), minlength=60)
    # Each is in half of 100 batches, with a standard deviation of 5.
    assert counts_N.min() >= 50 - 5 * 5
    assert counts_N.max() <= 50 + 5 * 5


def test_a_pool_smaller_than_a_batch_is_the_batch():
    for rows_B in gradient_batches.draw(IDS[:5], 16, random_seed=0):
        assert rows_B.tolist() == [0, 1, 2, 3, 4]


def test_the_seed_decides_the_draw():
    first, again, other = (gradient_batches.draw(IDS, 16, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_permuting_the_pool_permutes_the_rows():
    order = np.random.default_rng(0).permutation(60)
    turned = gradient_batches.draw([IDS[row] for row in order], 16, random_seed=0)
    for rows_B, turned_B in zip(gradient_batches.draw(IDS, 16, 0), turned, strict=True):
        assert sorted(order[turned_B].tolist()) == rows_B.tolist()
