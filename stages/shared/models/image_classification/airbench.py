"""The network of the speed records on CIFAR-10: groups of 64, 256 and 256 channels.

Jordan 2024 (arXiv 2404.00498), where ten epochs of its recipe reach 94 %; most of that recipe is in
presets/cifar10_airbench_cpu.yaml, and docs/results.md has what it reaches on JPEG files.
"""

from collections.abc import Sequence

from stages.shared.networks.convolution_groups import convolution_groups
from stages.shared.networks.layers import Classifier


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the network for images of shape H, W, K."""
    return convolution_groups([64, 256, 256], num_classes, image_shape)
