"""Samples that came and went: hand-computed values, and multisets as the standard library's."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.compare.comment_sections import said_of
from commands.compare.revisions import Revision, Round
from commands.compare.subset_changes import Moved, class_shares, left_over, subset_change
from stages.report.run.labels import Labels
from stages.shared.artifacts import BoxList, Subset

picks = st.lists(st.sampled_from("abcde"), max_size=12)


def revision(sample_ids, chosen, scores=None):
    """Return a revision of one round that chose some ids."""
    index_P = np.array([sample_ids.index(name) for name in chosen], dtype=np.int64)
    part = Subset(index_P, np.ones_like(index_P), np.zeros(len(index_P)))
    score_N = np.arange(len(sample_ids), dtype=float) if scores is None else np.array(scores)
    return Revision("a", "digits", list(sample_ids), [Round("0.5", score_N, part)])


def labels(class_names, targets, boxes=None):
    return Labels(list(class_names), np.array(targets, dtype=np.int64), boxes)


def test_a_sample_comes_as_often_as_it_is_picked_more_often():
    assert left_over("aabac", "ab") == [1, 3, 4]
    assert left_over("ab", "aabac") == []


@given(picks, picks)
def test_what_is_left_over_is_the_difference_of_the_multisets(one, other):
    places = left_over(one, other)
    assert Counter(one[place] for place in places) == Counter(one) - Counter(other)
    assert places == sorted(places)


def test_samples_are_matched_by_id_in_data_sets_that_grew_and_were_reordered():
    before = revision("abcd", "bca", [0.1, 0.2, 0.3, 0.4])
    after = revision("edba", "bee", [0.5, 0.4, 0.9, 0.1])  # c is gone, e is new and picked twice

    change = subset_change(before, after)

    assert [one.sample_id for one in change.came] == ["e", "e"]
    assert [one.sample_id for one in change.went] == ["c", "a"]
    # By the scores: a b c d rank 4 3 2 1 before, e d b a rank 2 3 1 4 after.
    assert [one.rank for one in change.came + change.went] == [2, 2, 2, 4]
    assert [one.other_rank for one in change.came + change.went] == [None, None, None, 4]
    assert change.went[1].row == 0
    assert change.came[0].row == 0
    assert change.jaccard == 1 / 5  # b; a b c e e
    assert change.sizes == (3, 3)
    assert change.different == (3, 2)
    assert change.train_samples == (4, 4)


def test_equal_scores_share_the_best_of_their_ranks():
    before, after = revision("abcd", "a", [2, 1, 2, 3]), revision("abcd", "b", [5, 5, 5, 5])

    change = subset_change(before, after)

    assert (change.went[0].rank, change.went[0].other_rank) == (2, 1)
    assert (change.came[0].rank, change.came[0].other_rank) == (1, 4)


def test_a_pick_ranks_by_the_round_in_which_it_was_picked():
    """Among what was not picked before; the other run may have picked other samples there."""

    def two_rounds(picked, of_first, of_second):
        ids = "abcdef"
        index_P = np.array([ids.index(name) for name in picked])
        rounds = [
            Round(
                size, np.array(scores, float), Subset(index_P[:end], round_P[:end], index_P * 0.0)
            )
            for size, scores, end in (("0.5", of_first, 2), ("0.75", of_second, 3))
        ]
        return Revision("a", "digits", list(ids), rounds)

    round_P = np.array([0, 1, 2])  # a is of the seed subset in both
    #                         a  b  c  d  e  f
    before = two_rounds("abc", [9, 8, 2, 3, 1, 0], [9, 9, 8, 1, 2, 0])
    after = two_rounds("adf", [9, 1, 2, 8, 3, 0], [9, 2, 1, 9, 0, 8])

    change = subset_change(before, after)

    found = {one.sample_id: (one.round, one.rank, one.other_rank) for one in change.came}
    assert found == {"d": (1, 1, 2), "f": (2, 1, 4)}  # f: c, e and d were before it in the other
    found = {one.sample_id: (one.round, one.rank, one.other_rank) for one in change.went}
    assert found == {"b": (1, 1, 4), "c": (2, 1, 3)}


def test_a_pick_of_the_seed_subset_has_no_rank():
    def of_seed(name):
        part = Subset(np.array(["ab".index(name)]), np.array([0]), np.array([np.nan]))
        return Revision("a", "digits", ["a", "b"], [Round("0.5", np.array([1.0, 2.0]), part)])

    change = subset_change(of_seed("a"), of_seed("b"))

    assert [(one.round, one.rank, one.other_rank) for one in change.came] == [(0, None, None)]
    assert said_of(change.came[0], was_added=True) == "seed subset"


@pytest.mark.parametrize(
    ("moved", "was_added", "said"),
    [
        (Moved(0, "a", 2, 5, 17, True), True, "round 2, rank 17 → 5"),
        (Moved(0, "a", 2, 5, 17, True), False, "round 2, rank 5 → 17"),
        (Moved(0, "a", 1, 5, None, False), True, "round 1, rank 5, new"),
        (Moved(0, "a", 1, 5, None, False), False, "round 1, rank 5, gone"),
        (Moved(0, "a", 3, 5, None, True), True, "round 3, rank 5"),  # the other has no such round
        (Moved(0, "a", 0, None, None, False), False, "seed subset, gone"),
    ],
)
def test_it_is_said_where_a_pick_ranked_before_and_after(moved, was_added, said):
    assert said_of(moved, was_added=was_added) == said


def test_class_shares_are_matched_by_name_and_the_most_changed_comes_first():
    before, after = revision("stuv", "stu"), revision("stuvw", "vw")
    ants_and_bees = labels(["ant", "bee"], [0, 0, 1, 1])
    cats_and_bees = labels(["cat", "bee"], [1, 1, 1, 1, 0])

    rows = class_shares(before, after, ants_and_bees, cats_and_bees)

    assert [row["class"] for row in rows] == ["ant", "cat", "bee"]
    assert [row["before"] for row in rows] == pytest.approx([200 / 3, 0, 100 / 3])
    assert [row["after"] for row in rows] == [0, 50, 50]
    assert [row["change"] for row in rows] == pytest.approx([-200 / 3, 50, 50 / 3])


def test_class_shares_of_scenes_are_those_of_their_objects():
    boxes = BoxList(np.zeros((3, 4), np.float32), np.array([0, 1, 1]), np.array([0, 0, 1, 3]))
    shown = labels(["ant", "bee"], [0, 0, 1], boxes)

    rows = class_shares(revision("xyz", "xy"), revision("xyz", "yz"), shown, shown)

    assert {row["class"]: (row["before"], row["after"]) for row in rows} == {
        "ant": (100, pytest.approx(100 / 3)),
        "bee": (0, pytest.approx(200 / 3)),
    }
    assert [shown.said_of(row) for row in range(3)] == ["0 objects", "1 object", "2 objects"]
