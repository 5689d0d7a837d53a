"""Tests for stages/shared/networks/convolution_groups.py."""

import pytest
import torch
import toy
from torch import nn
from torch.nn import functional

from stages.shared import artifacts
from stages.shared.networks.convolution_groups import Bias, Maximum, convolution_groups
from stages.shared.training.initial import initial_model


def parts_of(kind, network):
    return [part for part in network.modules() if isinstance(part, kind)]


def test_the_first_filters_pass_the_channels_on():
    network = convolution_groups([32, 48, 48], 10, [32, 32, 3])
    x_BDHW = torch.randn(2, 24, 6, 6)
    first, *others = parts_of(nn.Conv2d, network)[1:]

    assert torch.equal(first(x_BDHW)[:, :24], x_BDHW)
    assert not torch.equal(first(x_BDHW)[:, 24:], x_BDHW[:, :8])  # drawn as torch does
    assert all(bool((layer.weight[:1, :1, 1, 1] == 1).all()) for layer in others)


def test_a_group_that_is_narrower_than_its_input_passes_some_on():
    network = convolution_groups([16, 64, 64], 10, [32, 32, 3])
    x_BDHW = torch.randn(2, 24, 6, 6)

    assert torch.equal(parts_of(nn.Conv2d, network)[1](x_BDHW), x_BDHW[:, :16])


def test_a_bias_learns_at_the_square_of_its_scale():
    """One step of rate 0.1 by the gradient 2: its effect changes by 64 x 0.1 x 2."""
    layer = Bias(1, 8.0)
    (2 * layer(torch.zeros(1, 1, 1, 1))).sum().backward()

    with torch.no_grad():
        layer.bias -= 0.1 * layer.bias.grad
        assert layer(torch.zeros(1, 1, 1, 1)).item() == pytest.approx(-64 * 0.1 * 2)


def test_a_bias_keeps_the_precision_of_what_it_is_added_to():
    found = Bias(3, 8.0)(torch.zeros(2, 3, 4, 4, dtype=torch.bfloat16))
    assert found.dtype == torch.bfloat16


def test_the_maximum_is_over_the_positions():
    x_BDHW = torch.tensor([[[[1.0, 3.0], [2.0, 0.0]], [[-9.0, -18.0], [-27.0, -36.0]]]])
    torch.testing.assert_close(Maximum(1 / 9)(x_BDHW), torch.tensor([[3 / 9, -1.0]]))


def test_the_running_statistics_follow_each_batch_by_two_fifths():
    network = convolution_groups([8, 8, 8], 10, [32, 32, 3]).train()
    norm = parts_of(nn.BatchNorm2d, network)[0]
    seen = []
    norm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].mean(dim=(0, 2, 3))))

    network(torch.randn(4, 3, 32, 32))

    torch.testing.assert_close(norm.running_mean, 0.4 * seen[0])


def test_a_network_is_its_layers_in_order():
    """By functions, of an image that the poolings leave a pixel of."""
    network = convolution_groups([8, 12, 12], 5, [32, 32, 3])
    network(torch.randn(6, 3, 32, 32))  # moves the running statistics away from 0 and 1
    network.eval()
    first, *layers = parts_of(nn.Conv2d, network)
    x_BDHW = images_BKHW = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        for bias in parts_of(Bias, network):
            bias.bias.normal_()
        x_BDHW = functional.gelu(functional.conv2d(x_BDHW, first.weight))
        norms = zip(parts_of(nn.BatchNorm2d, network), parts_of(Bias, network), strict=True)
        for number, (layer, (norm, bias)) in enumerate(zip(layers, norms, strict=True)):
            x_BDHW = functional.conv2d(x_BDHW, layer.weight, padding=1)
            if number % 2 == 0:
                x_BDHW = functional.max_pool2d(x_BDHW, 2)
            mean_D, variance_D = norm.running_mean, norm.running_var
            x_BDHW = (x_BDHW - mean_D[:, None, None]) / variance_D.sqrt()[:, None, None]
            x_BDHW = functional.gelu(x_BDHW + 8 * bias.bias[:, None, None])
        expected = network.classifier(functional.max_pool2d(x_BDHW, 3).flatten(1) / 9)

        torch.testing.assert_close(network(images_BKHW), expected, rtol=1e-4, atol=1e-5)


def test_a_whitened_first_layer_has_each_direction_with_its_opposite(prepared):
    """Of 2x2 patches there are as many directions as pixels and channels."""
    meta = artifacts.load_meta(prepared)
    settings = toy.training(first_layer="whitened")
    job = toy.job(prepared, settings, range(10), model="airbench_quarter")
    first = parts_of(nn.Conv2d, initial_model(job))[0]

    assert len(first.weight) == 2 * 4 * meta.input_shape[-1]
    assert torch.equal(first.weight[::2], -first.weight[1::2])
    assert not first.weight.requires_grad
