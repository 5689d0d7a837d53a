"""Rankings of two revisions: hand-computed values."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.compare.rankings import (
    compare_revisions,
    draw,
    jaccard,
    log_grid,
    num_shared,
    overlap,
    preference,
    spearman_of_finite,
)
from commands.compare.revision_files import load_settings
from commands.compare.revisions import Revision, Round, common_rounds, sample_numbers
from stages.shared.artifacts import Subset
from stages.shared.errors import DataError, ParamsError

NAN = float("nan")
picks = st.lists(st.integers(0, 9), min_size=1, max_size=20).map(np.array)


def subset(seed, chosen):
    """Return a subset of a seed part and of what the scores of one round chose."""
    count = len(seed) + len(chosen)
    rounds = [0] * len(seed) + [1] * len(chosen)
    return Subset(np.array([*seed, *chosen]), np.array(rounds), np.full(count, NAN))


def revision(name, sample_ids, rounds, dataset="digits"):
    """Return a revision; a round is a size, the scores and the subset, perhaps an order."""
    made = [
        Round(size, np.array(scores, dtype=float), part, *map(np.array, order))
        for size, scores, part, *order in rounds
    ]
    return Revision(name, dataset, list(sample_ids), made)


# --- what is measured ----------------------------------------------------------------------------


def test_spearman_leaves_out_rows_that_are_not_finite():
    first_N = np.array([1.0, NAN, 2.0, 3.0, 4.0, 9.0])
    second_N = np.array([1.0, 5.0, 30.0, 2.0, 900.0, -np.inf])

    # Ranks 1 2 3 4 and 1 3 2 4: 1 - 6 (0 + 1 + 1 + 0) / (4 (16 - 1)) = 0.8; values do not count.
    assert spearman_of_finite(first_N, second_N) == pytest.approx(0.8)


def test_spearman_of_equal_scores_is_not_a_number():
    assert np.isnan(spearman_of_finite(np.ones(4), np.arange(4.0)))
    assert np.isnan(spearman_of_finite(np.arange(4.0), np.ones(4)))


def test_what_is_picked_sooner_is_preferred_and_what_competes_twice_counts_by_its_first_place():
    np.testing.assert_array_equal(
        preference(np.array([4, 2, 0, 2]), 6), np.array([-2.0, NAN, -1.0, NAN, 0.0, NAN])
    )


def test_overlap_is_the_shared_part_of_the_first_picks():
    first_P, second_P = np.array([7, 3, 5, 1]), np.array([3, 7, 9, 5])

    # {7} and {3}; {7, 3} twice; {7, 3, 5} and {3, 7, 9}; three of four.
    found = overlap(first_P, second_P, np.array([1, 2, 3, 4]))

    assert found.tolist() == [0, 1, 2 / 3, 3 / 4]


def test_jaccard_is_intersection_by_union():
    assert jaccard(np.array([0, 1, 2]), np.array([2, 3])) == 1 / 4
    assert jaccard(np.array([4, 4, 2]), np.array([4, 4, 4])) == 2 / 4


@settings(deadline=None)
@given(picks, picks)
def test_shared_picks_are_those_of_the_multisets(first_P, second_P):
    shared = Counter(first_P.tolist()) & Counter(second_P.tolist())
    either = Counter(first_P.tolist()) | Counter(second_P.tolist())

    assert num_shared(first_P, second_P) == num_shared(second_P, first_P) == shared.total()
    assert jaccard(first_P, second_P) == shared.total() / either.total()


@pytest.mark.parametrize(
    ("last", "counts"),
    [
        (0, []),
        (1, [1]),
        (2, [1, 2]),
        (10, [1, 2, 5, 10]),
        (449, [1, 2, 5, 10, 20, 50, 100, 200, 449]),
    ],
)
def test_counts_of_picks_are_logarithmic_up_to_the_last(last, counts):
    assert log_grid(last).tolist() == counts


def test_the_random_line_is_the_mean_overlap_of_random_sets():
    rng = np.random.default_rng(0)
    scores = np.arange(100.0)
    pairs = [[rng.permutation(100)[:20] for _ in range(2)] for _ in range(500)]
    mean = np.mean([num_shared(*pair) / 20 for pair in pairs])
    one = revision("a", map(str, range(100)), [("0.2", scores, subset([], pairs[0][0]))])

    [found] = compare_revisions(one, one)

    assert found.random_K.tolist() == [0.01, 0.02, 0.05, 0.1, 0.2]
    assert mean == pytest.approx(found.random_K[-1], abs=0.01)  # its standard error is 0.004


# --- what revisions have in common ---------------------------------------------------------------


def test_rounds_are_paired_by_size_and_otherwise_by_number():
    part = subset([], [0])

    def rounds(*sizes):
        return [Round(size, np.zeros(1), part) for size in sizes]

    def paired(first, second):
        return [(a.size, b.size) for a, b in common_rounds(rounds(*first), rounds(*second))]

    assert paired(["0.2", "0.5"], ["0.5"]) == [("0.5", "0.5")]
    assert paired(["0.2", "0.5"], ["0.3", "0.5"]) == [("0.2", "0.3"), ("0.5", "0.5")]
    assert paired(["0.2", "0.4"], ["300"]) == [("0.2", "300")]


def test_samples_are_matched_by_their_ids_in_whatever_order_they_stand():
    first = revision("a", "wxyz", [("3", [4, 3, 2, 1], subset([0], [1, 2]))])
    # z, v, x, w: y is not there, v is new.
    second = revision("b", "zvxw", [("3", [9, 0, 2, 5], subset([3], [2, 0]))])

    [found] = compare_revisions(first, second)

    assert found.num_common == 3
    assert found.spearman == pytest.approx(-0.5)  # w x z: 3 2 1 and 2 1 3: 1 - 6 (1 + 1 + 4) / 24
    assert found.jaccard == 2 / 4  # w x y and w x z
    assert found.count_K.tolist() == [1, 2]
    assert found.overlap_K.tolist() == [1, 1 / 2]  # x y and x z: the seed sample w is left out
    assert found.random_K.tolist() == [3 / 16, 6 / 16]  # k 3 / (4 4)


def test_orders_of_all_candidates_are_compared_where_both_hold_one():
    part = subset([], [0])
    # v w x y z are the rows 0 to 4 of the first revision and 4 to 0 of the second.
    first = revision("a", "vwxyz", [("0.2", [5, 4, 3, 2, 1], part, [3, 0, 1, 2])])
    second = revision("b", "zyxwv", [("0.2", [5, 4, 3, 2, 1], part, [1, 0, 2, 3])])
    unordered = revision("c", "zyxwv", [("0.2", [5, 4, 3, 2, 1], part)])

    [by_order] = compare_revisions(first, second)
    [by_scores] = compare_revisions(first, unordered)

    # y v w x and y z x w: of y w x the places are 1 2 3 and 1 3 2, so 1 - 6 (1 + 1) / 24.
    assert (by_order.ranked_by, by_order.spearman) == ("order", pytest.approx(0.5))
    assert (by_scores.ranked_by, by_scores.spearman) == ("scores", pytest.approx(-1))


def test_random_picks_that_k_centers_started_from_are_left_out():
    """Both start from 0 and 1, and agree on nothing else."""
    first = Round("0.5", np.zeros(6), subset([], [0, 1, 2, 3]), np.array([0, 1, 2, 3, 4, 5]), 2)
    second = Round("0.5", np.zeros(6), subset([], [0, 1, 5, 4]), np.array([0, 1, 5, 4, 3, 2]), 2)
    ids = list("uvwxyz")

    [found] = compare_revisions(
        Revision("a", "digits", ids, [first]), Revision("b", "digits", ids, [second])
    )

    assert (found.num_ranked, found.spearman) == (4, pytest.approx(-1))
    assert found.overlap_K.tolist() == [0.0, 0.0]


def test_a_revision_agrees_with_itself():
    one = revision("a", "stuvwxyz", [("0.75", range(8), subset([0, 1], [7, 6, 5, 4]))])

    [found] = compare_revisions(one, one)

    assert found.spearman == pytest.approx(1)
    assert found.jaccard == 1
    assert found.overlap_K.tolist() == [1, 1, 1]


def test_a_round_that_chose_nothing_has_no_overlap():
    one = revision("a", "xyz", [("1", [1, 2, 3], subset([0], []))])

    [found] = compare_revisions(one, one)

    assert found.jaccard == 1
    assert found.overlap_rows == []


def test_revisions_of_different_data_sets_are_refused():
    first = revision("a", ["1", "2", "3"], [])

    with pytest.raises(DataError, match=r"^a and b: are of the data sets digits and mnist; .+"):
        sample_numbers(first, revision("b", ["1", "2", "3"], [], dataset="mnist"))
    with pytest.raises(DataError, match=r"^a and b: have 1 train samples in common, .+ of 3 and 4"):
        sample_numbers(first, revision("b", ["3", "4", "5", "6"], []))


def test_two_folds_of_a_data_set_can_be_compared():
    folds = [revision("a", "stuvw", []), revision("b", "wxstu", [])]

    assert sample_numbers(*folds).tolist() == [4, 5, 0, 1, 2]


def test_only_the_keys_that_are_needed_are_read(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("rounds: [{from: 1.0, to: 0.5, why: old}]\ndataset: {name: digits}\nold: 1\n")

    found = load_settings(path)

    assert (found.dataset, found.sizes) == ("digits", [("1.0", "0.5")])
    assert (found.orders_all, found.num_random) == (False, 0)


@pytest.mark.parametrize(
    ("select", "orders_all", "num_random"),
    [
        ("{order: all, rule: old}", True, 0),
        ("{order: picks}", False, 0),
        ("{rule: k_centers, k_centers_start: 7}", False, 7),
        ("{rule: top, k_centers_start: 7}", False, 0),
        ("{rule: k_centers}", False, 0),
        ("old", False, 0),
    ],
)
def test_what_orders_hold_and_k_centers_starts_from_is_read_where_a_revision_knows_it(
    tmp_path, select, orders_all, num_random
):
    path = tmp_path / "params.yaml"
    path.write_text(
        f"rounds: [{{from: 1.0, to: 0.5}}]\ndataset: {{name: digits}}\nselect: {select}\n"
    )
    found = load_settings(path)
    assert (found.orders_all, found.num_random) == (orders_all, num_random)


@pytest.mark.parametrize("text", ["", "rounds: []\ndataset: {name: a}", "rounds: [0.5]", "a: ["])
def test_a_revision_without_rounds_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)

    with pytest.raises(ParamsError, match=r"params.yaml: names no data set and rounds; .+"):
        load_settings(path)


def test_the_picture_shows_each_overlap_and_the_random_line_over_a_log_axis():
    first = revision("_a", "stuvwxyz", [("0.5", range(8), subset([], [7, 6, 5, 4]))])
    second = revision("b", "stuvwxyz", [("0.5", range(8), subset([], [7, 0, 5, 1]))])

    figure = draw(compare_revisions(first, second))

    [axes] = figure.axes
    curve, random = axes.get_lines()
    assert axes.get_xscale() == "log"
    assert curve.get_xydata().tolist() == [[1, 1], [2, 0.5], [4, 0.5]]
    assert random.get_xydata().tolist() == [[1, 1 / 8], [2, 2 / 8], [4, 4 / 8]]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["0.5: _a, b", "random (k / N)"]
