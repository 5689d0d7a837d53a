"""Outliers: candidates whose score is so high that they are skipped.

They may be wrong labels or senseless inputs (Chitta et al., outlier experiments). Skipped samples
are candidates again in the next round.

Shapes: K candidates, M voters, N train samples.
"""

from stages.select.rules.candidates import Candidates, hardest
from stages.shared.artifacts import Array
from stages.shared.choosing.outliers import Mask, all_different, num_highest
from stages.shared.errors import ParamsError


def highest_scored(candidates: Candidates, fraction: float, num_train: int) -> Mask:
    """Mark the floor(fraction * num_train) highest-scored candidates, bool [K]."""
    return hardest(candidates, num_highest(fraction, num_train))


def all_voters_disagree(votes_MK: Array, num_classes: int) -> Mask:
    """Mark the candidates that got as many different votes as there are voters, bool [K].

    Raises:
        ParamsError: it could hold for every candidate or for none.
    """
    num_voters = len(votes_MK)
    if not 2 <= num_voters <= num_classes:  # noqa: PLR2004 - disagreement takes two
        raise ParamsError(
            f"params.yaml: select.outliers is all_voters_disagree with {num_voters} voters and "
            f"{num_classes} classes; allowed are 2 to {num_classes} voters"
        )
    return all_different(votes_MK)
