"""Which tensors of a file a network takes."""

import pytest
import torch

from stages.shared import models
from stages.shared.errors import ParamsError
from stages.shared.networks import library_networks
from stages.weights.matching import match

WHERE = "params.yaml: weights.x is x.pth"


@pytest.fixture(scope="module")
def network():
    return library_networks.timm_network("mobilenetv3_small_050", 3, [32, 32, 3])


@pytest.fixture(scope="module")
def theirs(network):
    """Other numbers by the library's names."""
    tensors = network.state_dict()
    return {name: tensors[own] + 1 for own, name in network.library_names().items()}


def renamed(tensors):
    """Return them by names that nobody knows, in their order."""
    return {f"part{number}": tensor for number, tensor in enumerate(tensors.values())}


def without(tensors, end):
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(end)}


def is_taken(found, theirs):
    return list(found.tensors) and all(
        torch.equal(found.tensors[own], tensor)
        for own, tensor in zip(found.tensors, theirs.values(), strict=True)
        if not own.endswith("num_batches_tracked")
    )


def sorted_as(found, network):
    """Return the same tensors in the network's order."""
    tensors = {name: found.tensors[name] for name in network.state_dict() if name in found.tensors}
    return type(found)(tensors, found.described)


def test_the_librarys_names_are_known(network, theirs):
    found = match(network, theirs, WHERE, in_order=False)
    assert is_taken(sorted_as(found, network), theirs)
    assert found.described.startswith("210 of 210 tensors fit")


def test_our_own_names_are_known():
    network = models.build("resnet8", 3, [8, 8, 1])
    other = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    found = match(network, other, WHERE, in_order=False)
    assert is_taken(sorted_as(found, network), other)


def test_other_names_are_taken_in_their_order_where_a_file_has_one(network, theirs):
    learnt = without(theirs, "num_batches_tracked")
    found = match(network, renamed(learnt), WHERE, in_order=True)
    kept = without(sorted_as(found, network).tensors, "num_batches_tracked")
    assert all(map(torch.equal, kept.values(), learnt.values()))
    with pytest.raises(ParamsError, match=r"0 of 210 tensors fit, and there is none for features"):
        match(network, renamed(learnt), WHERE, in_order=False)


def test_a_last_layer_for_other_classes_is_drawn_anew(network, theirs):
    other = {**theirs, "classifier.weight": torch.zeros(5, 1024), "classifier.bias": torch.zeros(5)}
    found = match(network, other, WHERE, in_order=False)
    assert "classifier.weight" not in found.tensors
    assert found.described == (
        "208 of 210 tensors fit; drawn anew: classifier.weight, classifier.bias; left out: "
        "classifier.weight, classifier.bias"
    )


def test_a_file_without_a_last_layer_is_as_good(network, theirs):
    headless = {name: x for name, x in theirs.items() if not name.startswith("classifier")}
    found = match(network, headless, WHERE, in_order=False)
    assert found.described == (
        "208 of 210 tensors fit; drawn anew: classifier.weight, classifier.bias"
    )


def test_half_precision_becomes_the_networks_own(network, theirs):
    found = match(network, {n: x.half() for n, x in theirs.items()}, WHERE, in_order=False)
    floats = without(found.tensors, "num_batches_tracked").values()
    assert {tensor.dtype for tensor in floats} == {torch.float32}


def test_weights_of_another_network_are_refused(network, theirs):
    stem = next(iter(theirs))
    with pytest.raises(ParamsError, match=r"^params.yaml: weights.x is x.pth; 209 of 210 tensors "):
        match(network, {**theirs, stem: torch.zeros(1)}, WHERE, in_order=True)
    with pytest.raises(ParamsError, match=r"0 of 210 tensors fit, .*must be of the same network"):
        match(network, {}, WHERE, in_order=True)
