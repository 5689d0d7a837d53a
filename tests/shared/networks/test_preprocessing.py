"""What networks are shown: 256 -> 224 in the forms for ImageNet, and what people are told of it."""

import pytest
import torch
import toy
from ruamel.yaml import YAML
from shared.models.test_image_classification import build_without_weights
from shared.networks.test_library_networks import images, toy_meta

from commands.preset import presets
from stages.shared import models
from stages.shared.artifacts.shown_images import Shown, load_shown, save_shown
from stages.shared.networks.preprocessing import IMAGENET, fit, shown_images
from stages.shared.settings.params import check_params

OF_IMAGENET = sorted(path.stem for path in (toy.ROOT / "presets").glob("*imagenet*.yaml"))


@pytest.mark.parametrize(("edges", "resized"), [((256, 260), False), ((300, 512), True)])
def test_a_network_in_its_form_for_imagenet_sees_the_middle_224_of_256(edges, resized):
    torch.manual_seed(0)
    network = models.build("resnet10", 3, [*edges, 3]).eval()
    pixels = images(*edges)[:1]
    middle = fit(pixels, IMAGENET) if resized else pixels[:, :, 16:240, 18:242]
    assert middle.shape == (1, 3, 224, 224)
    with torch.inference_mode():
        assert torch.equal(network(pixels), network(middle))
        # Nothing is cut off smaller ones.
        assert not torch.equal(network(middle), network(middle[:, :, 1:, 1:]))


@pytest.mark.parametrize("name", OF_IMAGENET)
def test_the_presets_of_imagenet_store_256_pixels_of_which_their_networks_see_224(name):
    params = check_params(YAML(typ="safe").load(presets.text(name, ())))
    assert params.dataset.image_size == IMAGENET.resize == 256
    for model in {params.train_ensemble.model, *params.compare.models}:
        network, seen = build_without_weights(model, 1000, [256, 256, 3]), []
        network.features.register_forward_pre_hook(lambda _, x, to=seen: to.append(x[0].shape))
        network(torch.empty(1, 3, 256, 256, device="meta"))
        assert seen == [(1, 3, 224, 224)], model


def test_small_forms_see_the_whole_image_and_nothing_is_told_of_them():
    for name in ("resnet10", "alexnet", "densenet121"):
        network = build_without_weights(name, 3, [32, 32, 3])
        assert shown_images(name, network, toy_meta()) is None


def test_what_a_network_is_shown_is_written_and_read_again(tmp_path):
    network = build_without_weights("squeezenet", 3, [8, 8, 3])
    shown = shown_images("squeezenet", network, toy_meta())
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    source = "torchvision's squeezenet1_1"
    assert shown == Shown(
        "squeezenet", source, [8, 8], 224, 256, "bilinear", mean, std, takes_any_size=True
    )
    save_shown(tmp_path, shown)
    assert load_shown(tmp_path) == shown
    save_shown(tmp_path / "none", None)
    assert load_shown(tmp_path / "none") is None
