"""How alike samples are ordered: by acquisition functions, by single voters, by a reference.

Spearman's correlation compares the order alone (SVP, Fig. 3, 11 and 12), Pearson's the values (SVP,
Fig. 13). Both are in [-1, 1]; scores that are all the same have none, which is None.

Shapes: N samples, F rankings that are compared, M voters, S sampled train samples, E kept epochs of
all members.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

import numpy as np

from stages.score.lazy_signals import VoterEntropies
from stages.shared.artifacts import Array, Dynamics, Floats, Rows
from stages.shared.choosing.correlation import pearson, spearman
from stages.shared.settings.menu import NEED_DYNAMICS, NEED_GRADIENT_NORM, NEED_TWO_VOTERS

MOST_VOTERS = 100  # in pairs: 4,950 rows
# The last bits of a matrix product depend on the number of threads, and mean nothing.
DECIMALS = 6


def comparable(
    allowed: Collection[str],
    num_voters: int,
    pool_signals: Collection[str],
    *,
    all_trained_on: bool,
) -> list[str]:
    """Return the names of the acquisition functions that say something of every sample, sorted.

    `random` never does. `allowed` are those of the task; `pool_signals` those of
    predict_pool.signals; `all_trained_on`: every train sample is in the subset that the ensemble
    was trained on.
    """
    left_out = {"random"}
    if num_voters == 1:
        left_out.update(NEED_TWO_VOTERS)
    if "gradient_norm" not in pool_signals:
        left_out.update(NEED_GRADIENT_NORM)
    if not all_trained_on:
        left_out.update(NEED_DYNAMICS)
    return sorted(set(allowed) - left_out)


def of_acquisitions(scores: Mapping[str, Floats]) -> Rows:
    """Return the correlations of each two functions' scores, by name."""
    labels = [{"first": one, "second": other} for one, other in combinations(scores, 2)]
    if not labels:
        return []
    return _pairs(labels, np.stack(list(scores.values())))


def of_voters(entropies: VoterEntropies) -> Rows:
    """Return the correlations of the entropies of each two voters.

    Of more than MOST_VOTERS voters so many are taken, evenly spread.
    """
    num_voters = len(entropies.voters)
    chosen = np.linspace(0, num_voters - 1, min(num_voters, MOST_VOTERS)).astype(np.int64)
    labels = [
        {
            "first_member": one.member,
            "first_epoch": one.epoch,
            "second_member": other.member,
            "second_epoch": other.epoch,
        }
        for one, other in combinations([entropies.voters[row] for row in chosen], 2)
    ]
    return _pairs(labels, entropies.entropy_MS[chosen])


def with_reference(entropies: VoterEntropies, score_N: Floats, reference_N: Floats) -> Rows:
    """Return the correlations with the reference of each voter's entropy, by voter.

    The last row, of no voter, is that of the round's own scores. Scores and reference are NaN for
    the samples that they do not speak of. Without any reference there is no row.
    """
    if np.isnan(reference_N).all():
        return []
    reference_S = reference_N[entropies.row_S]
    of_voters = _with_reference(entropies.entropy_MS, reference_S)
    of_scores = _with_reference(score_N[np.newaxis], reference_N)
    places = [(voter.member, voter.epoch) for voter in entropies.voters]
    return [
        {"member": member, "epoch": epoch, **fields}
        for (member, epoch), fields in zip(
            [*places, (None, None)], [*of_voters, *of_scores], strict=True
        )
    ]


def forgetting_with_reference(dynamics: Dynamics, reference_N: Floats) -> Rows:
    """Return the correlations with the reference of the forgetting events up to each kept epoch.

    Over the sampled ones of the subset of which the reference speaks. Without any reference there
    is no row, nor for members that were not trained.
    """
    if np.isnan(reference_N).all():
        return []
    found = _with_reference(dynamics.kept_events_ES, reference_N[dynamics.sampled_S])
    places = zip(dynamics.kept_member_E.tolist(), dynamics.kept_epoch_E.tolist(), strict=True)
    return [
        {"member": member, "epoch": epoch, **fields}
        for (member, epoch), fields in zip(places, found, strict=True)
    ]


def _pairs(labels: Sequence[Mapping[str, object]], values_FN: Array) -> Rows:
    """Return the correlations of each two rows; the labels are those of the pairs, in order."""
    spearman_FF, pearson_FF = spearman(values_FN), pearson(values_FN)
    pairs = combinations(range(len(values_FN)), 2)
    return [
        {**label, **_fields(spearman_FF[pair], pearson_FF[pair])}
        for label, pair in zip(labels, pairs, strict=True)
    ]


def _with_reference(values_FN: Array, reference_N: Floats) -> Rows:
    """Return both correlations of each row with the reference, over what both speak of."""
    known_N = ~np.isnan(reference_N) & ~np.isnan(values_FN).any(axis=0)
    together = np.vstack([values_FN[:, known_N], reference_N[known_N]])
    columns = spearman(together)[:-1, -1], pearson(together)[:-1, -1]
    return [_fields(*pair) for pair in zip(*columns, strict=True)]


def _fields(spearman: float, pearson: float) -> dict[str, object]:
    return {"spearman": _rounded(spearman), "pearson": _rounded(pearson)}


def _rounded(correlation: float) -> float | None:
    # 0.0 is added for -0.0.
    return None if np.isnan(correlation) else round(float(correlation), DECIMALS) + 0.0
