"""The optimizers against torch's own, and how they go on from a saved state."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from stages.shared.networks.layers import Classifier
from stages.shared.settings.training_sections import AdamW, Sgd
from stages.shared.training import optimizer

SETTINGS = [
    Sgd(
        name="sgd", learning_rate=0.1, backbone=0.25, momentum=0.9, nesterov=True, weight_decay=0.01
    ),
    AdamW(name="adamw", learning_rate=0.1, backbone=0.25, weight_decay=0.1),
]
RATES = [0.1, 0.2, 0.05, 0.01]
each = pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.name)


def network():
    torch.manual_seed(0)
    features = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()
    )
    return Classifier(features, 4 * 36, 5).to(memory_format=torch.channels_last)


def backward(model, number):
    generator = torch.Generator().manual_seed(number)
    loss = cross_entropy(
        model(torch.randn(6, 3, 8, 8, generator=generator)),
        torch.randint(5, (6,), generator=generator),
    )
    loss.backward()


def torchs_own(model, settings, share):
    groups = [
        {"params": model.classifier.parameters(), "share": 1.0},
        {"params": model.features.parameters(), "share": share},
    ]
    if isinstance(settings, AdamW):
        return torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
    return torch.optim.SGD(
        groups,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
    )


@each
@pytest.mark.parametrize("share", [1.0, 0.25])
def test_the_updates_are_torchs_own_with_a_smaller_rate_before_the_last_layer(settings, share):
    settings = settings.model_copy(update={"backbone": share})
    model, oracle = network(), network()
    ours, theirs = optimizer.build(model, settings), torchs_own(oracle, settings, share)
    for number, rate in enumerate(RATES):
        for group in theirs.param_groups:
            group["lr"] = rate * group["share"]
        for each_model in (model, oracle):
            backward(each_model, number)
        theirs.step()
        theirs.zero_grad()
        ours.step(rate)
    for found, expected in zip(model.parameters(), oracle.parameters(), strict=True):
        torch.testing.assert_close(found, expected)
        assert found.grad is None


@each
def test_from_a_saved_state_it_goes_on_to_the_same_bytes(settings):
    whole, first, second = network(), network(), network()
    ours, before, after = (optimizer.build(each, settings) for each in (whole, first, second))
    for number, rate in enumerate(RATES):
        backward(whole, number)
        ours.step(rate)
        if number < 2:
            backward(first, number)
            before.step(rate)
    second.load_state_dict(first.state_dict())
    after.restore({name: tensor.clone() for name, tensor in before.state().items()})
    for number in (2, 3):
        backward(second, number)
        after.step(RATES[number])
    assert all(map(torch.equal, whole.parameters(), second.parameters()))


@each
def test_what_is_frozen_stays(settings):
    model = network()
    model.features.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    ours = optimizer.build(model, settings)
    backward(model, 0)
    ours.step(0.1)
    same = {name for name, tensor in model.named_parameters() if torch.equal(tensor, before[name])}
    assert same == {name for name in before if name.startswith("features.")}
