"""The nearest kept sample, by hand and against scipy."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from stages.report.samples import neighbours
from stages.report.samples.neighbours import nearest


def test_the_nearest_is_that_of_the_kept_samples_alone_with_its_distance():
    features_ND = np.array([[0, 0], [3, 4], [1, 0], [0, 2]], dtype=np.float32)
    # Sample 2 is nearer to sample 0, but was not kept.
    near_B, distance_B = nearest(features_ND, np.array([0]), np.array([1, 3]))
    assert (near_B.tolist(), distance_B.tolist()) == ([3], [2.0])


def test_of_equally_near_samples_it_is_the_first():
    features_ND = np.array([[0.0], [1.0], [-1.0]], dtype=np.float32)
    assert nearest(features_ND, np.array([0]), np.array([2, 1]))[0].tolist() == [2]


@pytest.mark.parametrize("at_a_time", [1, 7, 1000])
def test_it_is_the_nearest_however_many_are_read_at_a_time(monkeypatch, at_a_time):
    monkeypatch.setattr(neighbours, "AT_A_TIME", at_a_time)
    features_ND = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    asked_B, kept_P = np.arange(20), np.arange(20, 60)
    distance_BP = cdist(features_ND[asked_B], features_ND[kept_P])
    near_B, distance_B = nearest(features_ND, asked_B, kept_P)
    assert near_B.tolist() == kept_P[distance_BP.argmin(axis=1)].tolist()
    assert distance_B == pytest.approx(distance_BP.min(axis=1))
