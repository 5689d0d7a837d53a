"""torchvision's ImageNet weights in our form of a network, trained no further."""

import dataclasses
import io
from functools import cache
from urllib.error import URLError

import pytest
import torch
import toy

from stages.shared import artifacts, models
from stages.shared.artifacts import Meta
from stages.shared.artifacts.weights import load_weights
from stages.shared.errors import ParamsError, UserError
from stages.train_ensemble import untrained
from stages.train_ensemble.__main__ import main
from stages.weights import torchvision_files, weight_files

SHAPE = [65, 70, 3]  # the smallest images that get the 224-pixel form


@pytest.fixture
def imagenet(tmp_path, monkeypatch) -> Meta:
    """Prepared data of a thousand classes, and torch's cache with a file for ResNet-18."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    toy.write_prepared(tmp_path / "prepared")
    meta = artifacts.load_meta(tmp_path / "prepared")
    names = [f"n{number:08d}" for number in range(1000)]
    return dataclasses.replace(meta, input_shape=SHAPE, class_names=names)


@cache
def random_file(name: str) -> tuple[torch.nn.Module, str, bytes]:
    """Return a network of random weights, and name and content of torchvision's file of them."""
    from torchvision import models as torchvision_models  # here: it takes seconds

    network = torchvision_models.get_model(name, weights=None).eval()
    url = torchvision_models.get_model_weights(name).IMAGENET1K_V1.url
    torch.save(network.state_dict(), content := io.BytesIO())
    return network, url.rpartition("/")[2], content.getvalue()


def cached(name: str) -> torch.nn.Module:
    """Write such a file into torch's cache; return the network."""
    network, file, content = random_file(name)
    torchvision_files.cache().mkdir(parents=True)
    (torchvision_files.cache() / file).write_bytes(content)
    return network


@pytest.mark.parametrize("name", ["resnet18", pytest.param("alexnet", marks=pytest.mark.slow)])
def test_the_ensemble_says_what_torchvisions_network_says(imagenet, tmp_path, name):
    network = cached(name)

    weight_files.write(tmp_path / "weights", name, "pretrained", imagenet)
    untrained.write(name, tmp_path / "weights", imagenet, tmp_path / "ensemble")

    ensemble = artifacts.load_ensemble(tmp_path / "ensemble")
    assert [(entry.member, entry.epoch) for entry in ensemble.checkpoints] == [(0, 0)]
    own = models.build(name, 1000, SHAPE).eval()
    load_weights(tmp_path / "ensemble" / ensemble.checkpoints[0].path, own)
    images = torch.randn(2, 3, *SHAPE[:2])
    with torch.no_grad():
        torch.testing.assert_close(own(images), network(images), rtol=1e-4, atol=1e-5)


def test_the_names_of_densenets_old_file_are_understood(imagenet, monkeypatch):
    from torchvision import models as torchvision_models

    network = torchvision_models.densenet121(weights=None)
    state = network.state_dict()
    old = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): tensor
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }
    monkeypatch.setattr(torchvision_files, "download", lambda model: old)

    found = torchvision_files.state("densenet121")

    assert list(found) == list(state)
    assert all(torch.equal(found[name], state[name]) for name in old if name in state)


def test_the_stage_trains_nothing(imagenet, tmp_path, monkeypatch):
    cached("resnet18")
    content = toy.default_params()
    content["train_ensemble"] |= {"train": "none", "members": 1, "model": "resnet18"}
    content["acquisition"], content["weights"] = "entropy", {"resnet18": "pretrained"}
    toy.write_params(tmp_path, content)
    artifacts.save_meta(tmp_path / "prepared", imagenet)
    monkeypatch.chdir(tmp_path)

    weight_files.write(tmp_path / "weights", "resnet18", "pretrained", imagenet)
    names = ("prepared", "none", "none", "weights", "ensemble", "history", "dyn")
    main(*(tmp_path / name for name in names))

    assert artifacts.load_history(tmp_path / "history/seed-0.csv") == []
    assert artifacts.load_dynamics(tmp_path / "dyn/seed-0", 80).aum_MR.shape == (0, 0)


def test_images_that_are_not_imagenets_are_refused(imagenet, tmp_path):
    cached("resnet18")
    small = dataclasses.replace(imagenet, input_shape=[32, 32, 3])
    with pytest.raises(ParamsError, match="must be of the same network"):
        weight_files.write(tmp_path / "weights", "resnet18", "pretrained", small)


def test_other_classes_than_imagenets_must_be_trained(imagenet, tmp_path):
    cached("resnet18")
    fewer = dataclasses.replace(imagenet, class_names=imagenet.class_names[:10])
    weight_files.write(tmp_path / "weights", "resnet18", "pretrained", fewer)
    with pytest.raises(ParamsError, match=r"has no classifier.weight for these 10 classes, so "):
        untrained.write("resnet18", tmp_path / "weights", fewer, tmp_path / "ensemble")


def test_a_damaged_file_is_named(imagenet):
    cached("resnet18")
    (file,) = torchvision_files.cache().iterdir()
    file.write_bytes(b"no weights")
    with pytest.raises(UserError, match=rf"{file.name}: is damaged .*; delete it"):
        torchvision_files.state("resnet18")


def test_without_file_and_network_the_line_says_where_to_put_it(imagenet, monkeypatch):
    def offline(*_args: object, **_kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(
        UserError, match=r"resnet18-\w+\.pth: cannot be had .*put the file into .*torch"
    ):
        torchvision_files.state("resnet18")
