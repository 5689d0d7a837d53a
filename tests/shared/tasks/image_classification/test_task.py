"""The signals of a task against plain float64 arithmetic."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stages.shared import models, tasks
from stages.shared.artifacts import SIGNAL_DTYPES

TASK = tasks.load("image_classification")


def logits_and_targets(num_voters=5, num=200, num_classes=7, scale=3.0):
    rng = np.random.default_rng(0)
    logits_MNC = rng.normal(0, scale, (num_voters, num, num_classes)).astype(np.float32)
    return logits_MNC, rng.integers(0, num_classes, num)


def signals_of(logits_MNC, targets_N):
    probs_MNC = torch.stack([TASK.probabilities(torch.from_numpy(part)) for part in logits_MNC])
    signals = TASK.signals(probs_MNC, torch.from_numpy(targets_N))
    return {name: signal.numpy() for name, signal in signals.items()}


def plain_signals(logits_MNC, targets_N):
    """The definitions, sample by sample, with scipy's softmax and entropy."""
    probs_MNC = scipy.special.softmax(logits_MNC.astype(np.float64), axis=2)
    rows = {name: [] for name in SIGNAL_DTYPES}
    for number, target in enumerate(targets_N):
        probs_MC = probs_MNC[:, number]
        mean_C = sum(probs_MC) / len(probs_MC)
        second, first = sorted(mean_C)[-2:]
        rows["votes_MN"].append([int(np.argmax(probs_C)) for probs_C in probs_MC])
        rows["predicted_class_N"].append(int(np.argmax(mean_C)))
        rows["predictive_entropy_N"].append(scipy.stats.entropy(mean_C))
        rows["expected_entropy_N"].append(np.mean([scipy.stats.entropy(p_C) for p_C in probs_MC]))
        rows["confidence_N"].append(first)
        rows["margin_N"].append(first - second)
        rows["label_probability_N"].append(mean_C[target])
    return {name: np.array(values).T for name, values in rows.items()}


def test_signals_are_those_of_the_definitions():
    data = logits_and_targets(num=70)
    found, expected = signals_of(*data), plain_signals(*data)
    assert list(found) == list(SIGNAL_DTYPES)
    for name, dtype in SIGNAL_DTYPES.items():
        assert found[name].dtype == dtype
        if np.issubdtype(dtype, np.integer):
            np.testing.assert_array_equal(found[name], expected[name])
        else:
            np.testing.assert_allclose(found[name], expected[name], atol=2e-6)


def test_probabilities_are_averaged_and_not_logits():
    """One voter is sure and one is not: the mean of their logits is far surer than they are."""
    logits_MNC = np.array([[[20.0, 0.0]], [[0.0, 1.0]]], dtype=np.float32)
    found = signals_of(logits_MNC, np.array([0]))
    half = (1 + 1 / (1 + math.e)) / 2

    assert found["confidence_N"] == pytest.approx(half, abs=1e-6)
    assert found["predictive_entropy_N"] == pytest.approx(
        -half * math.log(half) - (1 - half) * math.log(1 - half), abs=1e-6
    )
    of_mean_logits = scipy.special.softmax(logits_MNC.mean(axis=0)[0])[0]
    assert of_mean_logits > 0.9999 > found["confidence_N"][0] + 0.3


def test_sure_voters_have_no_entropy_and_those_that_disagree_have_that_of_their_votes():
    """p = 0 and p = 1 are finite, exactly."""
    probs_MNC = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    found = TASK.signals(probs_MNC, torch.tensor([0, 1]))
    np.testing.assert_array_equal(found["expected_entropy_N"], [0.0, 0.0])
    np.testing.assert_array_equal(found["predictive_entropy_N"], np.float32([0.0, math.log(2)]))
    np.testing.assert_array_equal(found["label_probability_N"], [1.0, 0.5])
    np.testing.assert_array_equal(found["margin_N"], [1.0, 0.0])
    np.testing.assert_array_equal(found["votes_MN"], [[0, 0], [0, 1]])


def test_logits_beyond_what_softmax_can_tell_apart_stay_finite():
    logits_MNC = np.array([[[1e4, -1e4, 0.0], [0.0, 0.0, 0.0]]], dtype=np.float32)
    found = signals_of(logits_MNC, np.array([1, 1]))
    assert all(np.isfinite(signal).all() for signal in found.values())
    np.testing.assert_array_equal(found["label_probability_N"], np.float32([0, 1 / 3]))
    np.testing.assert_allclose(found["predictive_entropy_N"], [0, math.log(3)], atol=1e-7)


def test_equal_probabilities_vote_for_the_lowest_class():
    found = TASK.signals(torch.tensor([[[0.2, 0.4, 0.4]]]), torch.tensor([2]))
    assert (int(found["votes_MN"]), int(found["predicted_class_N"])) == (1, 1)


probabilities = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(2, 6)),
    elements=st.floats(-30, 30, width=32),
)


@settings(max_examples=40)
@given(probabilities)
def test_entropies_are_in_their_range(logits_MNC):
    found = signals_of(logits_MNC, np.zeros(logits_MNC.shape[1], dtype=np.int64))
    expected_N, predictive_N = found["expected_entropy_N"], found["predictive_entropy_N"]
    rounding = 1e-6
    assert (expected_N >= 0).all()
    assert (expected_N <= predictive_N + rounding).all()
    assert (predictive_N <= math.log(logits_MNC.shape[2]) + rounding).all()
    assert (predictive_N - expected_N <= math.log(len(logits_MNC)) + rounding).all()


def test_each_sample_is_reduced_by_itself():
    logits_MNC, targets_N = logits_and_targets(num=40)
    found = signals_of(logits_MNC, targets_N)
    for rows in (slice(0, 1), slice(7, 20), slice(39, 40)):
        for name, signal in signals_of(logits_MNC[:, rows], targets_N[rows]).items():
            np.testing.assert_array_equal(signal, found[name][..., rows])


def test_half_precision_probabilities_are_summed_in_double():
    """In bf16 the sum over many voters would stop growing."""
    probs_MNC = torch.tensor([[[0.25, 0.75]]], dtype=torch.bfloat16).repeat(3000, 1, 1)
    found = TASK.signals(probs_MNC, torch.tensor([0]))
    assert found["label_probability_N"].item() == 0.25


def test_the_loss_is_the_mean_cross_entropy():
    logits_BC = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    targets_B = torch.tensor([0, 2])
    expected = (-math.log(math.e**2 / (math.e**2 + 2)) + math.log(3)) / 2
    assert TASK.loss(logits_BC, targets_B, 0.0).item() == pytest.approx(expected)


def test_the_right_ones_are_counted_and_equal_logits_predict_the_lowest_class():
    logits_BC = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    targets_B = torch.tensor([1, 2, 0, 0])
    assert TASK.is_right(logits_BC, targets_B).tolist() == [True, False, True, True]
    assert TASK.right_and_all(logits_BC, targets_B).tolist() == [3, 4]


def test_the_losss_gradient_is_probability_minus_label():
    logits_BC = torch.tensor([[math.log(2), 0.0, 0.0], [0.0, 0.0, 0.0]])
    found_BC = TASK.loss_gradient(logits_BC, torch.tensor([0, 2]))
    expected_BC = [[-1 / 2, 1 / 4, 1 / 4], [1 / 3, 1 / 3, -2 / 3]]
    assert found_BC.dtype == torch.float64
    np.testing.assert_allclose(found_BC, expected_BC, atol=1e-7)


def test_the_losss_gradient_is_the_one_that_training_follows():
    logits_MBC, targets = logits_and_targets(num_voters=1, num=20)
    logits_BC, targets_B = torch.from_numpy(logits_MBC[0]).double(), torch.from_numpy(targets)
    TASK.loss(logits_BC.requires_grad_(), targets_B, 0.0).backward()
    found_BC = TASK.loss_gradient(logits_BC.detach(), targets_B)
    np.testing.assert_allclose(found_BC, logits_BC.grad * 20, rtol=1e-9, atol=1e-15)


def test_the_losss_gradient_keeps_its_digits_where_the_model_is_sure():
    """p - 1 of the true class is -2e^-60, which float64 rounds to 0."""
    found_BC = TASK.loss_gradient(
        torch.tensor([[60.0, 0.0, 0.0], [1e4, 0.0, 0.0]]), torch.tensor([0, 0])
    )
    tail = math.exp(-60)
    np.testing.assert_allclose(found_BC[0], [-2 * tail, tail, tail], rtol=1e-12)
    np.testing.assert_array_equal(found_BC[1], [0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("order", "expected"), [(1.0, 7.0), (2.0, 25**0.5 * 0.5**0.5), (math.inf, 2)]
)
def test_the_norm_of_an_outer_product_is_that_of_its_entries(order, expected):
    """r = (-1/2, 1/2) and h = (3, -4): the entries are 3/2, 2, 3/2 and 2."""
    r_BC = torch.tensor([[-0.5, 0.5], [0.25, -0.125]], dtype=torch.float64)
    h_BD = torch.tensor([[3.0, -4.0], [0.1, 7.0]], dtype=torch.float64)
    found_B = TASK.outer_product_norm(r_BC, h_BD, order)
    assert found_B[0].item() == pytest.approx(expected)
    entries = np.outer(r_BC[1], h_BD[1]).ravel()
    assert found_B[1].item() == pytest.approx(np.linalg.norm(entries, order))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_last_layers_gradient_norm_is_that_of_its_backward_pass(precision):
    torch.manual_seed(0)
    model = models.build("resnet8", 3, [8, 8, 1]).eval()
    images_BKHW, targets_B = torch.randn(6, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    with torch.inference_mode():
        found_B = TASK.last_layer_gradient_norm(model, images_BKHW, targets_B, precision)
        features_BD = TASK.features(model, images_BKHW, precision)
    assert found_B.dtype == torch.float32
    layer = model.classifier.double()
    for row, found in enumerate(found_B.tolist()):
        logits_BC = layer(features_BD[row : row + 1].double())
        loss = TASK.loss(logits_BC, targets_B[row : row + 1], 0.0)
        (gradient_CD,) = torch.autograd.grad(loss, layer.weight)
        assert found == pytest.approx(gradient_CD.norm().item(), rel=1e-5)


def test_smoothed_labels_spread_their_share_over_all_classes():
    logits_BC = torch.tensor([[2.0, 0.0, 0.0]])
    logs = torch.log_softmax(logits_BC, dim=1)[0]
    expected = -(0.9 * logs[0] + 0.1 * logs.mean())
    assert TASK.loss(logits_BC, torch.tensor([0]), 0.1).item() == pytest.approx(expected.item())
