"""What greedy rules share: picking by upper bounds that only fall, and a bar that shows it.

Shapes: K candidates.
"""

import sys

import numpy as np
from tqdm import tqdm

from stages.shared.artifacts import Floats, Ints

PICKED = -1.0  # in place of a squared distance: below every other


def largest(bound_K: Floats, count: int) -> Ints:
    """Return the positions of the largest bounds, rising, int64 [count]; of equals the first."""
    if count >= len(bound_K):
        return np.arange(len(bound_K))
    least = np.partition(bound_K, -count)[-count]
    above = np.flatnonzero(bound_K > least)
    equal = np.flatnonzero(bound_K == least)[: count - len(above)]
    return np.sort(np.concatenate([above, equal]))


def foremost(bound_K: Floats) -> tuple[float, int]:
    """Return minus the largest bound and its first position: what sorts first is picked first."""
    position = int(bound_K.argmax())
    return -float(bound_K[position]), position


def picks_bar(name: str, count: int) -> "tqdm[None]":
    """Return a bar over picks, drawn on a terminal alone."""
    return tqdm(desc=name, total=count, unit=" picks", disable=not sys.stderr.isatty())
