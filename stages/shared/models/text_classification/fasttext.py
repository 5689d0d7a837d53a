"""fastText: the mean vector of a text's words and pairs of words, and a linear layer."""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier
from stages.shared.tasks.text_classification.ngrams import fasttext

NUM_BUCKETS = 2_000_000  # fastText's own default; words and pairs share the buckets


def build(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return fastText, whose linear layer starts at 0."""
    del input_shape
    return fasttext(NUM_BUCKETS, num_classes)
