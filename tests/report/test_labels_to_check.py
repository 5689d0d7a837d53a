"""Labels to check: those in the subset apart from those that are in none."""

from dataclasses import replace

import numpy as np
import pytest
from finished_run import contradicting

from stages.report.page.labels_to_check import (
    LEAST,
    doubted,
    in_validation,
    label_groups,
    learnt_least,
)


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
    return contradicting(results, wrong, label_probability_N=quality_N), inside, outside


def test_wrong_labels_are_split_by_whether_the_subset_holds_them(planted):
    results, inside, outside = planted
    groups = list(label_groups([results]))
    names = [[one.name for one in group.cards] for group in groups]
    assert names == [
        [str(inside[1]), str(inside[0])],  # the least believed first
        [],
        [str(inside[5]), str(inside[4])],
        [str(outside[row]) for row in (1, 2, 0)],
    ]
    assert [group.num for group in groups] == [2, 0, 2, 3]


def test_a_card_says_what_the_models_say_and_whether_they_are_sure(planted):
    results, inside, _ = planted
    names = results.meta.class_names
    label = results.targets_N[inside[1]]
    told = next(label_groups([results])).cards[0].told
    assert told == [
        f"label {names[label]}",
        f"3 of 3 models say {names[(label + 1) % 3]}",
        "label quality 1 %",
        "likely wrong",
    ]
    results.rounds[-1].votes.confidence_N[:] = 0.1  # less than is known of any class
    assert next(label_groups([results])).cards[0].told == told[:3]


def test_a_pick_that_is_likely_wrong_is_not_told_of_twice(planted):
    results, inside, _ = planted
    assert doubted([results]).tolist() == [inside[5], inside[4]]
    blank = replace(results.alike, blank=[str(inside[5])])
    assert doubted([replace(results, alike=blank)]).tolist() == [inside[4]]


def test_what_the_user_leaves_out_is_not_to_be_checked_again(planted):
    results, inside, _ = planted
    results.is_excluded_N[[inside[1], inside[4]]] = True
    first, _, third, _ = label_groups([results])
    assert [[one.name for one in group.cards] for group in (first, third)] == [
        [str(inside[0])],
        [str(inside[5])],
    ]


def test_what_every_draw_learnt_is_shown_with_the_least_sure_first(finished):
    results = finished.results()
    inside = np.unique(results.last_subset.index_P)
    learnt = inside[: LEAST + 2]
    learnt_R = np.linspace(0.9, 0.6, LEAST + 2)
    changes = {"learnt_row_R": learnt, "learnt_probability_R": learnt_R}
    results = contradicting(results, [], label_probability_N=np.full(80, 0.99), **changes)
    assert learnt_least([results]).tolist() == learnt[::-1][:LEAST].tolist()
    assert not len(doubted([results]))
    _, second, *_ = label_groups([results])
    assert second.cards[0].told[-1] == "label quality 60 % while it was learnt"


def test_a_validation_label_is_told_of_where_all_voters_name_one_other_class(finished):
    results = finished.results()
    entry, targets_V = results.rounds[-1], results.validation_targets_V
    votes_MV = np.tile(targets_V, (3, 1))
    votes_MV[:, 4] = (targets_V[4] + 1) % 3
    votes_MV[:2, 7] = (targets_V[7] + 1) % 3  # one believes it
    votes_MV[:, 9] = (targets_V[9] + np.array([1, 2, 1])) % 3  # they are of several opinions
    votes = replace(entry.votes, validation_votes_MV=votes_MV)
    draw = replace(results, rounds=[*results.rounds[:-1], replace(entry, votes=votes)])
    names = results.meta.class_names
    label = targets_V[4]
    expected = {"name": "v4", "label": names[label], "predicted": names[(label + 1) % 3]}
    assert in_validation([draw]) == [expected]
    votes_MV[:, 4] = label
    assert in_validation([draw]) == []
    few = replace(votes, validation_votes_MV=(votes_MV[:2] + 1) % 3)  # two voters err together
    draw = replace(results, rounds=[*results.rounds[:-1], replace(entry, votes=few)])
    assert in_validation([draw]) == []


def test_without_one_label_for_each_sample_there_is_nothing_to_check(finished):
    results = finished.results()
    rounds = [replace(entry, votes=None) for entry in results.rounds]
    draws = [replace(results, rounds=rounds)]
    assert list(label_groups(draws)) == []
    assert in_validation(draws) == []
