"""Candidates: the samples among which a round chooses, in order of preference.

Shapes: N train samples, K candidates, P picks of a subset.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.select import skipped
from stages.select.rules import RULES, Candidates
from stages.shared import artifacts
from stages.shared.artifacts import Ints, Subset
from stages.shared.choosing.limits import Limits
from stages.shared.choosing.outliers import Mask
from stages.shared.settings.sections import OutlierFraction, Select


def competing(subset: Subset, grows: bool, limits: Limits, settings: Select) -> Ints:
    """Return the rows that compete, int64 [K]; in a shrinking round each pick of the subset."""
    if not grows:
        return limits.allowed(subset.index_P)
    everything_N = np.arange(len(limits.targets_N))
    if settings.candidates == "all":
        return limits.allowed(everything_N)
    return limits.allowed(np.delete(everything_N, subset.index_P))


def in_order(
    candidates: Candidates,
    signals: Path,
    limits: Limits,
    settings: Select,
    group_N: Ints | None = None,
) -> Ints:
    """Return the rows of the candidates in order of preference, without the outliers.

    Where groups of near duplicates are given, no more than the first of each is left. A sample of
    the include list stays, however high its score is and whatever it is like.

    Raises:
        ParamsError: all_voters_disagree makes no sense for so many voters, or the rule none for
            these scores.
        ArtifactError: the votes or features are needed and missing.
    """
    is_outlier_K = _is_outlier(candidates, signals, limits, settings)
    is_left_K = ~is_outlier_K
    if group_N is not None:
        taken = np.concatenate([candidates.kept_P, limits.included])
        is_left_K &= ~np.isin(group_N[candidates.row_K], group_N[taken])
    row_K = candidates.row_K[is_left_K | np.isin(candidates.row_K, limits.included)]
    count = min(candidates.count, len(row_K))
    # Where something else than preference decides too, any candidate may be drawn.
    is_bound = settings.balanced or limits.min_per_class > 0 or len(limits.included) > 0
    length = len(row_K) if is_bound or settings.order == "all" else count
    if group_N is not None:  # so many may have to be passed over
        length = min(len(row_K), length + len(row_K) - len(np.unique(group_N[row_K])))
    competing = replace(candidates, row_K=row_K, count=count, length=length)
    order_K = row_K[RULES[settings.rule](competing)]
    return order_K if group_N is None else _first_of_groups(order_K, group_N, limits)


def _first_of_groups(order_K: Ints, group_N: Ints, limits: Limits) -> Ints:
    """Return the rows without those that stand behind another of their group."""
    is_first_K = np.zeros(len(order_K), dtype=np.bool_)
    is_first_K[np.unique(group_N[order_K], return_index=True)[1]] = True
    return order_K[is_first_K | np.isin(order_K, limits.included)]


def _is_outlier(candidates: Candidates, signals: Path, limits: Limits, settings: Select) -> Mask:
    num_train = len(limits.targets_N)
    if isinstance(settings.outliers, OutlierFraction):
        return skipped.highest_scored(candidates, settings.outliers.fraction, num_train)
    votes_MN = artifacts.load_signal(signals, "votes_MN", num_train)
    return skipped.all_voters_disagree(votes_MN[:, candidates.row_K], limits.num_classes)
