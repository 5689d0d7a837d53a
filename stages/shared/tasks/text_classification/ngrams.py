"""The mean of hashed word n-grams: fastText's features (Joulin et al. 2016, arXiv 1607.01759).

Shapes: B batch, W words, G n-grams of all texts, D features.
"""

import torch
from torch import Tensor, nn

from stages.shared.networks.layers import Classifier
from stages.shared.tasks.text_classification.text_batches import TextBatch

FASTTEXT_FEATURES = 10  # Joulin et al. 2016 (arXiv 1607.01759), section 3.1
MULTIPLIER = 116_049_371  # fastText's, from a word's hash to that of the pair with the next


class NgramBag(nn.Module):
    """The mean of the vectors of a text's words and pairs of neighbours, all from one table.

    The table's gradient is sparse: a step costs what the batch holds, not what the table does.
    """

    def __init__(self, num_buckets: int, num_features: int) -> None:
        super().__init__()
        first = torch.empty(num_buckets, num_features)
        # As fastText draws them.
        first.uniform_(-1 / num_features, 1 / num_features)
        self.table = nn.EmbeddingBag(
            num_buckets, num_features, mode="mean", sparse=True, _weight=first
        )

    def forward(self, batch: TextBatch) -> Tensor:
        """Return the features [B, D]."""
        bucket_G, first_B = uni_and_bigrams(*batch.words(), self.table.num_embeddings)
        return self.table(bucket_G, first_B)


def fasttext(num_buckets: int, num_classes: int) -> Classifier:
    """Return fastText with a table of so many rows; its linear layer starts at 0."""
    bag = NgramBag(num_buckets, FASTTEXT_FEATURES)
    model = Classifier(bag, FASTTEXT_FEATURES, num_classes)
    nn.init.zeros_(model.classifier.weight)
    nn.init.zeros_(model.classifier.bias)
    return model


def uni_and_bigrams(word_W: Tensor, num_B: Tensor, num_buckets: int) -> tuple[Tensor, Tensor]:
    """Return the buckets of all n-grams, int64 [G], and where each text's begin [B].

    A text of n words has 2n - 1 of them: each word, and after it the pair with the next.
    """
    # The last text's last pair, with nothing, is dropped like that of every text.
    next_W = torch.cat([word_W[1:], word_W[:1]])
    bucket_W2 = torch.stack([word_W, word_W * MULTIPLIER + next_W], dim=1) % num_buckets
    end_B = num_B.cumsum(0)
    is_ngram_G = torch.ones_like(bucket_W2.flatten(), dtype=torch.bool)
    is_ngram_G[2 * end_B - 1] = False
    first_B = 2 * (end_B - num_B) - torch.arange(len(num_B), device=num_B.device)
    return bucket_W2.flatten()[is_ngram_G], first_B
