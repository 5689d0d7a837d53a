"""fastText with the buckets of Joulin et al. 2016 for bigrams (arXiv 1607.01759, section 3.1)."""

from collections.abc import Sequence

from stages.shared.networks.layers import Classifier
from stages.shared.tasks.text_classification.ngrams import fasttext

NUM_BUCKETS = 10_000_000  # 400 MB in fp32; words and pairs share the buckets


def build(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return fastText, whose linear layer starts at 0."""
    del input_shape
    return fasttext(NUM_BUCKETS, num_classes)
