"""Text classification: characters or words, as a model asks for them; cross-entropy."""

from stages.shared.networks import batches
from stages.shared.networks.one_label import Classification
from stages.shared.tasks.text_classification import text_batches


class TextClassification(Classification):
    """One class for each text."""

    load_samples = staticmethod(text_batches.load_samples)
    load_targets = staticmethod(batches.load_targets)
    read_batches = staticmethod(text_batches.read_batches)
    as_inputs = staticmethod(text_batches.as_inputs)
    example = staticmethod(text_batches.example)


TASK = TextClassification()
