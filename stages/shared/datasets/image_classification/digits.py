"""Handwritten digits, 1,797 grey images of 8x8 pixels, that scikit-learn brings along.

Alpaydin and Kaynak 1998, the test part of UCI's optical recognition of handwritten digits. There
is no test split, so folds are used; a sample id is the row in scikit-learn's arrays.
"""

import numpy as np

from stages.shared.datasets.reading import own_digits
from stages.shared.datasets.reading.source_images import ArrayImages
from stages.shared.datasets.reading.sources import Source, refuse_file_params
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return the digits, their pixels scaled to 0..255.

    Raises:
        ParamsError: a parameter is set that only image files obey.
    """
    refuse_file_params(params)
    digits = own_digits.load()
    images_NHW = np.rint(digits.images_NHW * 255 / own_digits.HIGHEST).astype(np.uint8)
    return Source(
        class_names=digits.class_names,
        targets_N=digits.targets_N,
        sample_ids=[str(row) for row in range(len(digits.targets_N))],
        given_splits=None,
        inputs=ArrayImages(images_NHW[..., np.newaxis]),
    )
