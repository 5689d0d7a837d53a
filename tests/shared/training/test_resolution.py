"""Tests for stages/shared/training/resolution.py."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stages.shared.settings.training_sections import Resizing
from stages.shared.training.resolution import Resolution, resize

SHAPE = [32, 64, 3]


def test_full_is_the_images_own_size_throughout():
    resolution = Resolution("full", SHAPE, 100)
    assert resolution.full == (32, 64)
    assert resolution.sizes == [(32, 64)]
    assert {resolution.size(update) for update in range(100)} == {(32, 64)}


def test_sizes_rise_in_eighths_and_are_full_from_until_on():
    resolution = Resolution(Resizing(start=0.5, until=0.5), SHAPE, 80)
    assert resolution.sizes == [(16, 32), (20, 40), (24, 48), (28, 56), (32, 64)]
    edges = [resolution.size(update)[0] for update in range(80)]
    assert edges == [16] * 10 + [20] * 10 + [24] * 10 + [28] * 10 + [32] * 40


@given(
    start=st.sampled_from([0.25, 0.375, 0.5, 0.625, 0.75, 0.875]),
    until=st.floats(0.01, 0.99),
    num_updates=st.integers(1, 500),
    edge=st.integers(1, 300),
)
def test_every_size_is_among_those_that_are_named_and_none_is_smaller_later(
    start, until, num_updates, edge
):
    resolution = Resolution(Resizing(start=start, until=until), [edge, edge, 1], num_updates)
    sizes = [resolution.size(update) for update in range(num_updates)]
    assert sizes == sorted(sizes)
    assert set(sizes) <= set(resolution.sizes)
    assert sizes[0] == resolution.sizes[0]
    assert resolution.sizes[-1] == resolution.full == (edge, edge)


def test_an_image_of_half_the_size_is_made_of_weighted_means():
    """The triangle of antialiasing is as wide as two new pixels: weights 1, 3, 3, 1 inside."""
    row = torch.tensor([0.0, 8.0, 16.0, 0.0, 8.0, 24.0, 0.0, 0.0])
    image = row.expand(1, 1, 8, 8)

    found = resize(image, (4, 4))[0, 0, 1]

    assert found[1].item() == pytest.approx((8 + 3 * 16 + 3 * 0 + 8) / 8)
    assert found[2].item() == pytest.approx((0 + 3 * 8 + 3 * 24 + 0) / 8)


def test_images_of_the_size_are_left_alone_and_memory_stays_channels_last():
    images = torch.rand(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    assert resize(images, (8, 8)) is images
    assert resize(images, (6, 6)).is_contiguous(memory_format=torch.channels_last)


def test_an_even_image_stays_even():
    found = resize(torch.full((1, 1, 32, 32), 0.7), (24, 24))
    torch.testing.assert_close(found, torch.full((1, 1, 24, 24), 0.7))
