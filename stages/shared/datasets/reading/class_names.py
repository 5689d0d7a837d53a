"""Which classes there are: those of which there is a sample.

Shapes: N samples.
"""

import os
import re
import sys
from collections.abc import Sequence

import numpy as np

from stages.shared.artifacts import Ints
from stages.shared.artifacts.user_names import MOST_SHOWN, and_more


def numbered(labels: Sequence[str]) -> tuple[list[str], Ints]:
    """Return the classes in order, and the number of each sample's, int64 [N].

    Whole numbers stand in their order where all are such, other names in that of their bytes.
    """
    names = sorted(set(labels), key=os.fsencode)
    if all(re.fullmatch("-?[0-9]{1,18}", name) for name in names):
        names.sort(key=int)
    number_of = {name: number for number, name in enumerate(names)}
    return names, np.array([number_of[label] for label in labels], dtype=np.int64)


def used(where: str, names: Sequence[str], targets_N: Ints) -> tuple[list[str], Ints]:
    """Return the classes that have a sample, and the number of each sample's, int64 [N].

    The others, as a filter leaves them, are named on stderr.
    """
    used_U, targets_N = np.unique(targets_N, return_inverse=True)
    class_names = [names[number] for number in used_U.tolist() if number < len(names)]
    are_used = {*class_names}
    unused = [name for name in names if name not in are_used]
    say_left_out(where, "classes without a sample", unused)
    return class_names, targets_N


def say_left_out(where: str, what: str, unused: Sequence[str]) -> None:
    """Name on stderr the classes that are left out."""
    if unused:
        told = and_more([repr(name) for name in unused[:MOST_SHOWN]], len(unused))
        sys.stderr.write(f"{where}: left out {len(unused)} {what}: {told}\n")
