"""A warning of classes that a chosen subset has nothing of."""

import sys
from collections.abc import Sequence

import numpy as np

from stages.shared.artifacts import Ints

MOST_NAMES = 10  # that the warning lists


def warn_of_absent_classes(
    draws: Sequence[Ints], targets_N: Ints, class_names: Sequence[str]
) -> None:
    """Say on stderr which classes of the train split have no sample in a draw of a subset.

    Args:
        draws: of each its rows of the train split.
        targets_N: the class of each row.
        class_names: by class.
    """
    classes = np.unique(targets_N)
    is_absent_DC = np.array([~np.isin(classes, targets_N[index_P]) for index_P in draws])
    absent = classes[is_absent_DC.any(axis=0)]
    if len(absent):
        subset = "the subset"
        if len(draws) > 1:
            subset = f"{is_absent_DC.any(axis=1).sum()} of {len(draws)} draws of the subset"
        names = ", ".join(class_names[number] for number in absent[:MOST_NAMES])
        rest = f" and {len(absent) - MOST_NAMES} more" if len(absent) > MOST_NAMES else ""
        sys.stderr.write(
            f"warning: {len(absent)} of {len(class_names)} classes have no sample in {subset}: "
            f"{names}{rest}\n"
        )
