"""Labels to look at, those in the subset first: these are what the models will learn.

Shapes: N train samples, V validation samples, S suspects, M voters of all draws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stages.report.page.samples import Card, content_of
from stages.report.run.results import Results
from stages.report.samples.beliefs import Beliefs, beliefs, judge_labels, right_on_validation
from stages.report.samples.suspected import contradicted, is_told, label_suspects
from stages.shared.artifacts import Ints

MOST = 24  # cards of a group
LEAST = 6  # that were learnt, however surely
FEWEST_VOTERS = 3  # that contradict a label together


@dataclass(frozen=True)
class LabelGroup:
    """Samples whose labels are doubted for one reason."""

    title: str
    note: str
    num: int  # of all of them
    cards: list[Card]


def label_groups(draws: Sequence[Results]) -> Iterator[LabelGroup]:
    """Yield what is to be looked at, perhaps no sample; nothing where no class was voted for."""
    results, believed = draws[0], beliefs(draws)
    if believed is None:
        return
    row_S, sure = contradicted(draws), {*label_suspects(draws).tolist()}
    in_subset_S = np.isin(row_S, results.last_subset.index_P)

    def group(title: str, note: str, row_S: Ints) -> LabelGroup:
        cards = [
            Card(
                results.sample_ids[row],
                content_of(results, row, is_large=True),
                [*_told(results, believed, row), *(["likely wrong"] if row in sure else [])],
            )
            for row in row_S[:MOST].tolist()
        ]
        return LabelGroup(title, note, len(row_S), cards)

    yield group(
        "In the subset: no model believes it",
        "All models name another class. The subset teaches this label.",
        row_S[in_subset_S],
    )
    yield group(
        "In the subset: learnt least surely",
        "Every draw was trained on these, so no model judges them afresh. Wrong ones are learnt "
        "late.",
        learnt_least(draws),
    )
    yield group(
        "In the subset: doubtful",
        "No clear case, but the models give these labels less than half of the probability.",
        doubted(draws),
    )
    yield group(
        "Not in the subset: no model believes it",
        "All models name another class. Who trains on everything learns these labels; the subset "
        "does not.",
        row_S[~in_subset_S],
    )


def _told(results: Results, believed: Beliefs, row: int) -> list[str]:
    """Say what a sample's label is, what the models call it, and how they believe the label."""
    names = results.meta.class_names
    agree, num = int(believed.num_agree_N[row]), int(believed.num_voters_N[row])
    quality = f"{100 * believed.quality_N[row]:.0f} %"
    return [
        f"label {names[results.targets_N[row]]}",
        f"{agree} of {num} models say {names[believed.predicted_N[row]]}"
        + (", too" if believed.predicted_N[row] == results.targets_N[row] else ""),
        f"label quality {quality}" + (" while it was learnt" if believed.is_learnt_N[row] else ""),
    ]


def learnt_least(draws: Sequence[Results]) -> Ints:
    """Return picks that every draw learnt, some of the least sure ones first, int64 [S]."""
    believed, row_S = _of_subset(draws)
    return row_S[believed.is_learnt_N[row_S]][:LEAST]


def doubted(draws: Sequence[Results]) -> Ints:
    """Return the other picks whose label has less than half of the probability, int64 [S].

    The least first, and none that all models contradict.
    """
    believed, row_S = _of_subset(draws)
    row_S = np.setdiff1d(row_S[~believed.is_learnt_N[row_S]], contradicted(draws))
    row_S = row_S[believed.quality_N[row_S] < 0.5]  # noqa: PLR2004 - half
    return row_S[np.argsort(believed.quality_N[row_S], kind="stable")]


def _of_subset(draws: Sequence[Results]) -> tuple[Beliefs, Ints]:
    """Return the beliefs, and the picks that are not told of already, the least believed first."""
    believed = beliefs(draws)
    assert believed is not None
    row_S = np.unique(draws[0].last_subset.index_P)
    row_S = row_S[~is_told(draws[0])[row_S]]
    return believed, row_S[np.argsort(believed.quality_N[row_S], kind="stable")]


def in_validation(draws: Sequence[Results]) -> list[dict[str, str]]:
    """Return the validation samples to which all voters of all draws give one other class."""
    if not judge_labels(draws):
        return []
    found = [votes for draw in draws if (votes := draw.rounds[-1].votes) is not None]
    votes_MV = np.concatenate([votes.validation_votes_MV for votes in found])
    targets_V, names = draws[0].validation_targets_V, draws[0].meta.class_names
    is_other_V = (votes_MV == votes_MV[0]).all(axis=0) & (votes_MV[0] != targets_V)
    if len(votes_MV) < FEWEST_VOTERS:
        return []
    return [
        {
            "name": draws[0].validation_ids[row],
            "label": names[targets_V[row]],
            "predicted": names[votes_MV[0, row]],
        }
        for row in np.flatnonzero(is_other_V).tolist()
    ]


def accuracy_in_words(draws: Sequence[Results]) -> str:
    """Say how far the models that doubt are to be believed."""
    right = 100 * right_on_validation(draws)
    return (
        f"the models are right on {right:.1f} % of validation: the lower that is, the more of "
        "these are their own mistakes"
    )
