"""Mean, standard deviation and fingerprint of the prepared pixels."""

import numpy as np
import pytest

from stages.prepare.input_statistics import Fingerprint, ValueCounts


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 200, (37, 5, 6, 3), dtype=np.uint8)


def mean_and_std(*parts):
    counts = ValueCounts(parts[0].shape[-1])
    for part in parts:
        counts.add(part)
    return counts.mean_and_std()


@pytest.mark.parametrize("num_channels", [1, 3])
def test_mean_and_std_are_those_of_numpy(pixels, num_channels):
    pixels = pixels[..., :num_channels]
    mean_K, std_K = mean_and_std(pixels)
    assert mean_K == pytest.approx((pixels / 255).mean(axis=(0, 1, 2)), rel=1e-12)
    assert std_K == pytest.approx((pixels / 255).std(axis=(0, 1, 2)), rel=1e-12)


def test_how_many_images_are_read_at_once_decides_no_bit(pixels):
    parts = np.array_split(pixels, 5)
    assert np.array_equal(mean_and_std(*parts), mean_and_std(pixels))


def test_half_black_half_white_has_mean_and_std_of_a_half():
    pixels = np.zeros((2, 2, 2, 1), dtype=np.uint8)
    pixels[0] = 255
    assert [values_K.tolist() for values_K in mean_and_std(pixels)] == [[0.5], [0.5]]


def fingerprint(*arrays, num_parts=1):
    made = Fingerprint()
    for array in arrays:
        made.begin(array.dtype, array.shape)
        for part in np.array_split(array, num_parts):
            made.add(part)
    return made.hex()


def test_the_fingerprint_tells_content_shapes_types_and_order_apart(pixels):
    targets_N = np.arange(37)
    pixel = pixels.copy()
    pixel[3, 2, 1, 0] ^= 1
    found = [
        fingerprint(pixels, targets_N),
        fingerprint(pixel, targets_N),
        fingerprint(pixels, targets_N[::-1]),
        fingerprint(pixels.reshape(37, 6, 5, 3), targets_N),
        fingerprint(pixels.view(np.int8), targets_N),
        fingerprint(targets_N, pixels),
    ]
    assert len(set(found)) == 6


def test_the_fingerprint_is_that_of_the_whole_arrays(pixels):
    assert fingerprint(pixels, num_parts=5) == fingerprint(pixels)
