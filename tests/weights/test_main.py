"""The stage: a file of first weights for each model that is trained."""

import contextlib
import urllib.request
from pathlib import Path

import pytest
import torch
import toy
from safetensors.torch import save_file

from stages.shared import artifacts, models
from stages.shared.artifacts.no_weights import has_weights
from stages.shared.artifacts.weights import load_tensors, load_weights
from stages.shared.errors import ArtifactError, ParamsError, UserError
from stages.shared.networks.layers import LAST_LAYER
from stages.shared.networks.library_networks import LibraryNetwork
from stages.shared.settings.params import check_params
from stages.weights import weight_files
from stages.weights.__main__ import main

OUT = Path("weights")
# That of `none` is what `embed` depends on where no model embeds.
DEFAULT_MODELS = ["none.safetensors", "resnet8.safetensors", "resnet8_quarter.safetensors"]


@pytest.fixture
def run(prepared, tmp_path, monkeypatch):
    """Run the stage in an empty folder with these `weights`; returns what it wrote, by name."""
    monkeypatch.chdir(tmp_path)

    def run(**weights):
        toy.write_params(tmp_path, toy.default_params() | {"weights": weights})
        main(prepared, OUT)
        return {path.name: path for path in sorted(OUT.iterdir())}

    return run


@pytest.fixture
def network():
    torch.manual_seed(5)
    return models.build("resnet8", 3, [8, 8, 1])


def test_random_weights_are_a_file_without_tensors_for_each_model(run):
    for weights in ({}, {"resnet8": "random"}):
        found = run(**weights)
        assert list(found) == DEFAULT_MODELS
        assert [load_tensors(path) for path in found.values()] == [{}] * len(found)
        assert not any(has_weights(path.stat().st_size) for path in found.values())


def test_the_models_of_ensemble_judge_and_targets_are_those_that_are_trained():
    content = toy.default_params()
    content["race"]["judge"] = "resnet20"
    content["compare"]["models"] = ["resnet8", "linear"]
    params = check_params(content)
    assert params.trained_models == ["linear", "none", "resnet20", "resnet8", "resnet8_quarter"]


def saved_as_safetensors(network):
    save_file(network.state_dict(), "mine.safetensors")
    return "mine.safetensors"


def saved_by_torch(network):
    torch.save(network.state_dict(), "mine.pth")
    return "mine.pth"


def saved_in_a_training(network):
    wrapped = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 7, "state_dict": wrapped}, "mine.pth")
    return "mine.pth"


@pytest.mark.parametrize("save", [saved_as_safetensors, saved_by_torch, saved_in_a_training])
def test_a_file_is_taken_whatever_is_around_its_tensors(run, network, capsys, save):
    found = run(resnet8=save(network))
    other = models.build("resnet8", 3, [8, 8, 1])
    load_weights(found["resnet8.safetensors"], other)
    assert all(map(torch.equal, other.state_dict().values(), network.state_dict().values()))
    assert load_tensors(found["resnet8_quarter.safetensors"]) == {}
    assert capsys.readouterr().out.startswith("weights of resnet8, mine.")


def test_a_last_layer_for_other_classes_is_left_out_and_may_be_lacking(run, capsys):
    found = run(resnet8=saved_by_torch(models.build("resnet8", 7, [8, 8, 1])))
    path, network = found["resnet8.safetensors"], models.build("resnet8", 3, [8, 8, 1])
    before = network.classifier.weight.clone()
    load_weights(path, network, may_lack=LAST_LAYER)
    assert torch.equal(network.classifier.weight, before)
    with pytest.raises(ArtifactError, match=r"tensor classifier.bias is missing"):
        load_weights(path, network)
    assert "; drawn anew: classifier.weight, classifier.bias; " in capsys.readouterr().out


def test_what_may_lack_is_the_last_layer_alone(run, network):
    path = run(resnet8=saved_by_torch(network))["resnet8.safetensors"]
    tensors = {name: x for name, x in load_tensors(path).items() if "stem" not in name}
    save_file(tensors, "less.safetensors")
    with pytest.raises(ArtifactError, match=r"tensor features.stem.weight is missing"):
        load_weights(Path("less.safetensors"), network, may_lack=LAST_LAYER)


def test_a_file_that_holds_more_than_tensors_is_not_read(run):
    torch.save({"state_dict": {}, "hook": contextlib.nullcontext()}, "mine.pth")
    with pytest.raises(UserError, match=r"weights.resnet8 is mine.pth; it cannot be read .*alone"):
        run(resnet8="mine.pth")


@pytest.mark.parametrize("name", ["mine.pth", "mine.safetensors"])
def test_a_damaged_file_is_one_line(run, name):
    Path(name).write_bytes(b"no weights")
    with pytest.raises(UserError, match=rf"weights.resnet8 is {name}; it cannot be read \("):
        run(resnet8=name)


def test_a_missing_file_is_one_line(run):
    with pytest.raises(UserError, match=r"weights.resnet8 is mine.pth; there is no such file"):
        run(resnet8="mine.pth")


def test_nobody_has_weights_of_a_network_of_our_own(run):
    with pytest.raises(ParamsError, match=r"nobody has weights for resnet8, so it must be random"):
        run(resnet8="pretrained")


def test_a_library_without_cache_and_network_says_what_to_do(prepared, tmp_path, monkeypatch):
    def offline(*_args: object, **_kwargs: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    meta = artifacts.load_meta(prepared)
    with pytest.raises(UserError) as caught:
        weight_files.write(tmp_path / "x", "squeezenet", "pretrained", meta)
    assert str(caught.value) == (
        "params.yaml: weights.squeezenet is pretrained; torchvision's squeezenet1_1 is neither in "
        "the cache nor to be had (URLError): get its file elsewhere and name that instead, as "
        "<file>.safetensors or <file>.pth"
    )


def test_the_librarys_weights_are_taken_by_its_names(prepared, tmp_path, monkeypatch, capsys):
    import torchvision

    theirs = torchvision.models.squeezenet1_1()
    weights = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setattr(type(weights), "get_state_dict", lambda self, **_: theirs.state_dict())
    weight_files.write(tmp_path / "x", "squeezenet", "pretrained", artifacts.load_meta(prepared))
    assert capsys.readouterr().err == (
        "warning: images are stored with 8 x 8 pixels, and squeezenet was trained with 224: a "
        "larger dataset.image_size costs more and is mostly better\n"
    )
    own = models.build("squeezenet", 3, [8, 8, 1])
    assert isinstance(own, LibraryNetwork)
    load_weights(tmp_path / "x", own, may_lack=LAST_LAYER)
    found = own.features.network.features.state_dict()
    assert all(torch.equal(found[name], x) for name, x in theirs.features.state_dict().items())
