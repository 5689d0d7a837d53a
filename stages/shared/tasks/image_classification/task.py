"""Image classification: uint8 images on the device, normalised; cross-entropy."""

from stages.shared.networks import batches
from stages.shared.networks.one_label import Classification


class ImageClassification(Classification):
    """One class for each image."""

    load_samples = staticmethod(batches.load_samples)
    load_targets = staticmethod(batches.load_targets)
    read_batches = staticmethod(batches.read_batches)
    as_inputs = staticmethod(batches.normalise)
    example = staticmethod(batches.example)


TASK = ImageClassification()
