"""Random crop, horizontal flip and zoom of whole batches, where the images lie.

The random numbers of an epoch are drawn at once, one set for each image, so neither batches nor
device change them. Without zoom, crop and flip are one lookup and stay exact uint8.

Shapes: N images of an epoch, B batch, H x W x K pixels and channels.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from stages.shared.settings.training_sections import Augmentation


@dataclass(frozen=True)
class Draws:
    """How each image is changed."""

    shift_N2: Tensor  # int64, pixels down and right that the window moves, -padding to padding
    is_flipped_N: Tensor  # bool
    zoom_N: Tensor  # float32, 2 shows the middle half of the image

    def __getitem__(self, rows: slice) -> "Draws":
        """Return the draws of one batch."""
        return Draws(self.shift_N2[rows], self.is_flipped_N[rows], self.zoom_N[rows])

    def to(self, device: torch.device) -> "Draws":
        """Return the same where the images lie."""
        return Draws(*(part.to(device) for part in vars(self).values()))


def draw(settings: Augmentation, num: int, generator: torch.Generator) -> Draws:
    """Draw how each of `num` images is changed, on the CPU."""
    padding = settings.crop_padding
    low, high = settings.scale
    shift_N2 = torch.randint(-padding, padding + 1, (num, 2), generator=generator)
    is_flipped_N = torch.rand(num, generator=generator) < settings.horizontal_flip / 2
    zoom_N = low + (high - low) * torch.rand(num, generator=generator)
    return Draws(shift_N2, is_flipped_N, zoom_N)


def augment(images_BHWK: Tensor, draws: Draws, settings: Augmentation) -> Tensor:
    """Return the changed images, [B, H, W, K]: uint8 without zoom, else float32 of 0 to 255.

    The draws lie on the device of the images.
    """
    if settings.scale != [1.0, 1.0]:
        return _zoom(images_BHWK, draws, settings.border)
    if settings.crop_padding or settings.horizontal_flip:
        if settings.border == "mirrored":
            return _look_up_mirrored(images_BHWK, draws)
        return _look_up(images_BHWK, draws, settings.crop_padding)
    return images_BHWK


def _look_up(images_BHWK: Tensor, draws: Draws, padding: int) -> Tensor:
    _, height, width, _ = images_BHWK.shape
    padded = F.pad(images_BHWK, (0, 0, padding, padding, padding, padding))
    row_BH, column_BW = _places(height, width, draws)
    return _pixels(padded, row_BH + padding, column_BW + padding)


def _look_up_mirrored(images_BHWK: Tensor, draws: Draws) -> Tensor:
    _, height, width, _ = images_BHWK.shape
    row_BH, column_BW = _places(height, width, draws)
    return _pixels(images_BHWK, _mirrored(row_BH, height), _mirrored(column_BW, width))


def _mirrored(place_BP: Tensor, length: int) -> Tensor:
    """Return places within the image: those beyond it are mirrored in its outermost pixel."""
    period = max(1, 2 * (length - 1))
    place_BP = place_BP.remainder(period)
    return torch.minimum(place_BP, period - place_BP)


def _places(height: int, width: int, draws: Draws) -> tuple[Tensor, Tensor]:
    """Return the rows [B, H] and columns [B, W] that are shown; 0 is the image's first."""
    device = draws.shift_N2.device
    row_BH = torch.arange(height, device=device) + draws.shift_N2[:, :1]
    column_W = torch.arange(width, device=device)
    column_BW = torch.where(draws.is_flipped_N[:, None], width - 1 - column_W, column_W)
    return row_BH, column_BW + draws.shift_N2[:, 1:]


def _pixels(images_BHWK: Tensor, row_BH: Tensor, column_BW: Tensor) -> Tensor:
    """Return the pixels of each image in these rows and columns."""
    size, height, width, channels = images_BHWK.shape
    # One index into all pixels: three times as fast as one each for image, row and column.
    row_BH = row_BH + height * torch.arange(size, device=images_BHWK.device)[:, None]
    pixel_BHW = row_BH[:, :, None] * width + column_BW[:, None, :]
    pixels = images_BHWK.reshape(-1, channels).index_select(0, pixel_BHW.flatten())
    return pixels.view(*pixel_BHW.shape, channels)


def _zoom(images_BHWK: Tensor, draws: Draws, border: str) -> Tensor:
    size, height, width, _ = images_BHWK.shape
    # An affine map from output to input coordinates, both from -1 to 1 over the image.
    theta_B23 = torch.zeros(size, 2, 3, device=images_BHWK.device)
    theta_B23[:, 0, 0] = torch.where(draws.is_flipped_N, -1.0, 1.0) / draws.zoom_N
    theta_B23[:, 1, 1] = 1 / draws.zoom_N
    theta_B23[:, 0, 2] = 2 * draws.shift_N2[:, 1] / width
    theta_B23[:, 1, 2] = 2 * draws.shift_N2[:, 0] / height
    images_BKHW = images_BHWK.permute(0, 3, 1, 2).float()
    grid_BHW2 = F.affine_grid(theta_B23, list(images_BKHW.shape), align_corners=False)
    mode = "zeros" if border == "black" else "reflection"
    zoomed_BKHW = F.grid_sample(images_BKHW, grid_BHW2, padding_mode=mode, align_corners=False)
    return zoomed_BKHW.permute(0, 2, 3, 1)
