"""Thumbnails: by hand, what leaves them as they are, and what has none."""

from pathlib import Path

import numpy as np
import pytest
import toy

from stages.near_duplicates import all_samples
from stages.near_duplicates.__main__ import main
from stages.near_duplicates.thumbnails import THRESHOLD, have_thumbnails, thumbnails
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Meta
from stages.shared.artifacts.duplicate_groups import load_found, load_grouped


def pictures(num, edge=32, seed=0):
    """Return coloured pictures with a content of their own: large spots, 50 to 200."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(50, 200, (num, 8, 8, 3))
    return np.kron(coarse, np.ones((1, edge // 8, edge // 8, 1))).astype(np.uint8)


def cosine(one, other):
    first, second = (thumbnails(image[None])[0].astype(np.float64) for image in (one, other))
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


def test_a_thumbnail_is_averages_minus_their_channels_mean():
    """Of 33 rows the last part has three; red rises by two a row, green falls, blue is level."""
    image = np.zeros((33, 32, 3), np.uint8)
    image[..., 0] = 2 * np.arange(33)[:, None]
    image[..., 1] = 200 - image[..., 0]
    image[..., 2] = 77
    found = thumbnails(image[None]).reshape(16, 16, 3).astype(float)
    rows = np.array([*range(1, 58, 4), 62], float)  # means of the parts
    wanted = rows - rows.mean()
    assert found[:, 0, 0] == pytest.approx(wanted, abs=0.02)
    assert found[:, 5, 1] == pytest.approx(-wanted, abs=0.02)
    assert not found[..., 2].any()


def test_brightness_contrast_and_noise_leave_a_picture_what_it_is():
    one, other = pictures(2)
    noise = np.random.default_rng(1).integers(-8, 9, one.shape)
    assert cosine(one, np.clip(1.2 * one - 20 + noise, 0, 255).astype(np.uint8)) > THRESHOLD
    assert abs(cosine(one, other)) < 0.5


def test_what_is_grey_or_without_contrast_has_none():
    [picture] = pictures(1)
    grey = np.repeat(picture[..., :1], 3, axis=-1)
    faint = (100 + picture // 20).astype(np.uint8)
    has_some = thumbnails(np.stack([picture, grey, faint])).any(axis=1)
    assert has_some.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((5, 8, 8, 1), False),
        ((5, 28, 28, 3), False),
        ((5, 32, 64, 1), False),
        ((5, 32, 32, 3), True),
    ],
)
def test_small_drawings_and_grey_ones_have_none(shape, wanted):
    assert have_thumbnails(shape) == wanted


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Thirty pictures in three splits; train's eighth is the third of test, brighter."""
    monkeypatch.chdir(tmp_path)
    toy.write_params(tmp_path, toy.default_params())
    images = dict(zip(SPLITS, np.split(pictures(30), [20, 25]), strict=True))
    images["train"][7] = np.minimum(1.08 * images["test"][2], 255).astype(np.uint8)
    prepared = Path("prepared")
    for split, found in images.items():
        artifacts.save_array(prepared / split / "inputs.npy", found)
        artifacts.save_targets(prepared, split, np.zeros(len(found), dtype=np.int64))
        ids = [f"{split}/{row}" for row in range(len(found))]
        artifacts.save_sample_ids(prepared, split, ids)
    num = {split: len(found) for split, found in images.items()}
    meta = Meta("image_classification", "toy", ["x"], [32, 32, 3], [0.0] * 3, [1.0] * 3, num, "x")
    artifacts.save_meta(prepared, meta)
    return prepared


def test_an_edited_copy_of_a_test_image_is_found_in_train(edited):
    main(edited, Path("none"), Path("found"))
    assert [one.sample_id for one in load_grouped(Path("found"))] == ["train/7", "test/2"]
    found = load_found(Path("found"))
    assert (found.method, found.threshold, found.copies) == ("thumbnails", THRESHOLD, 0)


def test_of_very_many_images_copies_alone_are_found(edited, monkeypatch):
    monkeypatch.setattr(all_samples, "MOST_EXACT", 29)
    main(edited, Path("none"), Path("found"))
    found = load_found(Path("found"))
    assert (found.method, found.threshold, found.groups) == ("copies", 0.95, 0)
