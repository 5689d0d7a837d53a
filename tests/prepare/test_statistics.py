"""Mean, standard deviation and fingerprint of the prepared pixels."""

import numpy as np
import pytest

from stages.prepare import statistics
from stages.prepare.statistics import channel_mean_and_std, fingerprint
from stages.shared.artifacts import save_array, save_targets


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 200, (37, 5, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("num_channels", [1, 3])
def test_mean_and_std_are_those_of_numpy(pixels, num_channels):
    pixels = pixels[..., :num_channels]
    mean_K, std_K = channel_mean_and_std(pixels)
    assert mean_K == pytest.approx((pixels / 255).mean(axis=(0, 1, 2)), rel=1e-12)
    assert std_K == pytest.approx((pixels / 255).std(axis=(0, 1, 2)), rel=1e-12)


def test_how_many_rows_are_read_at_once_decides_no_bit(pixels, monkeypatch):
    whole = channel_mean_and_std(pixels)
    monkeypatch.setattr(statistics, "CHUNK_VALUES", 100)
    assert np.array_equal(channel_mean_and_std(pixels), whole)


def test_half_black_half_white_has_mean_and_std_of_a_half():
    pixels = np.zeros((2, 2, 2, 1), dtype=np.uint8)
    pixels[0] = 255
    assert [values_K.tolist() for values_K in channel_mean_and_std(pixels)] == [[0.5], [0.5]]


def prepared(folder, pixels, targets_N):
    for split in ("train", "validation", "test"):
        save_array(folder / split / "inputs.npy", pixels)
        save_targets(folder, split, targets_N)
    return folder


def test_the_fingerprint_tells_pixels_targets_and_shapes_apart_but_not_test(pixels, tmp_path):
    targets_N = np.arange(37)
    same = [prepared(tmp_path / name, pixels, targets_N) for name in ("a", "b")]
    save_targets(same[1], "test", targets_N[::-1].copy())
    assert fingerprint(same[0]) == fingerprint(same[1])
    pixel = pixels.copy()
    pixel[3, 2, 1, 0] ^= 1
    others = [
        prepared(tmp_path / "pixel", pixel, targets_N),
        prepared(tmp_path / "target", pixels, targets_N[::-1].copy()),
        prepared(tmp_path / "shape", pixels.reshape(37, 6, 5, 3), targets_N),
        prepared(tmp_path / "validation pixel", pixels, targets_N),
        prepared(tmp_path / "validation target", pixels, targets_N),
    ]
    save_array(tmp_path / "validation pixel" / "validation" / "inputs.npy", pixel)
    save_targets(tmp_path / "validation target", "validation", targets_N[::-1].copy())
    assert len({fingerprint(folder) for folder in [same[0], *others]}) == 6
