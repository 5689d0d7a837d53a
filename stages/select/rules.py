"""Selection rules: in which order the scores prefer the candidates.

Each takes the scores of the candidates and a random number for each, and returns the positions of
the candidates in order of preference. To add one, write a function and list it at the foot.

Shapes: K candidates.
"""

from collections.abc import Callable

import numpy as np

from stages.shared.artifacts import Floats, Ints


def top(score_K: Floats, tie_K: Floats) -> Ints:
    """Highest score first; equal scores by the random number, smallest first, int64 [K]."""
    return np.lexsort((tie_K, -score_K))


RULES: dict[str, Callable[[Floats, Floats], Ints]] = {
    "top": top,
}
