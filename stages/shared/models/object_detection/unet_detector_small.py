"""A detector on a U-Net of four narrow levels, for a processor and small images."""

from collections.abc import Sequence

from stages.shared.tasks.object_detection.unet import Detector


def build(num_classes: int, input_shape: Sequence[int]) -> Detector:
    """Return it with random weights for images of shape H, W, K."""
    return Detector([16, 32, 64, 64], num_classes, input_shape[-1])
