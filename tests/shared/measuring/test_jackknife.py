"""Pseudo-values of classes: against scikit-learn's metrics with each sample left out."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from stages.shared.measuring import jackknife


def balanced_accuracy(predicted_T, targets_T):
    return recall_score(targets_T, predicted_T, labels=np.unique(targets_T), average="macro")


def macro_f1(predicted_T, targets_T):
    present = np.unique(targets_T)
    return f1_score(targets_T, predicted_T, labels=present, average="macro", zero_division=0.0)


METRICS = {"balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}


def predictions(seed, num=60, num_classes=5):
    """Return predictions and targets; the last class is rare, and one is never predicted."""
    rng = np.random.default_rng(seed)
    targets_T = rng.choice(num_classes, num, p=[0.4, 0.3, 0.2, 0.08, 0.02])
    is_wrong_T = rng.random(num) < 0.4
    predicted_T = np.where(is_wrong_T, rng.integers(0, num_classes - 1, num), targets_T)
    return predicted_T, targets_T


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", range(2))
def test_each_sample_is_left_out_in_turn(metric, seed):
    predicted_T, targets_T = predictions(seed)
    measure = METRICS[metric]
    whole, num = measure(predicted_T, targets_T), len(targets_T)
    kept = [np.arange(num) != row for row in range(num)]
    without = np.array([measure(predicted_T[rows], targets_T[rows]) for rows in kept])
    found = jackknife.of_classes(metric, predicted_T, targets_T)
    np.testing.assert_allclose(found, jackknife.pseudo_values(whole, without))
    assert found.mean() == pytest.approx(whole)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", range(2))
def test_the_metric_itself_has_the_bits_of_scikit_learn(metric, seed):
    predicted_T, targets_T = predictions(seed, num=1000, num_classes=5)
    for num in (3, 1000):  # of 3 samples some classes are absent
        found = jackknife.mean_over_classes(metric, predicted_T[:num], targets_T[:num])
        assert found == METRICS[metric](predicted_T[:num], targets_T[:num])


@pytest.mark.parametrize("metric", METRICS)
def test_a_class_that_the_split_lacks_is_in_no_mean_though_it_is_predicted(metric):
    targets_T, predicted_T = np.array([0, 0, 1, 1, 1]), np.array([0, 3, 1, 3, 0])
    measure = METRICS[metric]
    without = np.array(
        [measure(np.delete(predicted_T, row), np.delete(targets_T, row)) for row in range(5)]
    )
    found = jackknife.of_classes(metric, predicted_T, targets_T)
    np.testing.assert_allclose(
        found, jackknife.pseudo_values(measure(predicted_T, targets_T), without)
    )


@pytest.mark.parametrize("metric", METRICS)
def test_where_all_is_right_no_sample_says_anything_but_that(metric):
    targets_T = np.array([0, 0, 1, 2])
    assert jackknife.of_classes(metric, targets_T, targets_T).tolist() == [1.0] * 4


def test_a_rare_class_counts_as_much_as_a_common_one():
    """Recalls of 1 and 1/2, in the mean 3/4; each sample of the second class moves its recall."""
    targets_T, predicted_T = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    found = jackknife.of_classes("balanced_accuracy", predicted_T, targets_T)
    without = np.array([0.75, 0.75, 0.5, 1.0])
    assert found.tolist() == pytest.approx((0.75 + 3 * (0.75 - without)).tolist())
