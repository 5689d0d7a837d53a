"""How alike the rounds order the samples.

Shapes: N train samples.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from stages.report.run.results import Round
from stages.shared.artifacts import Rows
from stages.shared.choosing.correlation import pearson, spearman

DECIMALS = 4


def round_correlations(rounds: Sequence[Round]) -> Rows:
    """Return the correlations between the scores of each two rounds, over all train samples.

    A round is named by the size that its ensemble was trained on. Empty where all scores are equal.
    """
    return [
        {
            "first": first.source,
            "second": second.source,
            "spearman": rounded(spearman(scores_2N)[0, 1]),
            "pearson": rounded(pearson(scores_2N)[0, 1]),
        }
        for first, second in combinations(rounds, 2)
        for scores_2N in [np.stack([first.score_N, second.score_N])]
    ]


def rounded(correlation: float) -> float | None:
    """Return a correlation as tables have it; None where one side is constant."""
    # 0.0 is added for -0.0.
    return None if np.isnan(correlation) else round(float(correlation), DECIMALS) + 0.0
