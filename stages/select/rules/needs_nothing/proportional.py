"""A draw in proportion to the scores."""

import numpy as np

from stages.select.rules.candidates import Candidates, first_to_arrive
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Drawn one by one, each with probability score / sum of the scores that are left.

    The gradient-CDF of Vodrahalli et al. 2018 (section 3.3, eq. 8).

    Raises:
        ParamsError: a score is negative.
    """
    return first_to_arrive(candidates, "proportional", np.zeros(len(candidates.row_K)))
