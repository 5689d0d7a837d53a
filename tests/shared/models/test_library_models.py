"""The model files that name a network of timm or torchvision."""

import pytest
import torch
from shared.models.test_image_classification import LIBRARY
from torch.nn.functional import cross_entropy

from stages.shared import models
from stages.shared.networks.library_networks import LibraryNetwork
from stages.shared.settings.training_sections import AdamW
from stages.shared.training import optimizer

QUICK = {"efficientnet_lite0", "squeezenet"}
# Parameters in millions with 1,000 classes, by the tables of timm and torchvision.
MILLIONS = {
    "convnext_atto": 3.7,
    "convnext_base": 88.59,
    "convnext_tiny": 28.59,
    "efficientnet_lite0": 4.65,
    "googlenet": 6.62,
    "mobilenet_v2": 3.50,
    "mobilenet_v3": 5.48,
    "regnet_y_800mf": 6.26,
    "resnet50_timm": 25.56,
    "resnext50": 25.03,
    "vgg19_bn": 143.68,
    "vit_small": 22.05,
    "vit_small_dinov2": 22.06 + 0.385,  # and a last layer
}


def slow_unless_quick(names):
    marks = {name: () if name in QUICK else pytest.mark.slow for name in names}
    return pytest.mark.parametrize("name", [pytest.param(n, marks=marks[n]) for n in names])


each = slow_unless_quick(LIBRARY)


@each
def test_images_of_any_size_give_a_row_of_logits_each(name):
    with torch.device("meta"):
        network = models.build(name, 7, [65, 130, 1]).eval()
    assert isinstance(network, LibraryNetwork)
    with torch.no_grad():
        for shape in ((1, 65, 130), (3, 64, 64), (3, 300, 256)):
            assert network(torch.empty(2, *shape, device="meta")).shape == (2, 7)


def test_published_numbers_of_parameters_are_those_of_models_that_are_there():
    assert set(MILLIONS) < set(LIBRARY)  # one's last layer is another, and yours need none here


@slow_unless_quick(MILLIONS)
def test_it_has_the_published_number_of_parameters(name):
    with torch.device("meta"):
        network = models.build(name, 1000, [224, 224, 3])
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found / 1e6 == pytest.approx(MILLIONS[name], abs=0.01)


@each
def test_an_update_changes_every_parameter(name):
    torch.manual_seed(0)
    network = models.build(name, 7, [64, 64, 3]).train()
    settings = AdamW(name="adamw", learning_rate=0.01, backbone=0.5, weight_decay=0.0)
    ours = optimizer.build(network, settings)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    cross_entropy(network(torch.randn(3, 3, 64, 64)), torch.tensor([0, 1, 2])).backward()
    # Branches that begin as nothing (a last factor of 0) pass no gradient on at first.
    assert all(parameter.grad is not None for parameter in network.parameters())
    reached = [bool(parameter.grad.any()) for parameter in network.parameters()]
    ours.step(0.01)
    assert any(reached)
    for changed, old, new in zip(reached, before, network.parameters(), strict=True):
        assert bool(new.isfinite().all())
        assert not changed or not torch.equal(old, new)
