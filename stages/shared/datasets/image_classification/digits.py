"""Handwritten digits, 1,797 grey images of 8x8 pixels, that scikit-learn brings along.

Alpaydin and Kaynak 1998, the test part of UCI's optical recognition of handwritten digits. There
is no test split, so folds are used; a sample id is the row in scikit-learn's arrays.
"""

import numpy as np
from sklearn.datasets import load_digits

from stages.shared.datasets.reading.source_images import ArrayImages
from stages.shared.datasets.reading.sources import Source, refuse_file_params
from stages.shared.settings.sections import Dataset

HIGHEST = 16  # pixels count the inked ones among 4x4


def load(params: Dataset) -> Source:
    """Return the digits, their pixels scaled to 0..255.

    Raises:
        ParamsError: a parameter is set that only image files obey.
    """
    refuse_file_params(params)
    digits = load_digits()
    images_NHW = np.rint(digits.images * 255 / HIGHEST).astype(np.uint8)
    return Source(
        class_names=[str(name) for name in digits.target_names],
        targets_N=digits.target.astype(np.int64),
        sample_ids=[str(row) for row in range(len(digits.target))],
        given_splits=None,
        inputs=ArrayImages(images_NHW[..., np.newaxis]),
    )
