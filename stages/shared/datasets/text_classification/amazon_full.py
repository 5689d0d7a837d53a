"""Amazon Review Full: 3,000,000 and 650,000 reviews of one to five stars (Zhang et al. 2015).

dataset.root holds train.csv and test.csv of amazon_review_full_csv.tar.gz (arXiv 1509.01626).
"""

from stages.shared.datasets.reading.source_texts import load_reviews
from stages.shared.datasets.reading.sources import Source
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return both official splits; validation is carved from train.

    Raises:
        DataError: there is no train.csv, or it holds nothing.
    """
    return load_reviews(params, ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"])
