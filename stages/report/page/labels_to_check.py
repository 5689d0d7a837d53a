"""Labels to look at, those in the subset first: these are what the models will learn.

Shapes: N train samples, S suspects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stages.report.page.samples import Card, card
from stages.report.results import Results, Round
from stages.report.suspected import label_suspects
from stages.shared.artifacts import Ints

MOST = 24  # cards of a group


@dataclass(frozen=True)
class LabelGroup:
    """Samples whose labels are doubted for one reason."""

    title: str
    note: str
    num: int  # of all of them
    cards: list[Card]


def label_groups(results: Results) -> Iterator[LabelGroup]:
    """Yield what is to be looked at, perhaps no sample; nothing where no class was voted for."""
    entry = results.rounds[-1]
    if entry.votes is None:
        return
    quality_N = entry.votes.label_probability_N
    is_picked_N = np.zeros(len(quality_N), dtype=np.bool_)
    is_picked_N[results.last_subset.index_P] = True
    suspect_S = label_suspects(results)
    doubted_S = doubted(results, quality_N)

    def group(title: str, note: str, row_S: Sequence[int]) -> LabelGroup:
        return LabelGroup(
            title,
            note,
            len(row_S),
            [
                card(results, entry, row, [f"label quality {quality_N[row]:.2f}"], is_large=True)
                for row in row_S[:MOST]
            ],
        )

    yield group(
        "In the subset: likely wrong",
        "All models are sure of another class. The subset teaches this label.",
        suspect_S[is_picked_N[suspect_S]].tolist(),
    )
    yield group(
        "In the subset: doubtful",
        "No clear case, but the models believe least in these labels of the subset.",
        doubted_S.tolist(),
    )
    yield group(
        "Not in the subset: likely wrong",
        "All models are sure of another class. Who trains on everything learns these labels; the "
        "subset does not.",
        suspect_S[~is_picked_N[suspect_S]].tolist(),
    )


def doubted(results: Results, quality_N: Ints) -> Ints:
    """Return picks whose label has less than half of the probability, the least first, int64 [S].

    Likely errors, which are told of apart, are left out.
    """
    row_S = np.setdiff1d(np.unique(results.last_subset.index_P), label_suspects(results))
    row_S = row_S[quality_N[row_S] < 0.5]  # noqa: PLR2004 - half
    return row_S[np.argsort(quality_N[row_S], kind="stable")]


def num_less_sure(results: Results) -> int:
    """Return to how many more train samples all models give another class than their label."""
    votes = results.rounds[-1].votes
    if votes is None:
        return 0
    is_contradicted_N = (votes.votes_MN != results.targets_N).all(axis=0)
    is_contradicted_N[label_suspects(results)] = False
    return int(is_contradicted_N.sum())


def accuracy_in_words(entry: Round) -> str:
    """Say how far the models that doubt are to be believed."""
    right = 100 * entry.validation.ensemble_accuracy
    return (
        f"the models are right on {right:.1f} % of validation: the lower that is, the more of "
        "these are their own mistakes"
    )
