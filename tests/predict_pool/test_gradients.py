"""Norms of single samples' gradients against a loop of backward passes in float64."""

import copy
import math
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from stages.predict_pool import gradients
from stages.shared import models, tasks
from stages.shared.networks.layers import Classifier
from stages.shared.prediction import forward_passes
from stages.shared.prediction.forward_passes import ForwardPass
from stages.shared.settings.sections import GradientNorm

TASK = tasks.load("image_classification")
NORMS = ("l1", "l2", "linf")
BY_BACKWARD = ("all", "biases", "weights")
OF_LAST_LAYER = ("last_layer", "last_layer_weights")
NUM = 7

pytestmark = pytest.mark.usefixtures("on_cpu")


@cache
def trained(name):
    """Return a model after a few steps, so that its normalisations have seen something."""
    torch.manual_seed(0)
    model = models.build(name, 3, [8, 8, 1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        images_BKHW = 2 * torch.randn(16, 1, 8, 8) + 1
        F.cross_entropy(model(images_BKHW), torch.randint(0, 3, (16,))).backward()
        optimizer.step()
    optimizer.zero_grad()
    return model.eval().to(memory_format=torch.channels_last)


@pytest.fixture(scope="module", params=["resnet8", "cnn_mnist"])
def model(request):
    """One with normalisations and without biases of convolutions, one the other way round."""
    return trained(request.param)


def samples(num=NUM):
    generator = torch.Generator().manual_seed(1)
    inputs_BKHW = 2 * torch.randn(num, 1, 8, 8, generator=generator) + 1
    targets_B = torch.randint(0, 3, (num,), generator=generator)
    return inputs_BKHW.contiguous(memory_format=torch.channels_last), targets_B


def found(model, norm, parameters, num=NUM):
    inputs_BKHW, targets_B = samples(num)
    forward = forward_passes.forward(TASK, model, inputs_BKHW, "fp32")
    settings = GradientNorm(norm=norm, parameters=parameters)
    return (
        gradients.sample_norms(TASK, forward, targets_B, settings),
        gradients.norm_of_sum(TASK, forward, targets_B, settings),
    )


def gradient_by_hand(model, inputs_BKHW, targets_B, parameters):
    """Return the gradient of the summed loss, float64, flat; parameters chosen by their layer."""
    exact = copy.deepcopy(model).double()
    logits_BC = exact(inputs_BKHW.double())
    F.cross_entropy(logits_BC, targets_B, reduction="sum").backward()
    if parameters in OF_LAST_LAYER:
        layers = [exact.classifier]
    else:
        kinds = nn.Conv2d | nn.Linear | nn.BatchNorm2d
        layers = [layer for layer in exact.modules() if isinstance(layer, kinds)]
    chosen = []
    for layer in layers:
        if parameters != "biases":
            chosen.append(layer.weight)
        if layer.bias is not None and parameters in ("biases", "all", "last_layer"):
            chosen.append(layer.bias)
    return torch.cat([parameter.grad.flatten() for parameter in chosen]).numpy()


def norm_by_hand(gradient, norm):
    return {
        "l1": abs(gradient).sum(),
        "l2": (gradient**2).sum() ** 0.5,
        "linf": abs(gradient).max(),
    }[norm]


# --- what they are --------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [*BY_BACKWARD, *OF_LAST_LAYER])
def test_norms_are_those_of_a_loop_over_single_samples(model, parameters):
    inputs_BKHW, targets_B = samples()
    gradient_B = [
        gradient_by_hand(model, inputs_BKHW[row : row + 1], targets_B[row : row + 1], parameters)
        for row in range(NUM)
    ]
    for norm in NORMS:
        norm_B, norm_of_sum = found(model, norm, parameters)
        assert norm_B.dtype == torch.float64
        expected_B = [norm_by_hand(gradient, norm) for gradient in gradient_B]
        np.testing.assert_allclose(norm_B, expected_B, rtol=1e-5, atol=1e-8)
        assert np.ptp(expected_B) > 0.01
        expected = norm_by_hand(sum(gradient_B), norm)
        assert norm_of_sum.item() == pytest.approx(expected, rel=1e-5)
        assert expected < 0.999 * sum(expected_B)


# A linear classifier of two pixels into two classes, the weights of the identity.
@pytest.fixture
def identity():
    model = Classifier(nn.Flatten(), 2, 2)
    with torch.no_grad():
        model.classifier.weight.copy_(torch.eye(2))
        model.classifier.bias.zero_()
    return model.eval()


def norm_of_one(model, pixels, target, norm, parameters):
    forward = forward_passes.forward(TASK, model, torch.tensor(pixels).view(1, 2, 1, 1), "fp32")
    settings = GradientNorm(norm=norm, parameters=parameters)
    return gradients.sample_norms(TASK, forward, torch.tensor([target]), settings).item()


@pytest.mark.parametrize(
    ("norm", "parameters", "expected"),
    [
        ("l1", "last_layer_weights", 1.0 * 7.0),  # r = (-1/2, 1/2), h = (3, -4) and for the bias 1
        ("l2", "last_layer_weights", math.sqrt(0.5) * 5.0),
        ("linf", "last_layer_weights", 0.5 * 4.0),
        ("l1", "last_layer", 1.0 * 8.0),
        ("l2", "last_layer", math.sqrt(0.5) * math.sqrt(26.0)),
        ("linf", "last_layer", 0.5 * 4.0),
        ("l1", "weights", 7.0),
        ("l1", "biases", 1.0),
        ("l2", "biases", math.sqrt(0.5)),
        ("linf", "all", 2.0),
    ],
)
def test_the_gradient_of_a_linear_classifier_by_hand(identity, norm, parameters, expected):
    with torch.no_grad():
        identity.classifier.weight.zero_()
    value = norm_of_one(identity, [3.0, -4.0], 0, norm, parameters)
    assert value == pytest.approx(expected, rel=1e-7)


def test_the_bias_counts_where_all_inputs_are_below_one(identity):
    assert norm_of_one(identity, [0.25, 0.25], 0, "linf", "last_layer") == 0.5
    assert norm_of_one(identity, [0.25, 0.25], 0, "linf", "last_layer_weights") == 0.125


# --- probabilities near 0 and 1 -------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [*BY_BACKWARD, *OF_LAST_LAYER])
def test_a_sure_model_has_no_gradient_where_it_is_right_and_a_finite_one_where_it_is_wrong(
    identity, parameters
):
    for norm, length in (("l1", 2.0), ("l2", math.sqrt(2)), ("linf", 1.0)):
        assert norm_of_one(identity, [1e4, -1e4], 0, norm, parameters) == 0.0
        value = norm_of_one(identity, [1e4, -1e4], 1, norm, parameters)
        expected = length if parameters == "biases" else length * length * 1e4
        assert value == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("gap", [20.0, 40.0, 80.0])
def test_digits_are_kept_where_the_probability_rounds_to_one(identity, gap):
    """r = (-q, q) with q = 1 / (1 + e^gap); in float32, and at 40 in float64, 1 - p is 0."""
    assert torch.tensor([gap, 0.0]).softmax(0)[0] == 1
    value = norm_of_one(identity, [gap, 0.0], 0, "l1", "last_layer_weights")
    assert value == pytest.approx(2 * gap / (1 + math.exp(gap)), rel=1e-12)


def test_backward_passes_keep_them_as_far_as_float64_does(identity):
    value = norm_of_one(identity, [20.0, 0.0], 0, "l1", "weights")
    assert value == pytest.approx(2 * 20 / (1 + math.exp(20)), rel=1e-6)


def test_small_gradients_do_not_vanish_when_they_are_squared(identity):
    """1e-30 squared is 0 in float32."""
    value = norm_of_one(identity, [70.0, 0.0], 0, "l2", "weights")
    assert 0 < value < 1e-27


# --- properties of the closed form ----------------------------------------------------------------

factors = st.integers(1, 4).flatmap(
    lambda num: st.tuples(
        hnp.arrays(np.float32, (num, 3), elements=st.floats(-30, 30, width=32)),
        hnp.arrays(np.float32, (num, 5), elements=st.floats(-100, 100, width=32)),
        hnp.arrays(np.int64, num, elements=st.integers(0, 2)),
    )
)

few_examples = settings(max_examples=20)  # torch takes a while


def of_factors(data, norm, parameters):
    logits_BC, features_BD, targets_B = map(torch.from_numpy, data)
    forward = ForwardPass(None, None, features_BD, logits_BC, "fp32")
    settings = GradientNorm(norm=norm, parameters=parameters)
    return (
        gradients.sample_norms(TASK, forward, targets_B, settings).numpy(),
        gradients.norm_of_sum(TASK, forward, targets_B, settings).item(),
    )


@few_examples
@given(factors)
def test_norms_of_the_last_layer_are_in_their_order_and_the_bias_adds_to_them(data):
    for parameters in OF_LAST_LAYER:
        l1_B, l2_B, linf_B = (of_factors(data, norm, parameters)[0] for norm in NORMS)
        assert np.isfinite(l1_B).all()
        assert (linf_B >= 0).all()
        assert (linf_B <= l2_B * (1 + 1e-12)).all()
        assert (l2_B <= l1_B * (1 + 1e-12)).all()
    with_bias_B, of_weights_B = (of_factors(data, "l2", name)[0] for name in OF_LAST_LAYER)
    assert (with_bias_B >= of_weights_B).all()


@few_examples
@given(factors, st.sampled_from(NORMS), st.sampled_from(OF_LAST_LAYER))
def test_the_sum_of_norms_bounds_the_norm_of_the_sum(data, norm, parameters):
    """The triangle inequality (Vodrahalli et al. 2018, eq. 6)."""
    norm_B, norm_of_sum = of_factors(data, norm, parameters)
    assert norm_of_sum <= norm_B.sum() * (1 + 1e-12)


@few_examples
@given(factors, st.sampled_from(NORMS), st.sampled_from(OF_LAST_LAYER))
def test_each_sample_is_taken_by_itself(data, norm, parameters):
    norm_B, _ = of_factors(data, norm, parameters)
    for row in range(len(norm_B)):
        one = [part[row : row + 1] for part in data]
        (alone,), of_sum = of_factors(one, norm, parameters)
        assert alone == pytest.approx(norm_B[row], rel=1e-14)
        assert of_sum == pytest.approx(alone, rel=1e-12)


# --- micro-batches --------------------------------------------------------------------------------


@pytest.fixture
def batch_sizes(monkeypatch):
    """Note how many samples each loss is of, those that measure memory included.

    A loss of the passes side by side is of one: vmap hides that there are more.
    """
    sizes, loss = [], TASK.loss

    def watched(logits_BC, targets_B, label_smoothing):
        sizes.append(len(targets_B))
        return loss(logits_BC, targets_B, label_smoothing)

    monkeypatch.setattr(TASK, "loss", watched)
    return sizes


def bytes_of_one(model, inputs_BKHW):
    targets_B = torch.zeros(len(inputs_BKHW), dtype=torch.int64)
    return gradients.bytes_of_one(gradients.Loss(TASK, model), inputs_BKHW, targets_B)


def of_sum(model, num_bytes, norm="l2", parameters="all"):
    inputs_BKHW, targets_B = samples()
    settings = GradientNorm(norm=norm, parameters=parameters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradients, "MOST_BYTES", num_bytes)
        forward = forward_passes.forward(TASK, model, inputs_BKHW, "fp32")
        return gradients.norm_of_sum(TASK, forward, targets_B, settings).item()


@pytest.mark.parametrize(
    ("bytes_for", "num_micro_batches"), [(0, 7), (1.9, 7), (2, 4), (3, 3), (99, 1)]
)
def test_no_more_backward_passes_run_side_by_side_than_the_bytes_hold(
    monkeypatch, batch_sizes, bytes_for, num_micro_batches
):
    """Each takes what is kept of its forward pass, and its gradient."""
    model = trained("resnet8")
    inputs_BKHW, targets_B = samples()
    forward = forward_passes.forward(TASK, model, inputs_BKHW, "fp32")
    settings = GradientNorm(norm="l2", parameters="all")
    expected_B = gradients.sample_norms(TASK, forward, targets_B, settings)
    gradient = 4 * sum(parameter.numel() for parameter in model.parameters())
    of_one = bytes_of_one(model, inputs_BKHW) + gradient
    monkeypatch.setattr(gradients, "MOST_BYTES", int(of_one * bytes_for))
    batch_sizes.clear()
    norm_B = gradients.sample_norms(TASK, forward, targets_B, settings)
    assert batch_sizes == [1] * (1 + num_micro_batches)
    np.testing.assert_allclose(norm_B, expected_B, rtol=1e-6)


@pytest.mark.parametrize(
    ("bytes_for", "expected"), [(0, [1] * 7), (1.9, [1] * 7), (2, [2, 2, 2, 1]), (99, [7])]
)
def test_a_sum_takes_no_more_samples_at_a_time_than_the_bytes_hold(
    batch_sizes, bytes_for, expected
):
    model = trained("resnet8")
    of_one = bytes_of_one(model, samples()[0])
    batch_sizes.clear()
    of_sum(model, int(of_one * bytes_for))
    assert batch_sizes == [1, *expected]


@pytest.mark.parametrize(("norm", "parameters"), [("linf", "all"), ("l2", "biases")])
def test_a_sum_in_parts_is_the_sum(model, norm, parameters):
    of_one = bytes_of_one(model, samples()[0])
    whole = of_sum(model, 99 * of_one, norm, parameters)
    for num_samples in (0, 3):
        parts = of_sum(model, num_samples * of_one, norm, parameters)
        assert parts == pytest.approx(whole, rel=1e-5)
        assert of_sum(model, num_samples * of_one, norm, parameters) == parts


def two_layers(num_hidden):
    """Four pixels into two classes, by way of a normalised and activated hidden layer."""
    layers = [nn.Flatten(), nn.Linear(4, num_hidden), nn.BatchNorm1d(num_hidden), nn.ReLU()]
    return Classifier(nn.Sequential(*layers), num_hidden, 2).eval()


@pytest.mark.parametrize("num_hidden", [3, 5, 1000])
def test_a_sample_takes_what_its_forward_pass_keeps_and_no_weights(num_hidden):
    """The normalisation's input; the activation, which the last layer keeps as well.

    Then two probabilities of the loss and its one weight, in float64.
    """
    found = bytes_of_one(two_layers(num_hidden), torch.ones(6, 1, 2, 2))
    assert found == 4 * num_hidden + 4 * num_hidden + 8 * 2 + 8


def test_a_sample_takes_what_a_batch_takes_more_for_it(model):
    """Of a whole network: what is kept for three samples and not for two."""
    inputs_BKHW, targets_B = samples()
    loss = gradients.Loss(TASK, model)

    def kept(num):
        saved = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: saved.setdefault(tensor.data_ptr(), tensor), lambda tensor: tensor
        ):
            loss(inputs_BKHW[:num].clone(), targets_B[:num].clone())
        return sum(tensor.nbytes for tensor in saved.values())

    batch = inputs_BKHW[0].nbytes + targets_B[0].nbytes
    found = bytes_of_one(model, inputs_BKHW)
    assert found == pytest.approx(kept(3) - kept(2) - batch, abs=8)  # the loss's weight
    assert found > 4 * 16 * 8 * 8


# --- what else they leave alone -------------------------------------------------------------------


def test_backward_passes_run_on_one_thread_and_leave_the_others(monkeypatch):
    """More would change the last bits, and how many there are depends on the machine."""
    threads, loss, before = [], TASK.loss, torch.get_num_threads()

    def watched(*arguments):
        threads.append(torch.get_num_threads())
        return loss(*arguments)

    monkeypatch.setattr(TASK, "loss", watched)
    try:
        torch.set_num_threads(2)
        found(trained("cnn_mnist"), "l2", "all")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert threads == [2, 1, 1, 1]  # of single samples, to measure and to do; of their sum


def test_no_gradient_is_left_in_the_model(model):
    before = copy.deepcopy(model.state_dict())
    norm_B, norm_of_sum = found(model, "l2", "all")
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not norm_B.requires_grad
    assert not norm_of_sum.requires_grad
    assert all(torch.equal(before[name], part) for name, part in model.state_dict().items())
