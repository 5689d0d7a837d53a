"""A detector on a U-Net of five levels, for photographs (Chitta et al. 2020, section 5.1)."""

from collections.abc import Sequence

from stages.shared.tasks.object_detection.unet import Detector


def build(num_classes: int, input_shape: Sequence[int]) -> Detector:
    """Return it with random weights for images of shape H, W, K."""
    return Detector([32, 64, 128, 256, 512], num_classes, input_shape[-1])
