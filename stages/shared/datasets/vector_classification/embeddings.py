"""The user's own vectors: `train.npy` with `train.csv`, or `train.parquet`, and those of test.

Embeddings of images, sounds or texts by whatever network, or rows of a table of numbers.
"""

from stages.shared.datasets.reading.source_vectors import load_vectors
from stages.shared.datasets.reading.sources import Source
from stages.shared.settings.sections import Dataset

BRINGS_IDS = True  # samples may have names that are not their rows


def load(params: Dataset) -> Source:
    """Return the vectors below dataset.root.

    Raises:
        ArtifactError: a list of labels is missing or has other columns.
        DataError: there are no vectors, or a file cannot be read.
    """
    return load_vectors(params)
