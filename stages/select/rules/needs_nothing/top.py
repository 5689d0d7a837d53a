"""The highest scores."""

from stages.select.rules.candidates import Candidates, smallest_first
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Highest score first; equal scores by the random number."""
    return smallest_first(candidates, -candidates.score_N[candidates.row_K])
