"""Image files of any mode become 8-bit RGB as a viewer shows them."""

import numpy as np
import pytest
from PIL import Image

from stages.shared.samples.decoding import decode

GREY_HW = np.array([[0, 51, 255], [102, 204, 153]], dtype=np.uint8)


def grey_as_rgb():
    return np.repeat(GREY_HW[..., np.newaxis], 3, axis=2)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_opaque_images_of_every_8_bit_mode_decode_to_the_same_rgb(tmp_path, mode):
    Image.fromarray(GREY_HW).convert(mode).save(tmp_path / "image.png")
    assert np.array_equal(decode(tmp_path / "image.png", None), grey_as_rgb())


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, ending):
    # 65535 / 255 = 257, so these values are exactly the 8-bit ones.
    Image.fromarray(GREY_HW.astype(np.uint16) * 257).save(tmp_path / f"image.{ending}")
    assert np.array_equal(decode(tmp_path / f"image.{ending}", None), grey_as_rgb())


def test_16_bit_grey_is_rounded_to_the_nearest_8_bit_value(tmp_path):
    values_HW = np.array([[0, 128, 129, 385, 386, 65406, 65407]], dtype=np.uint16)
    Image.fromarray(values_HW).save(tmp_path / "image.png")
    assert decode(tmp_path / "image.png", None)[0, :, 0].tolist() == [0, 0, 1, 1, 2, 254, 255]


def test_cmyk_and_black_and_white_decode_to_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.tif")
    assert np.array_equal(decode(tmp_path / "red.tif", None)[0, 0], [255, 0, 0])
    Image.new("1", (8, 8), 1).save(tmp_path / "white.png")
    assert (decode(tmp_path / "white.png", None) == 255).all()


def test_transparent_parts_show_white_and_half_transparent_ones_the_mean(tmp_path):
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    image.putpixel((2, 0), (0, 0, 0, 127))
    image.save(tmp_path / "image.png")
    assert decode(tmp_path / "image.png", None)[0, :, 0].tolist() == [255, 0, 128]


def test_a_transparent_palette_entry_shows_white(tmp_path):
    image = Image.new("P", (2, 1), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "image.gif", transparency=0)
    assert decode(tmp_path / "image.gif", None)[0].tolist() == [[255, 255, 255], [40, 50, 60]]


def test_images_are_turned_as_their_exif_orientation_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    Image.fromarray(GREY_HW).save(tmp_path / "image.png", exif=exif)
    expected = np.rot90(GREY_HW, -1)
    assert np.array_equal(decode(tmp_path / "image.png", None)[..., 0], expected)


def test_the_middle_square_is_scaled_to_the_image_size(tmp_path):
    wide = Image.new("RGB", (40, 20), "red")
    wide.paste("blue", (10, 0, 30, 20))
    wide.save(tmp_path / "wide.png")
    image_HWK = decode(tmp_path / "wide.png", 5)
    assert image_HWK.shape == (5, 5, 3)
    assert (image_HWK[:, 1:4] == [0, 0, 255]).all()
    assert image_HWK[..., 0].max() < 30  # bicubic sees a little over the edge


@pytest.mark.parametrize("size", [64, 512])
def test_a_jpeg_decodes_to_nearly_the_same_small_image_as_a_png_of_its_pixels(tmp_path, size):
    blocks = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    Image.fromarray(blocks).resize((size, size)).save(tmp_path / "image.jpg")
    with Image.open(tmp_path / "image.jpg") as image:
        image.save(tmp_path / "image.png")
    difference = decode(tmp_path / "image.png", 32).astype(int) - decode(tmp_path / "image.jpg", 32)
    assert abs(difference).max() <= 8


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_without_a_known_range_are_refused(tmp_path, mode):
    Image.fromarray(np.full((2, 2), 70000, dtype=np.int32)).convert(mode).save(tmp_path / "x.tif")
    with pytest.raises(ValueError, match="no known range"):
        decode(tmp_path / "x.tif", None)


def test_decompression_bombs_are_errors(tmp_path, monkeypatch):
    Image.new("1", (40, 40)).save(tmp_path / "image.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # 1,600 are a warning, 2,001 an error
    with pytest.raises(Image.DecompressionBombWarning):
        decode(tmp_path / "image.png", None)
