"""fastText: the mean vector of a text's words and pairs of words, and a linear layer."""

from collections.abc import Sequence

from torch import nn

from stages.shared.networks.layers import Classifier
from stages.shared.tasks.text_classification.ngrams import NgramBag

NUM_FEATURES = 10  # Joulin et al. 2016 (arXiv 1607.01759), section 3.1
NUM_BUCKETS = 2_000_000  # fastText's own default; Joulin et al. take 10 million for bigrams


def build(num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return fastText, whose linear layer starts at 0; words and pairs share the buckets."""
    del input_shape
    model = Classifier(NgramBag(NUM_BUCKETS, NUM_FEATURES), NUM_FEATURES, num_classes)
    nn.init.zeros_(model.classifier.weight)
    nn.init.zeros_(model.classifier.bias)
    return model
