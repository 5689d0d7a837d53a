"""Classification of vectors: standardised numbers as they are; cross-entropy."""

from stages.shared.networks import batches, vector_batches
from stages.shared.networks.one_label import Classification


class VectorClassification(Classification):
    """One class for each vector."""

    load_samples = staticmethod(vector_batches.load_samples)
    load_targets = staticmethod(batches.load_targets)
    read_batches = staticmethod(vector_batches.read_batches)
    as_inputs = staticmethod(vector_batches.standardise)
    example = staticmethod(vector_batches.example)


# Here, in a room that DVC watches: probes of images use it too.
TASK = VectorClassification()
