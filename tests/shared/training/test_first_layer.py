"""Tests for stages/shared/training/first_layer.py."""

import dataclasses

import numpy as np
import pytest
import torch
import toy
from torch import nn

from stages.shared import artifacts, models
from stages.shared.errors import ParamsError
from stages.shared.networks.batches import normalise
from stages.shared.training import first_layer
from stages.shared.training.first_layer import (
    first_convolution,
    patch_covariance,
    whitening_filters,
)


@pytest.fixture
def job(prepared):
    return toy.job(prepared, toy.training(), range(10), learning_rate=0.1)


def test_filters_of_a_diagonal_covariance_are_known():
    """Variances 4 and 1: rows 1/2 and 1, the larger variance first, each with its negative."""
    covariance = torch.diag(torch.tensor([1.0, 4.0], dtype=torch.float64))

    found = whitening_filters(covariance, 5).tolist()

    signs = [np.sign(found[0][1]), np.sign(found[2][0])]
    expected = [[0, 0.5], [0, -0.5], [1, 0], [-1, 0], [0, 0.5]]
    expected = [[signs[1] * x, signs[0] * y] for x, y in expected]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_filters_whiten():
    """All of them: what they say of the patches is uncorrelated and of variance 1."""
    generator = torch.Generator().manual_seed(0)
    mix = torch.rand(6, 6, generator=generator, dtype=torch.float64)
    covariance = mix @ mix.T + torch.eye(6)

    filters = whitening_filters(covariance, 12)[::2]

    torch.testing.assert_close(
        filters @ covariance @ filters.T, torch.eye(6, dtype=torch.float64), atol=2e-3, rtol=0
    )


def test_the_covariance_is_that_of_patches_cut_one_by_one(job, prepared):
    layer = nn.Conv2d(1, 4, 3)
    images = torch.from_numpy(np.array(artifacts.load_inputs(prepared, "train")))
    patches = [
        image[:, top : top + 3, left : left + 3].flatten().double().numpy()
        for image in normalise(images, job.meta)
        for top in (0, 3)
        for left in (0, 3)
    ]
    expected = sum(np.outer(patch, patch) for patch in patches) / len(patches)
    np.testing.assert_allclose(patch_covariance(layer, job), expected, atol=1e-6)


def test_some_images_of_many_do(job, monkeypatch):
    everything = patch_covariance(nn.Conv2d(1, 4, 3), job)
    monkeypatch.setattr(first_layer, "NUM_IMAGES", 20)
    some = patch_covariance(nn.Conv2d(1, 4, 3), job)
    assert not torch.equal(some, everything)
    assert (some - everything).abs().max() < 0.3


@pytest.mark.parametrize("model", ["resnet8_stride2", "cnn5"])
def test_the_convolution_that_reads_the_images_is_the_first_to_run(job, model):
    meta = dataclasses.replace(job.meta, input_shape=[32, 32, 3])
    built = models.build(model, 3, [32, 32, 3]).eval()
    ran = []
    for part in built.modules():
        if isinstance(part, nn.Conv2d):
            part.register_forward_hook(lambda layer, *_: ran.append(layer))
    built(torch.zeros(2, 3, 32, 32))

    found = first_convolution(built, dataclasses.replace(job, meta=meta))

    assert found is ran[0]
    assert tuple(found.weight.shape[1:]) == (3, 3, 3)


def test_a_model_without_convolutions_is_refused(job):
    with pytest.raises(ParamsError, match="must be trained, linear has no convolution"):
        first_convolution(
            models.build("linear", 3, [8, 8, 1]), dataclasses.replace(job, model="linear")
        )
