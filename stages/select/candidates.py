"""Candidates: the samples among which a round chooses, in order of preference.

Shapes: N train samples, K candidates, P picks of a subset.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.select import outliers
from stages.select.rules import RULES
from stages.shared import artifacts
from stages.shared.artifacts import Floats, Ints, Subset
from stages.shared.drawing import Limits
from stages.shared.params import OutlierFraction, Select


@dataclass(frozen=True)
class Scored:
    """What the ensemble of a round says of the train samples."""

    score_N: Floats
    tie_N: Floats  # a random number for each, which decides between equal scores
    signals: Path  # data/signals/<from>


def candidates(subset: Subset, grows: bool, limits: Limits, settings: Select) -> Ints:
    """Return the rows that compete, int64 [K]; in a shrinking round each pick of the subset."""
    if not grows:
        return limits.allowed(subset.index_P)
    everything_N = np.arange(len(limits.targets_N))
    if settings.candidates == "all":
        return limits.allowed(everything_N)
    return limits.allowed(np.delete(everything_N, subset.index_P))


def in_order(rows_K: Ints, scored: Scored, limits: Limits, settings: Select) -> Ints:
    """Return the candidates in order of preference, without the outliers.

    A sample of the include list stays, however high its score is.

    Raises:
        ParamsError: all_voters_disagree makes no sense for so many voters.
        ArtifactError: the votes are needed and missing.
    """
    is_outlier_K = _is_outlier(rows_K, scored, limits, settings)
    rows_K = rows_K[~is_outlier_K | np.isin(rows_K, limits.included)]
    return rows_K[RULES[settings.rule](scored.score_N[rows_K], scored.tie_N[rows_K])]


def _is_outlier(rows_K: Ints, scored: Scored, limits: Limits, settings: Select) -> outliers.Mask:
    num_train = len(limits.targets_N)
    if isinstance(settings.outliers, OutlierFraction):
        score_K, tie_K = scored.score_N[rows_K], scored.tie_N[rows_K]
        return outliers.highest_scored(score_K, tie_K, settings.outliers.fraction, num_train)
    votes_MN = artifacts.load_signal(scored.signals, "votes_MN", num_train)
    return outliers.all_voters_disagree(votes_MN[:, rows_K], limits.num_classes)
