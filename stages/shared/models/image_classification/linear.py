"""The linear classifier: pixels to logits (Vodrahalli et al. 2018, section 4.2)."""

import math
from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier


def build(num_classes: int, image_shape: Sequence[int]) -> Classifier:
    """Return the classifier for images of shape H, W, K: its features are their H W K pixels."""
    return Classifier(nn.Flatten(), math.prod(image_shape), num_classes)
