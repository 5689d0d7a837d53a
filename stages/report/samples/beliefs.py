"""What models believe of each train label: those that did not learn it, where there are some.

A model comes to repeat what it was trained on, wrong labels too. So a sample is judged by the last
ensembles of those draws that were trained without it. One that every draw was trained on is judged
by how sure the models were of its label while they learnt it, which is low where a label is wrong
(Swayamdipta et al. 2020, arXiv 2009.10795: confidence).

Shapes: D draws, N train samples, M voters of a draw, R samples that a draw's last ensemble learnt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stages.report.run.results import Results, Votes
from stages.shared.artifacts import Array, Floats, Ints

MOSTLY = 0.5  # of validation: models that are right on less judge no labels


@dataclass(frozen=True)
class Beliefs:
    """What the models say together."""

    quality_N: Floats  # the mean probability of the label, in [0, 1]
    predicted_N: Ints  # the class that they believe in most
    confidence_N: Floats  # the mean probability of that class, at the least
    num_voters_N: Ints  # that were asked,
    num_agree_N: Ints  # and of them for `predicted`
    num_for_label_N: Ints  # and for the label
    is_learnt_N: Array  # bool: every draw was trained on it


def beliefs(draws: Sequence[Results]) -> Beliefs | None:
    """Return what the last ensembles of all draws say.

    None where they judge no labels.
    """
    if not judge_labels(draws):
        return None
    votes_D = [draw.rounds[-1].votes for draw in draws]
    found = [votes for votes in votes_D if votes is not None]
    learnt_DN = np.stack([_is_learnt(votes) for votes in found])
    is_learnt_N = np.asarray(learnt_DN.all(axis=0))
    asked_DN = ~learnt_DN | is_learnt_N
    num_asked_N = asked_DN.sum(axis=0)
    predicted_N, support_N = _strongest(found, asked_DN)
    quality_DN = np.stack([_quality(votes, is_learnt_N) for votes in found])
    num_voters_D = np.array([[len(votes.votes_MN)] for votes in found])
    return Beliefs(
        quality_N=(quality_DN * asked_DN).sum(axis=0) / num_asked_N,
        predicted_N=predicted_N,
        confidence_N=support_N / num_asked_N,
        num_voters_N=(num_voters_D * asked_DN).sum(axis=0),
        num_agree_N=_num_for(predicted_N, found, asked_DN),
        num_for_label_N=_num_for(draws[0].targets_N, found, asked_DN),
        is_learnt_N=is_learnt_N,
    )


def judge_labels(draws: Sequence[Results]) -> bool:
    """Whether the last ensembles vote for classes, and are mostly right."""
    vote = any(draw.rounds[-1].votes is not None for draw in draws)
    return vote and right_on_validation(draws) >= MOSTLY


def right_on_validation(draws: Sequence[Results]) -> float:
    """Return on what share of validation the last ensembles are right, the mean over the draws."""
    return float(np.mean([draw.rounds[-1].validation.ensemble_accuracy for draw in draws]))


def _is_learnt(votes: Votes) -> Array:
    """Return which samples the voters were trained on, bool [N]."""
    is_learnt_N = np.zeros(len(votes.predicted_class_N), dtype=np.bool_)
    is_learnt_N[votes.learnt_row_R] = True
    return is_learnt_N


def _quality(votes: Votes, is_learnt_N: Array) -> Floats:
    """Return the probability of each label; of what all draws learnt that while it was learnt."""
    quality_N = votes.label_probability_N.astype(np.float64)
    is_judged_R = is_learnt_N[votes.learnt_row_R]
    quality_N[votes.learnt_row_R[is_judged_R]] = votes.learnt_probability_R[is_judged_R]
    return quality_N


def _strongest(found: Sequence[Votes], asked_DN: Array) -> tuple[Ints, Floats]:
    """Return the draws' prediction with the most confidence in it, and that: int64, float64 [N]."""
    predicted_DN = np.stack([votes.predicted_class_N for votes in found]).astype(np.int64)
    confidence_DN = np.stack([votes.confidence_N for votes in found]).astype(np.float64) * asked_DN
    support_DN = np.stack(
        [(confidence_DN * (predicted_DN == one_N)).sum(axis=0) for one_N in predicted_DN]
    )
    first_N = support_DN.argmax(axis=0)[np.newaxis]
    predicted_N, support_N = (
        np.take_along_axis(of_DN, first_N, axis=0)[0] for of_DN in (predicted_DN, support_DN)
    )
    return predicted_N, support_N


def _num_for(class_N: Ints, found: Sequence[Votes], asked_DN: Array) -> Ints:
    """Return how many of the voters that are asked vote for each sample's class, int64 [N]."""
    counts_DN = np.stack([(votes.votes_MN == class_N).sum(axis=0) for votes in found])
    num_N: Ints = (counts_DN * asked_DN).sum(axis=0)
    return num_N
