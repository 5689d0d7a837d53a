"""The share of true losses: by hand where noise is next to none."""

import numpy as np
import pytest

from benchmarks import race_share
from benchmarks.race_share import share_and_bound


def test_without_noise_the_share_is_what_was_counted():
    share, bound = share_and_bound(np.array([-2.0, 1.0, 1.0, 3.0]), np.full(4, 0.05), loss=0.3)

    assert share == pytest.approx(0.25)
    assert bound > 0.25


def test_of_clear_gains_alone_the_bound_is_that_of_no_failure():
    # As Clopper and Pearson: 59 races without a failure show less than 5 %.
    share, bound = share_and_bound(np.full(59, 3.0), np.full(59, 0.2), loss=0.3)

    assert share == pytest.approx(0, abs=1e-6)
    assert bound == pytest.approx(1 - 0.05 ** (1 / 59), abs=1e-3)


def test_what_noise_may_have_made_does_not_count_as_a_loss_but_leaves_it_possible():
    gain_N = np.random.default_rng(0).normal(0, 2, 60)

    share, bound = share_and_bound(gain_N, np.full(60, 2.0), loss=1.0)

    assert np.mean(gain_N < -1) > 0.2
    assert share < 0.05 < bound


def test_losses_as_large_as_the_noise_are_found():
    truth = race_share.TRUTHS["10 % lose 1"]

    share, bound = race_share.simulated(truth, np.full(100, 0.5), np.random.default_rng(0))

    assert share > 0.02
    assert truth.share < bound
