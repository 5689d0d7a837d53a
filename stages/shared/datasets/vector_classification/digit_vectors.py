"""Handwritten digits as vectors of their 64 pixels: what `digits` reads, as a table of numbers."""

import numpy as np
from sklearn.datasets import load_digits

from stages.shared.datasets.reading.source_vectors import SourceVectors
from stages.shared.datasets.reading.sources import Source, refuse_file_params
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return the digits; a sample id is the row in scikit-learn's arrays."""
    refuse_file_params(params)
    digits = load_digits()
    return Source(
        class_names=[str(name) for name in digits.target_names],
        targets_N=digits.target.astype(np.int64),
        sample_ids=[str(row) for row in range(len(digits.target))],
        given_splits=None,
        inputs=SourceVectors(["digits"], [digits.data.astype(np.float32)]),
    )
