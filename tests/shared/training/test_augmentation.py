"""Tests for stages/shared/training/augmentation.py."""

import pytest
import torch
import torch.nn.functional as F

from stages.shared.settings.training_sections import Augmentation
from stages.shared.training.augmentation import Draws, augment, draw

IMAGES = torch.randint(0, 256, (6, 5, 7, 3), dtype=torch.uint8)


def settings(padding=0, flip=False, low=1.0, high=1.0, border="black"):
    return Augmentation(
        crop_padding=padding, border=border, horizontal_flip=flip, scale=[low, high]
    )


def draws(shift, flip, zoom=1.0):
    return Draws(torch.tensor(shift), torch.tensor(flip), torch.full((len(flip),), zoom))


def one_by_one(images, chosen, padding):
    """Flip, pad and crop each image by itself."""
    height, width = images.shape[1:3]
    changed = []
    for image, (down, right), is_flipped in zip(
        images, chosen.shift_N2.tolist(), chosen.is_flipped_N.tolist(), strict=True
    ):
        turned = image.flip(1) if is_flipped else image
        padded = F.pad(turned, (0, 0, padding, padding, padding, padding))
        top, left = padding + down, padding + right
        changed.append(padded[top : top + height, left : left + width])
    return torch.stack(changed)


def shifted_then_flipped(images, chosen, padding):
    flipped_shift = chosen.shift_N2.clone()
    flipped_shift[chosen.is_flipped_N, 1] *= -1
    return one_by_one(images, Draws(flipped_shift, chosen.is_flipped_N, chosen.zoom_N), padding)


def test_crop_and_flip_of_a_batch_equal_those_of_each_image_alone():
    chosen = draw(settings(2, flip=True), 6, torch.Generator().manual_seed(1))
    assert chosen.is_flipped_N.any()
    assert not chosen.is_flipped_N.all()

    found = augment(IMAGES, chosen, settings(2, flip=True))

    assert found.dtype == torch.uint8
    # A window that moves right over the image shows a flipped image moved the other way.
    assert torch.equal(found, shifted_then_flipped(IMAGES, chosen, 2))


def test_pixels_beyond_the_border_are_black():
    found = augment(IMAGES[:1] | 1, draws([[-2, 1]], [False]), settings(2))

    assert not found[0, :2].any()
    assert not found[0, :, -1].any()
    assert found[0, 2:, :-1].all()


def test_zoom_1_gives_the_same_images_as_the_lookup():
    chosen = draws([[1, -2], [0, 2], [-1, 0], [0, 0], [2, 2], [1, 1]], [False, True] * 3)

    found = augment(IMAGES, chosen, settings(2, flip=True, low=0.9, high=1.1))

    expected = augment(IMAGES, chosen, settings(2, flip=True))
    assert torch.allclose(found, expected.float(), atol=1e-2)


def test_zoom_2_shows_the_middle_half():
    image = torch.zeros(1, 8, 8, 1, dtype=torch.uint8)
    image[0, 2:6, 2:6] = 200

    found = augment(image, draws([[0, 0]], [False], zoom=2.0), settings(low=2.0, high=2.0))

    assert found[0, 1:-1, 1:-1].min() == 200


def test_without_settings_the_images_are_untouched():
    chosen = draw(settings(), 6, torch.Generator().manual_seed(0))

    assert augment(IMAGES, chosen, settings()) is IMAGES


def test_draws_cover_their_ranges_and_do_not_depend_on_the_batches():
    wanted = settings(3, flip=True, low=0.5, high=1.5)
    chosen = draw(wanted, 5000, torch.Generator().manual_seed(0))

    assert sorted(set(chosen.shift_N2.flatten().tolist())) == list(range(-3, 4))
    assert chosen.is_flipped_N.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert 0.5 <= chosen.zoom_N.min() < 0.51
    assert 1.49 < chosen.zoom_N.max() <= 1.5
    batch = chosen[10:20]
    assert torch.equal(batch.shift_N2, chosen.shift_N2[10:20])
    assert not draw(settings(3), 1000, torch.Generator().manual_seed(0)).is_flipped_N.any()


def test_pixels_beyond_a_mirrored_border_are_those_within_it():
    """A row 0 1 2 3 moved by 2 either way, as it is and flipped; the outermost is not doubled."""
    image = torch.arange(4, dtype=torch.uint8).reshape(1, 1, 4, 1).expand(3, 1, 4, 1)
    moved = draws([[0, -2], [0, 2], [0, 2]], [False, False, True])

    found = augment(image, moved, settings(2, border="mirrored"))

    assert found[:, 0, :, 0].tolist() == [[2, 1, 0, 1], [2, 3, 2, 1], [1, 2, 3, 2]]


def test_a_mirrored_border_of_a_batch_is_torchs_of_each_image():
    chosen = draw(settings(2, flip=True), 6, torch.Generator().manual_seed(1))
    mirrored = settings(2, flip=True, border="mirrored")
    padded = F.pad(IMAGES.permute(0, 3, 1, 2).float(), (2, 2, 2, 2), mode="reflect")
    # The padded image, moved within a border that is never reached, then without its padding.
    expected = shifted_then_flipped(padded.permute(0, 2, 3, 1).byte(), chosen, 2)

    found = augment(IMAGES, chosen, mirrored)

    assert found.dtype == torch.uint8
    assert torch.equal(found, expected[:, 2:-2, 2:-2])


def test_a_zoom_out_shows_the_image_mirrored():
    found = augment(IMAGES[:1] | 1, draws([[0, 0]], [False], 0.5), settings(0, False, 0.5, 0.5))
    mirrored = settings(0, False, 0.5, 0.5, "mirrored")
    shown = augment(IMAGES[:1] | 1, draws([[0, 0]], [False], 0.5), mirrored)

    assert not found[0, 0].any()
    assert bool((shown >= 1).all())
