"""The 1,797 handwritten digits of scikit-learn, whose import would take longer than all the rest.

Alpaydin and Kaynak 1998, the test part of UCI's optical recognition of handwritten digits.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.shared.artifacts import Floats, Ints

FILE = "datasets/data/digits.csv.gz"  # of scikit-learn: a row's pixels, then its class
EDGE, HIGHEST = 8, 16  # pixels, which count the inked ones among 4x4


class Digits(NamedTuple):
    """What `sklearn.datasets.load_digits` returns."""

    images_NHW: Floats  # whole numbers from 0 to HIGHEST
    targets_N: Ints
    class_names: list[str]


def load() -> Digits:
    """Return images float64 [1797, 8, 8] and labels from 0 to 9."""
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    rows_NV = np.loadtxt(Path(spec.origin).parent / FILE, delimiter=",")
    images_NHW = rows_NV[:, :-1].reshape(-1, EDGE, EDGE)
    return Digits(images_NHW, rows_NV[:, -1].astype(np.int64), [str(name) for name in range(10)])
