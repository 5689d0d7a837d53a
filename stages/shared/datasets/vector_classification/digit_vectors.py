"""Handwritten digits as vectors of their 64 pixels: what `digits` reads, as a table of numbers."""

import numpy as np

from stages.shared.datasets.reading import own_digits
from stages.shared.datasets.reading.source_vectors import SourceVectors
from stages.shared.datasets.reading.sources import Source, refuse_file_params
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return the digits; a sample id is the row in scikit-learn's arrays."""
    refuse_file_params(params)
    digits = own_digits.load()
    vectors_NV = digits.images_NHW.reshape(len(digits.targets_N), -1)
    return Source(
        class_names=digits.class_names,
        targets_N=digits.targets_N,
        sample_ids=[str(row) for row in range(len(digits.targets_N))],
        given_splits=None,
        inputs=SourceVectors(["digits"], [vectors_NV.astype(np.float32)]),
    )
