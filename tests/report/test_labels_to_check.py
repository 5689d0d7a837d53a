"""Labels to check: those in the subset apart from those that are in none."""

from dataclasses import replace

import numpy as np
import pytest

from stages.report.page.labels_to_check import doubted, label_groups, num_less_sure


def with_votes(results, wrong, quality_N):
    """Let all models contradict some labels surely, and none of the others."""
    entry = results.rounds[-1]
    predicted_N = results.targets_N.copy()
    predicted_N[wrong] = (predicted_N[wrong] + 1) % 3
    votes = replace(
        entry.votes,
        votes_MN=np.tile(predicted_N, (3, 1)),
        predicted_class_N=predicted_N,
        confidence_N=np.ones(80),
        label_probability_N=quality_N,
    )
    return replace(results, rounds=[*results.rounds[:-1], replace(entry, votes=votes)])


@pytest.fixture
def planted(finished):
    """Two wrong labels in the subset, three outside; two doubtful picks."""
    results = finished.results()
    inside = np.unique(results.last_subset.index_P)
    outside = np.setdiff1d(np.arange(80), inside)
    quality_N = np.full(80, 0.9)
    wrong = [*inside[:2], *outside[:3]]
    quality_N[wrong] = [0.02, 0.01, 0.05, 0.03, 0.04]
    quality_N[inside[4:6]] = [0.4, 0.2]
    quality_N[outside[7]] = 0.1  # left out: its label teaches nothing
    return with_votes(results, wrong, quality_N), inside, outside


def test_wrong_labels_are_split_by_whether_the_subset_holds_them(planted):
    results, inside, outside = planted
    first, second, third = label_groups(results)
    names = [[one.name for one in group.cards] for group in (first, second, third)]
    assert names[0] == [str(inside[1]), str(inside[0])]  # the least believed first
    assert names[1] == [str(inside[5]), str(inside[4])]
    assert names[2] == [str(outside[row]) for row in (1, 2, 0)]
    assert [group.num for group in (first, second, third)] == [2, 2, 3]


def test_labels_that_all_models_contradict_with_less_certainty_are_counted(planted):
    results, _, outside = planted
    assert num_less_sure(results) == 0
    votes = results.rounds[-1].votes
    votes.votes_MN[:, outside[9]] = (results.targets_N[outside[9]] + 1) % 3
    assert num_less_sure(results) == 1
    votes.votes_MN[0, outside[9]] = results.targets_N[outside[9]]  # one believes it
    assert num_less_sure(results) == 0


def test_a_pick_that_is_likely_wrong_is_not_told_of_twice(planted):
    results, inside, _ = planted
    quality_N = results.rounds[-1].votes.label_probability_N
    assert doubted(results, quality_N).tolist() == [inside[5], inside[4]]


def test_without_one_label_for_each_sample_there_is_nothing_to_check(finished):
    results = finished.results()
    rounds = [replace(entry, votes=None) for entry in results.rounds]
    assert list(label_groups(replace(results, rounds=rounds))) == []
