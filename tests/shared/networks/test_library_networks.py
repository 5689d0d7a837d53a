"""What the networks of timm and torchvision are shown of an image, and by which names."""

import dataclasses

import numpy as np
import pytest
import torch
import toy
from PIL import Image

from stages.shared import artifacts, models
from stages.shared.networks import library_networks
from stages.shared.networks.batches import normalise
from stages.shared.networks.library_networks import normalised_for
from stages.shared.networks.preprocessing import Preprocessing, fit

WANTED = Preprocessing(
    size=14,
    resize=16,
    mean=(0.5, 0.25, 0.125),
    std=(0.5, 0.5, 0.25),
    interpolation="bilinear",
    takes_any_size=True,
    source="somebody",
)
ONE_SIZE = dataclasses.replace(WANTED, takes_any_size=False)


def images(height, width, channels=3):
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("shape", "fitted", "of_one_size"),
    [
        ((8, 12), (8, 12), (14, 14)),  # smaller: as it is, or enlarged
        ((13, 40), (13, 40), (14, 14)),
        ((14, 20), (14, 14), (14, 14)),  # large enough to be cropped
        ((16, 16), (14, 14), (14, 14)),
        ((64, 32), (14, 14), (14, 14)),
    ],
)
def test_an_image_is_made_smaller_and_cropped_but_enlarged_only_where_it_must(
    shape, fitted, of_one_size
):
    assert fit(images(*shape), WANTED).shape == (2, 3, *fitted)
    assert fit(images(*shape), ONE_SIZE).shape == (2, 3, *of_one_size)


def test_the_crop_is_the_middle():
    pixels = images(16, 20)
    assert torch.equal(fit(pixels, WANTED), pixels[:, :, 1:15, 3:17])


def test_small_images_stay_what_they_are():
    pixels = images(9, 12)
    assert torch.equal(fit(pixels, WANTED), pixels)


def test_grey_images_have_the_same_in_three_channels():
    grey = images(16, 16, 1)
    found = library_networks.Fitted(torch.nn.Identity(), WANTED)(grey)
    assert all(torch.equal(found[:, channel], grey[:, 0, 1:15, 1:15]) for channel in range(3))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_images_are_resized_as_timm_does_it(mode):
    """But for the grey levels that Pillow rounds to, and cuts off below 0 and above 255."""
    from timm.data import create_transform

    smooth = np.linspace(60, 190, 40 * 30 * 3).reshape(40, 30, 3)
    pixels = (smooth + 20 * np.sin(np.arange(40))[:, None, None]).round().astype(np.uint8)
    transform = create_transform(
        (3, 14, 14), interpolation=mode, mean=WANTED.mean, std=WANTED.std, crop_pct=14 / 16
    )
    expected = transform(Image.fromarray(pixels))
    wanted = dataclasses.replace(WANTED, interpolation=mode)
    meta = dataclasses.replace(
        toy_meta(), mean=list(wanted.mean), std=list(wanted.std), input_shape=[40, 30, 3]
    )

    found = fit(normalise(torch.from_numpy(pixels)[None], meta), wanted)[0]

    levels = torch.tensor(WANTED.std)[:, None, None] * 255
    assert float(((found - expected) * levels).abs().max()) <= 1.0


def toy_meta():
    return artifacts.Meta(
        task="image_classification",
        dataset="toy",
        class_names=toy.CLASS_NAMES,
        input_shape=[8, 8, 3],
        mean=[0.1, 0.2, 0.3],
        std=[0.1, 0.1, 0.1],
        num_samples=toy.NUM_SAMPLES,
        fingerprint="toy",
    )


def test_images_are_normalised_as_the_network_was_trained():
    with torch.device("meta"):
        network = models.build("squeezenet", 3, [8, 8, 3])
        own = models.build("resnet8", 3, [8, 8, 3])
    meta = toy_meta()
    found = normalised_for(network, meta)
    assert found.mean == [0.485, 0.456, 0.406]
    assert found.std == [0.229, 0.224, 0.225]
    assert dataclasses.replace(found, mean=meta.mean, std=meta.std) == meta
    assert normalised_for(own, meta) is meta


def test_grey_images_become_coloured_ones_as_they_are_normalised():
    grey = torch.full((1, 8, 8, 1), 255, dtype=torch.uint8)
    meta = dataclasses.replace(toy_meta(), mean=[0.0, 0.5, 1.0], std=[1.0, 0.5, 0.25])
    found = normalise(grey, meta)
    assert found.shape == (1, 3, 8, 8)
    assert found[0, :, 0, 0].tolist() == [1.0, 1.0, 0.0]


def test_the_librarys_names_are_those_of_its_whole_network():
    import timm

    with torch.device("meta"):
        whole = timm.create_model("tf_efficientnet_lite0", num_classes=7).state_dict()
        own = models.build("efficientnet_lite0", 7, [32, 32, 3])
    names = own.library_names()
    assert list(names.values()) == list(whole)
    assert {ours: tensor.shape for ours, tensor in own.state_dict().items()} == {
        ours: whole[theirs].shape for ours, theirs in names.items()
    }


def test_a_network_computes_what_timms_whole_one_does():
    import timm

    torch.manual_seed(0)
    whole = timm.create_model("mobilenetv3_small_050", num_classes=7).eval()
    own = library_networks.timm_network("mobilenetv3_small_050", 7, [32, 32, 3]).eval()
    theirs = whole.state_dict()
    own.load_state_dict({ours: theirs[name] for ours, name in own.library_names().items()})
    pixels = images(32, 48)
    with torch.no_grad():
        torch.testing.assert_close(own(pixels), whole(pixels))
