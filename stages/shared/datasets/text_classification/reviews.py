"""The user's own texts: `train.csv`, and `test.csv` if there is one, in the Amazon reviews' form.

Rows are `"class","title","text"` without a header; classes are numbers from 1, which are also their
names. Without test.csv the rows are split at random.
"""

from stages.shared.datasets.reading.source_texts import load_reviews
from stages.shared.datasets.reading.sources import Source
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return the rows below dataset.root.

    Raises:
        DataError: there is no train.csv, or it holds nothing.
    """
    return load_reviews(params)
