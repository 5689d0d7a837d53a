"""Which classes there are where each sample brings the name of its own.

Shapes: N samples.
"""

import os
import re
from collections.abc import Sequence

import numpy as np

from stages.shared.artifacts import Ints


def numbered(labels: Sequence[str]) -> tuple[list[str], Ints]:
    """Return the classes in order, and the number of each sample's, int64 [N].

    Whole numbers stand in their order where all are such, other names in that of their bytes.
    """
    names = sorted(set(labels), key=os.fsencode)
    if all(re.fullmatch("-?[0-9]{1,18}", name) for name in names):
        names.sort(key=int)
    number_of = {name: number for number, name in enumerate(names)}
    return names, np.array([number_of[label] for label in labels], dtype=np.int64)
