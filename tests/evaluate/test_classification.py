"""What predictions are worth, against scikit-learn, a plain loop and numbers done by hand."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss

from stages.evaluate import classification as metrics
from stages.evaluate.classification import METRICS
from stages.shared.artifacts import Checkpoint

NAMES = ["ant", "bee", "cat", "dog"]


def probabilities(num_members=3, num_samples=200, num_classes=4):
    rng = np.random.default_rng(0)
    logits_MTC = rng.normal(size=(num_members, num_samples, num_classes)) * 2
    exp_MTC = np.exp(logits_MTC)
    return (exp_MTC / exp_MTC.sum(axis=2, keepdims=True)).astype(np.float32)


def outcomes(probs_MTC, targets_T, batch_size=64):
    starts = range(0, len(targets_T), batch_size)
    batches = [
        (slice(start, start + batch_size), probs_MTC[:, start : start + batch_size])
        for start in starts
    ]
    return metrics.collect(batches, targets_T, len(probs_MTC))


@pytest.fixture(name="targets_T")
def random_targets():
    return np.random.default_rng(1).integers(0, 4, 200)


def test_two_members_and_their_ensemble_are_collected_as_done_by_hand():
    probs_MTC = np.array([[[0.75, 0.25], [0.5, 0.5]], [[0.0, 1.0], [0.25, 0.75]]], dtype=np.float32)
    found = outcomes(probs_MTC, np.array([0, 1]), batch_size=1)
    assert found.predicted_MT.tolist() == [[0, 0], [1, 1], [1, 1]]
    assert found.confidence_MT.tolist() == [[0.75, 0.5], [1.0, 0.75], [0.625, 0.625]]
    assert found.label_probability_MT.tolist() == [[0.75, 0.5], [0.0, 0.75], [0.375, 0.625]]
    assert found.correct_MT.tolist() == [[True, False], [False, True], [False, True]]


@pytest.mark.parametrize("batch_size", [1, 7, 200])
def test_the_size_of_a_batch_changes_no_bit(targets_T, batch_size):
    probs_MTC = probabilities()
    whole, parts = outcomes(probs_MTC, targets_T, 200), outcomes(probs_MTC, targets_T, batch_size)
    for name in ("predicted_MT", "confidence_MT", "label_probability_MT"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


@pytest.mark.parametrize("row", range(4))
def test_every_metric_is_that_of_scikit_learn(targets_T, row):
    probs_MTC = probabilities()
    rows = [*probs_MTC.astype(np.float64), probs_MTC.astype(np.float64).mean(axis=0)]
    predicted_T = rows[row].argmax(axis=1)
    found = metrics.measure(outcomes(probs_MTC, targets_T), row)
    assert found["accuracy"] == (predicted_T == targets_T).mean()
    assert found["balanced_accuracy"] == balanced_accuracy_score(targets_T, predicted_T)
    assert found["macro_f1"] == f1_score(targets_T, predicted_T, average="macro")
    normalised_TC = rows[row] / rows[row].sum(axis=1, keepdims=True)
    assert found["log_loss"] == pytest.approx(log_loss(targets_T, normalised_TC), abs=1e-6)
    assert found["calibration_error"] == pytest.approx(
        calibration_error_in_a_loop(rows[row], targets_T), abs=1e-9
    )


def calibration_error_in_a_loop(probs_TC, targets_T):
    total = 0.0
    confidence_T, right_T = probs_TC.max(axis=1), probs_TC.argmax(axis=1) == targets_T
    for number in range(15):
        inside_T = (confidence_T >= number / 15) & (confidence_T < (number + 1) / 15)
        if inside_T.any():
            total += inside_T.sum() * abs(right_T[inside_T].mean() - confidence_T[inside_T].mean())
    return total / len(targets_T)


def test_a_class_that_the_split_lacks_counts_neither_for_nor_against_a_mean_over_classes():
    # Class 2 is predicted once and never right; of the two present classes recall is 1/2 and 1,
    # F1 2/3 and 1. That class 0 was taken for class 2 is in its own F1 already.
    probs_TC = np.eye(4, dtype=np.float32)[[0, 2, 1]]
    found = metrics.measure(outcomes(probs_TC[None], np.array([0, 0, 1])), 0)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


def test_a_label_of_probability_0_costs_a_finite_87_nats():
    assert metrics.log_loss(np.array([0.0, 1.0])) == pytest.approx(87.33654475 / 2)


def test_the_mean_over_the_members_is_not_the_ensemble(targets_T):
    test = outcomes(probabilities(), targets_T)
    checkpoints = [Checkpoint(member, 9, 0.5, True, True) for member in range(3)]
    found = metrics.measured(checkpoints, validation=test, test=test, class_names=NAMES)
    assert [values["member"] for values in found.members] == [0, 1, 2]
    assert {values["epoch"] for values in found.members} == {9}
    for name in METRICS:
        assert found.mean[name] == pytest.approx(
            np.mean([values[name] for values in found.members])
        )
    assert found.ensemble["accuracy"] == test.correct_MT[3].mean() != found.mean["accuracy"]
    assert found.ensemble["validation_accuracy"] == found.ensemble["accuracy"]
    np.testing.assert_array_equal(found.values["accuracy"], test.correct_MT[:3])
    np.testing.assert_array_equal(found.values["ensemble_accuracy"], test.correct_MT[3:])
    for name, values_MT in found.values.items():
        np.testing.assert_allclose(values_MT.mean(axis=1), found.reached(name))
    assert found.reached("ensemble_macro_f1") == [found.ensemble["macro_f1"]]


def test_each_class_has_its_samples_and_the_share_that_the_members_get_right():
    probs_MTC = np.eye(4, dtype=np.float32)[[[0, 0, 1], [0, 1, 1]]]
    test = outcomes(probs_MTC, np.array([0, 0, 1]))
    checkpoints = [Checkpoint(member, 1, 0.5, True, True) for member in range(2)]
    found = metrics.measured(checkpoints, validation=test, test=test, class_names=NAMES)
    assert found.by_class == {
        "ant": {"num": 2, "accuracy": 0.75},
        "bee": {"num": 1, "accuracy": 1.0},
        "cat": {"num": 0, "accuracy": None},
        "dog": {"num": 0, "accuracy": None},
    }


def test_a_confidence_of_1_lies_in_the_last_bin():
    assert metrics.calibration_error(np.ones(4), np.array([True] * 3 + [False])) == 0.25


@pytest.mark.slow  # torchmetrics takes seconds to import
def test_the_calibration_error_is_that_of_torchmetrics():
    import torch
    from torchmetrics.functional.classification import binary_calibration_error

    rng = np.random.default_rng(3)
    confidence_T = rng.random(500)
    correct_T = rng.random(500) < confidence_T**2
    expected = binary_calibration_error(
        torch.from_numpy(confidence_T), torch.from_numpy(correct_T.astype(np.int64)), n_bins=15
    )
    found = metrics.calibration_error(confidence_T, correct_T)
    assert found == pytest.approx(float(expected), abs=1e-6)
