"""Weights come back as they were, equal tensors give equal bytes, and damage is one line."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from stages.shared import models
from stages.shared.artifacts.weights import load_weights, save_weights
from stages.shared.errors import ArtifactError


def model(seed):
    torch.manual_seed(seed)
    return models.build("resnet8", 3, [8, 8, 1])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "member-00/epoch-0001.safetensors"


def line_of(path, target):
    with pytest.raises(ArtifactError) as raised:
        load_weights(path, target)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_parameters_and_buffers_come_back_bit_by_bit(path):
    source, target = model(0), model(1)
    source(torch.rand(4, 1, 8, 8))  # moves the buffers of the normalisations
    save_weights(path, source)
    load_weights(path, target)

    expected, found = source.state_dict(), target.state_dict()
    assert list(found) == list(expected)
    assert "features.norm.running_mean" in found
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_equal_tensors_give_equal_bytes_in_any_memory_format(path, tmp_path):
    source = model(0)
    save_weights(path, source)
    again = tmp_path / "again.safetensors"
    save_weights(again, model(0))
    assert again.read_bytes() == path.read_bytes()

    save_weights(again, source.to(memory_format=torch.channels_last))
    assert not all(tensor.is_contiguous() for tensor in source.state_dict().values())
    assert again.read_bytes() == path.read_bytes()

    save_weights(again, model(1))
    assert again.read_bytes() != path.read_bytes()


def test_the_file_holds_the_tensors_alone(path):
    """No metadata: it would be written in random order."""
    save_weights(path, model(0))
    size = int.from_bytes(path.read_bytes()[:8], "little")
    assert b"__metadata__" not in path.read_bytes()[8 : 8 + size]


def test_weights_are_loaded_into_a_model_in_channels_last_memory(path):
    source, target = model(0), model(1).to(memory_format=torch.channels_last)
    save_weights(path, source)
    load_weights(path, target)
    images = torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(target.eval()(images), source.eval()(images))


def test_a_tensor_that_is_missing_or_left_over_is_named(path):
    save_weights(path, model(0))
    tensors = load_file(path)
    del tensors["classifier.bias"]
    save_file(tensors, path)
    assert line_of(path, model(0)) == (
        f"{path}: tensor classifier.bias is missing; in the model it is float32 [3]"
    )
    tensors |= {"classifier.bias": torch.zeros(3), "classifier.scale": torch.zeros(1)}
    save_file(tensors, path)
    assert line_of(path, model(0)) == (
        f"{path}: tensor classifier.scale is float32 [1]; in the model it is missing"
    )


def test_a_tensor_of_another_shape_is_named(path):
    save_weights(path, model(0))
    other = models.build("resnet8", 5, [8, 8, 1])
    assert line_of(path, other) == (
        f"{path}: tensor classifier.bias is float32 [3]; in the model it is float32 [5]"
    )


def test_a_refused_file_leaves_the_model_as_it_was(path):
    save_weights(path, nn.Linear(2, 3))
    target = nn.Linear(2, 4)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    line_of(path, target)
    assert all(torch.equal(before[name], tensor) for name, tensor in target.state_dict().items())


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_file_that_was_cut_short_is_named(path, length):
    save_weights(path, model(0))
    path.write_bytes(path.read_bytes()[:length])
    line = line_of(path, model(0))
    assert line.startswith(f"{path}: cannot be read (")
    assert line.endswith("it must be .safetensors")


def test_a_missing_file_is_named(path):
    assert line_of(path, model(0)) == f"{path}: missing; run `dvc repro`"
