"""How alike samples are ordered: by acquisition functions, by single voters, by a reference.

Spearman's correlation compares the order alone (SVP, Fig. 3 and 12), Pearson's the values (SVP,
Fig. 13). Both are in [-1, 1]; scores that are all the same have none, which is an empty field.

Shapes: N samples, F rankings that are compared, M voters, S sampled train samples.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from stages.score.acquisition import ACQUISITIONS, NEED_DYNAMICS, NEED_TWO_VOTERS
from stages.score.signals import VoterEntropies
from stages.shared.artifacts import Array, Floats, save_table
from stages.shared.correlation import pearson, spearman

ACQUISITIONS_HEADER = ["first", "second", "spearman", "pearson"]
VOTERS_HEADER = [
    "first_member",
    "first_epoch",
    "second_member",
    "second_epoch",
    "spearman",
    "pearson",
]
REFERENCE_HEADER = ["member", "epoch", "spearman", "pearson"]
MOST_VOTERS = 100  # in pairs: 4,950 rows
# The last bits of a matrix product depend on the number of threads, and mean nothing.
DECIMALS = 6


def comparable(
    num_voters: int, pool_signals: Collection[str], *, all_trained_on: bool
) -> list[str]:
    """Return the names of the acquisition functions that say something of every sample, sorted.

    `random` never does. `pool_signals` are those of predict_pool.signals; `all_trained_on`: every
    train sample is in the subset that the ensemble was trained on.
    """
    left_out = {"random"}
    if num_voters == 1:
        left_out.update(NEED_TWO_VOTERS)
    if "gradient_norm" not in pool_signals:
        left_out.add("gradient_norm")
    if not all_trained_on:
        left_out.update(NEED_DYNAMICS)
    return sorted(ACQUISITIONS.keys() - left_out)


def save_acquisitions(folder: Path, scores: Mapping[str, Floats]) -> None:
    """Write acquisitions.csv: the correlations of each two functions' scores, by name."""
    labels = [(name,) for name in scores]
    pairs = _pairs(labels, np.stack(list(scores.values())))
    save_table(folder / "acquisitions.csv", ACQUISITIONS_HEADER, pairs)


def save_voters(folder: Path, entropies: VoterEntropies) -> None:
    """Write voters.csv: the correlations of the entropies of each two voters.

    Of more than MOST_VOTERS voters so many are taken, evenly spread.
    """
    num_voters = len(entropies.voters)
    chosen = np.linspace(0, num_voters - 1, min(num_voters, MOST_VOTERS)).astype(np.int64)
    labels = [(entropies.voters[row].member, entropies.voters[row].epoch) for row in chosen]
    save_table(folder / "voters.csv", VOTERS_HEADER, _pairs(labels, entropies.entropy_MS[chosen]))


def save_reference(
    folder: Path, entropies: VoterEntropies, score_N: Floats, reference_N: Floats
) -> None:
    """Write reference.csv: the correlations with the reference of each voter's entropy, by voter.

    The last row, of no voter, is that of the round's own scores. Scores and reference are NaN for
    the samples that they do not speak of. Without any reference there is no row.
    """
    rows: list[list[object]] = []
    if not np.isnan(reference_N).all():
        reference_S = reference_N[entropies.row_S]
        of_voters = _with_reference(entropies.entropy_MS, reference_S)
        of_scores = _with_reference(score_N[np.newaxis], reference_N)
        labels = [*((voter.member, voter.epoch) for voter in entropies.voters), ("", "")]
        fields = [*of_voters, *of_scores]
        rows = [[*label, *pair] for label, pair in zip(labels, fields, strict=True)]
    save_table(folder / "reference.csv", REFERENCE_HEADER, rows)


def _pairs(labels: Sequence[tuple[object, ...]], values_FN: Array) -> Iterator[list[object]]:
    spearman_FF, pearson_FF = spearman(values_FN), pearson(values_FN)
    for pair in combinations(range(len(labels)), 2):
        first, second = pair
        yield [
            *labels[first],
            *labels[second],
            _field(spearman_FF[pair]),
            _field(pearson_FF[pair]),
        ]


def _with_reference(values_FN: Array, reference_N: Floats) -> Iterable[tuple[object, object]]:
    """Return both correlations of each row with the reference, over what both speak of."""
    known_N = ~np.isnan(reference_N) & ~np.isnan(values_FN).any(axis=0)
    together = np.vstack([values_FN[:, known_N], reference_N[known_N]])
    columns = spearman(together)[:-1, -1], pearson(together)[:-1, -1]
    return zip(*(map(_field, column) for column in columns), strict=True)


def _field(correlation: float) -> float | str:
    # 0.0 is added for -0.0.
    return "" if np.isnan(correlation) else round(float(correlation), DECIMALS) + 0.0
