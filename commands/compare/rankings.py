"""Do the models of two revisions rank the samples alike?

For each round that two revisions have in common (by the size it leads to, otherwise by its
number), over the samples they have in common (by sample id):

    spearman   rank correlation (Coleman et al. 2020, Fig. 3) of what the column `ranked_by` says:
               `order`, the places in the order of picking, over the candidates of both, where both
               revisions were run with select.order: all; otherwise the `scores`;
               `ranked` says of how many samples
    jaccard    |A and B| / |A or B| of the whole subsets, seed subset and duplicates included
    overlap    |A and B| / k of the first k picks that scores chose, in the order of picking; the
               seed subset (round 0) is left out, since no score chose it, and so are the random
               samples that k-centers started from (Vodrahalli et al. 2018, Fig. 6)
    random     k / N, the overlap of two random sets of k of the N train samples; a little low where
               both leave out the same seed subset of S samples: then k / (N - S)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commands.compare.markdown import Row
from commands.compare.revisions import Revision, Round, common_rounds, sample_numbers
from stages.report.pictures.figures import finished, new_figure, style
from stages.report.pictures.tiles import short
from stages.shared.artifacts import Floats, Ints
from stages.shared.choosing.correlation import spearman

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LETTERS = 40  # of a revision's name in a legend


@dataclass(frozen=True)
class Comparison:
    """How alike one round of two revisions is."""

    names: Row  # the revisions, and the sizes of the subsets that the round chose
    num_common: int  # samples that both train splits hold
    ranked_by: str  # what Spearman's correlation is of, order or scores
    num_ranked: int  # samples that it is over
    spearman: float  # in [-1, 1]; NaN where all scores of a revision are equal
    jaccard: float  # in [0, 1]
    count_K: Ints  # of the first picks
    overlap_K: Floats  # in [0, 1]
    random_K: Floats  # what two random sets would have

    @property
    def summary(self) -> Row:
        """What one row says of the round."""
        return {
            **self.names,
            "samples": self.num_common,
            "ranked_by": self.ranked_by,
            "ranked": self.num_ranked,
            "spearman": self.spearman,
            "jaccard": self.jaccard,
        }

    @property
    def overlap_rows(self) -> list[Row]:
        """The overlap as a table, one row for each count of picks."""
        columns = zip(
            self.count_K.tolist(), self.overlap_K.tolist(), self.random_K.tolist(), strict=True
        )
        return [
            {**self.names, "k": count, "overlap": overlap, "random": random}
            for count, overlap, random in columns
        ]


# --- what is measured, on arrays -----------------------------------------------------------------


def spearman_of_finite(first_N: Floats, second_N: Floats) -> float:
    """Return Spearman's rank correlation over the rows finite in both, in [-1, 1].

    It is NaN where one of them has a single value.
    """
    finite_N = np.isfinite(first_N) & np.isfinite(second_N)
    return float(spearman(np.stack([first_N[finite_N], second_N[finite_N]]))[0, 1])


def preference(order_K: Ints, num_train: int) -> Floats:
    """Return minus the place of each sample in an order, float64 [N]; NaN where it has none.

    A sample that stands twice has its first place.
    """
    place_N = np.full(num_train, np.nan)
    place_N[order_K[::-1]] = -np.arange(len(order_K), dtype=np.float64)[::-1]
    return place_N


def num_shared(first_P: Ints, second_P: Ints) -> int:
    """Return how many picks two subsets share; a sample that is twice in both counts twice."""
    length = 1 + max(first_P.max(initial=0), second_P.max(initial=0))
    times = [np.bincount(picks_P, minlength=length) for picks_P in (first_P, second_P)]
    return int(np.minimum(*times).sum())


def jaccard(first_P: Ints, second_P: Ints) -> float:
    """Return the size of the intersection over that of the union, in [0, 1], as multisets."""
    shared = num_shared(first_P, second_P)
    return shared / (len(first_P) + len(second_P) - shared)


def overlap(first_P: Ints, second_P: Ints, count_K: Ints) -> Floats:
    """Return |A and B| / k of the first k picks of both, float64 [K] in [0, 1]."""
    shared_K = [num_shared(first_P[:count], second_P[:count]) for count in count_K]
    return np.array(shared_K, dtype=np.float64) / count_K


def log_grid(last: int) -> Ints:
    """Return 1, 2, 5, 10, 20, 50, ... below `last`, and `last` itself, int64 [K]."""
    steps = [step * 10**power for power in range(len(str(last))) for step in (1, 2, 5)]
    below = [step for step in steps if step < last]
    return np.array([*below, last] if last else [], dtype=np.int64)


# --- revisions -----------------------------------------------------------------------------------


def compare_revisions(first: Revision, second: Revision) -> list[Comparison]:
    """Compare each round that two revisions have in common.

    Raises:
        DataError: they are of different data sets.
    """
    number_N = sample_numbers(first, second)
    return [
        _compare_rounds(
            {
                "first": first.name,
                "first_size": one.size,
                "second": second.name,
                "second_size": other.size,
            },
            one,
            other,
            number_N,
        )
        for one, other in common_rounds(first.rounds, second.rounds)
    ]


def _compare_rounds(names: Row, first: Round, second: Round, number_N: Ints) -> Comparison:
    """Compare two rounds; `number_N` gives the second's samples their rows of the first."""
    num_first, num_second = len(first.score_N), len(second.score_N)
    common_N = number_N < num_first
    chosen_P = [
        entry.subset.index_P[entry.subset.round_P > 0][entry.num_random :]
        for entry in (first, second)
    ]
    count_K = log_grid(min(map(len, chosen_P)))
    num_common = int(common_N.sum())
    ranked_by, rank_N, other_rank_N = ranks(first, second)
    ranks_2N = np.stack([rank_N[number_N[common_N]], other_rank_N[common_N]])
    return Comparison(
        names=names,
        num_common=num_common,
        ranked_by=ranked_by,
        num_ranked=int(np.isfinite(ranks_2N).all(axis=0).sum()),
        spearman=spearman_of_finite(*ranks_2N),
        jaccard=jaccard(first.subset.index_P, number_N[second.subset.index_P]),
        count_K=count_K,
        overlap_K=overlap(chosen_P[0], number_N[chosen_P[1]], count_K),
        # k / N where both have one train split; a sample that one of them lacks is in no overlap.
        random_K=count_K.astype(np.float64) * num_common / (num_first * num_second),
    )


def ranks(first: Round, second: Round) -> tuple[str, Floats, Floats]:
    """Return by what samples are ranked, and for both rounds what is higher the sooner picked.

    Distances choose by no score, so an order of all candidates says more, where both have one.
    """
    if first.order_K is None or second.order_K is None:
        return "scores", first.score_N, second.score_N
    return (
        "order",
        preference(first.order_K[first.num_random :], len(first.score_N)),
        preference(second.order_K[second.num_random :], len(second.score_N)),
    )


# --- what is drawn --------------------------------------------------------------------------------


def draw(comparisons: Sequence[Comparison]) -> "Figure":
    """Draw the overlap over k on a log axis, with the line of two random sets."""
    figure, axes = new_figure(width=9.0)
    for place, found in enumerate(comparisons):
        axes.plot(found.count_K, found.overlap_K, label=_label(found.names), **style(place))
    for place, found in enumerate(comparisons):
        label = None if place else "random (k / N)"
        axes.plot(found.count_K, found.random_K, label=label, color="grey", linestyle="--")
    axes.set_xscale("log")
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("k, first picks that scores chose")
    axes.set_ylabel("overlap |A ∩ B| / k")
    return finished(figure, "Overlap of what two revisions selected")


def _label(names: Row) -> str:
    first, size, second, other_size = (short(str(name), MOST_LETTERS) for name in names.values())
    # The size stands first: matplotlib leaves out of a legend what begins with an underscore.
    return size + ("" if size == other_size else f", {other_size}") + f": {first}, {second}"
