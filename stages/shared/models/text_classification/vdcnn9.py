"""VDCNN-9 on characters (Conneau et al. 2017, arXiv 1606.01781, table 2): 9 convolutions."""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier
from stages.shared.tasks.text_classification.vdcnn import vdcnn


def build(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return a VDCNN-9 for texts of the length in `input_shape`."""
    return vdcnn([2, 2, 2, 2], num_classes, input_shape)
