"""Selection rules: what holds for each that is listed, and what each prefers."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from stages.select.rules import RULES, Candidates
from stages.shared.errors import ParamsError
from stages.shared.settings import menu

NOTHING = np.empty(0, dtype=np.int64)


class UnwantedError(Exception):
    """A rule asked for what it has no use for."""


def refuse():
    raise UnwantedError


def candidates(score_N, tie_N, *, race_N=None, features_ND=None, kept=(), start=0):
    """Return all samples but the kept ones as candidates."""
    rows = np.setdiff1d(np.arange(len(score_N)), kept)
    return Candidates(
        row_K=rows,
        kept_P=np.array(kept, dtype=np.int64),
        count=len(rows),
        length=len(rows),
        score_N=np.asarray(score_N),
        tie_N=np.asarray(tie_N),
        race_N=refuse if race_N is None else lambda: np.asarray(race_N),
        features_ND=refuse if features_ND is None else lambda: np.asarray(features_ND),
        k_centers_start=start,
    )


def with_many_ties(num=50, seed=0, **changes):
    """Return candidates with few different scores and points."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, num).astype(np.float64)
    features_ND = rng.integers(0, 3, (num, 2)).astype(np.float32)
    ties, race_N = rng.random((2, num))
    return candidates(scores, ties, race_N=race_N, features_ND=features_ND, **changes)


def all_alike(num=50, **changes):
    """Return candidates that differ in their random numbers alone."""
    ties, race_N = np.random.default_rng(0).random((2, num))
    features_ND = np.full((num, 3), 0.1, dtype=np.float32)
    return candidates(np.zeros(num), ties, race_N=race_N, features_ND=features_ND, **changes)


# --- every rule ----------------------------------------------------------------------------------


SETTINGS = [{}, {"kept": (3, 4, 17)}, {"start": 7}]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("changes", SETTINGS)
def test_every_candidate_stands_once_in_the_order(name, changes):
    competing = with_many_ties(**changes)
    assert sorted(RULES[name](competing)) == list(range(len(competing.row_K)))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("changes", SETTINGS)
def test_candidates_that_are_all_alike_stand_in_the_order_of_their_random_numbers(name, changes):
    competing = all_alike(**changes)
    ties = competing.tie_N[competing.row_K]
    assert RULES[name](competing).tolist() == np.argsort(ties).tolist()


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25)
@given(seed=st.integers(0, 1000), data=st.data())
def test_permuted_candidates_stand_in_the_same_order(name, seed, data):
    competing = with_many_ties(20, seed, **data.draw(st.sampled_from(SETTINGS)))
    permutation = np.random.default_rng(seed).permutation(len(competing.row_K))
    permuted = replace(competing, row_K=competing.row_K[permutation])
    assert np.array_equal(permutation[RULES[name](permuted)], RULES[name](competing))


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25)
@given(seed=st.integers(0, 1000), data=st.data())
def test_an_order_that_ends_early_is_the_first_part_of_the_whole(name, seed, data):
    competing = with_many_ties(20, seed, **data.draw(st.sampled_from(SETTINGS)))
    first_count = competing.k_centers_start + 1  # below it every pick would be random: refused
    count = data.draw(st.integers(first_count, len(competing.row_K)))
    order = RULES[name](replace(competing, count=first_count, length=count))
    assert len(order) >= count
    assert order[:count].tolist() == RULES[name](competing)[:count].tolist()


@pytest.mark.parametrize("name", RULES)
def test_a_sample_that_competes_twice_may_be_picked_twice(name):
    competing = with_many_ties()
    twice = replace(competing, row_K=np.concatenate([competing.row_K] * 2), length=100)
    order = RULES[name](twice)
    assert sorted(order) == list(range(100))


@pytest.mark.parametrize("name", RULES)
def test_no_candidates_have_an_empty_order(name):
    assert len(RULES[name](replace(with_many_ties(), row_K=NOTHING, count=0, length=0))) == 0


@pytest.mark.parametrize("name", sorted(set(RULES) - set(menu.NEED_FEATURES)))
def test_features_are_not_read_where_the_rule_has_no_use_for_them(name):
    competing = replace(with_many_ties(), features_ND=refuse)
    assert len(RULES[name](competing)) == 50


@pytest.mark.parametrize("name", menu.NEED_FEATURES)
def test_rules_that_need_features_read_them(name):
    with pytest.raises(UnwantedError):
        RULES[name](replace(with_many_ties(), features_ND=refuse))


# --- top -----------------------------------------------------------------------------------------


def test_top_prefers_high_scores_and_among_equals_low_random_numbers():
    competing = candidates([0.5, 2.0, 0.5, -1.0], [0.9, 0.5, 0.1, 0.0])
    assert RULES["top"](competing).tolist() == [1, 2, 0, 3]


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3)), max_size=40))
def test_top_is_the_order_by_score_then_random_number_then_position(scores_and_ties):
    score_N, tie_N = np.array(scores_and_ties, dtype=np.float64).reshape(-1, 2).T
    expected = sorted(range(len(score_N)), key=lambda row: (-score_N[row], tie_N[row], row))
    assert RULES["top"](candidates(score_N, tie_N)).tolist() == expected


# --- proportional --------------------------------------------------------------------------------


def test_orders_are_as_frequent_as_drawing_one_by_one_makes_them():
    score_N = np.array([1.0, 2.0, 5.0])
    rng = np.random.default_rng(0)
    num, ties = 4000, np.zeros(3)
    orders = [
        tuple(RULES["proportional"](candidates(score_N, ties, race_N=rng.random(3))).tolist())
        for _ in range(num)
    ]
    every = list(itertools.permutations(range(3)))
    expected = [
        num * score_N[a] / 8 * score_N[b] / (8 - score_N[a]) for a, b, _ in every
    ]  # the third is what is left
    assert chisquare([orders.count(order) for order in every], expected).pvalue > 0.01


def test_the_order_does_not_depend_on_the_unit_of_the_scores():
    competing = with_many_ties()
    for unit in (1e-300, 1e300):
        scaled = replace(competing, score_N=unit * competing.score_N)
        assert np.array_equal(RULES["proportional"](scaled), RULES["proportional"](competing))


def test_a_score_of_zero_stands_behind_every_other_by_its_random_number():
    score_N, tie_N = [0.0, 1e-300, 0.0, 3.0, 0.0], [0.5, 0.1, 0.1, 0.9, 0.3]
    order = RULES["proportional"](candidates(score_N, tie_N, race_N=[0.0, 0.9, 0.0, 0.5, 0.1]))
    assert order.tolist() == [3, 1, 2, 4, 0]


def test_the_order_is_decided_by_the_random_numbers_of_the_race():
    competing = with_many_ties()
    race_N = np.random.default_rng(9).random(50)
    other = replace(competing, race_N=lambda: race_N)
    assert not np.array_equal(RULES["proportional"](other), RULES["proportional"](competing))


def test_a_race_number_of_zero_arrives_first():
    order = RULES["proportional"](candidates([1.0, 1.0], [0.1, 0.2], race_N=[0.5, 0.0]))
    assert order.tolist() == [1, 0]


def test_a_negative_score_cannot_be_drawn_by():
    competing = candidates([1.0, 0.0, -0.5, 2.0], np.zeros(4), race_N=np.zeros(4), kept=(0,))
    with pytest.raises(ParamsError, match=r"rule is proportional; .* 0 or more, .* 2 has -0\.5"):
        RULES["proportional"](competing)


# --- k_centers and facility_location -------------------------------------------------------------

LINE = np.array([[0.0], [1.0], [5.0], [9.0], [10.0]], dtype=np.float32)
TIES = np.array([0.4, 0.3, 0.5, 0.1, 0.2])


def picked_rows(name, **changes):
    """Return the rows of the points on a line in the order of a rule."""
    competing = candidates(np.zeros(5), TIES, features_ND=LINE, **changes)
    return competing.row_K[RULES[name](competing)].tolist()


def test_k_centers_goes_away_from_what_is_kept():
    assert picked_rows("k_centers", kept=(0,), start=1000) == [4, 2, 3, 1]


def test_k_centers_starts_at_random_where_nothing_is_kept():
    # 3 has the smallest random number; then 0 is farthest, and 2 is 4 away.
    assert picked_rows("k_centers", start=1)[:3] == [3, 0, 2]
    assert picked_rows("k_centers", start=2)[:3] == [3, 4, 0]


def test_k_centers_that_would_be_random_throughout_is_refused():
    with pytest.raises(ParamsError, match="k_centers_start is 5; it must be below the 5 picks"):
        picked_rows("k_centers", start=5)


def test_k_centers_is_refused_by_its_picks_however_long_an_order_is_wanted():
    competing = candidates(np.zeros(5), TIES, features_ND=LINE, start=2)
    with pytest.raises(ParamsError, match="k_centers_start is 2; it must be below the 2 picks"):
        RULES["k_centers"](replace(competing, count=2))


def test_k_centers_starts_nearest_the_mean_where_nothing_is_random():
    # From 2, both 0 and 4 are 5 away, and 4 has the smaller random number.
    assert picked_rows("k_centers", start=0) == [2, 4, 0, 3, 1]


def test_facility_location_starts_in_the_middle_and_serves_what_is_not_served():
    assert picked_rows("facility_location")[0] == 2
    # Beyond 0, point 3 shortens squared distances by 81 + 99 + 9, point 4 by 80 + 100, and point 2
    # by 25 + 65 + 75.
    assert picked_rows("facility_location", kept=(0,))[0] == 3


# --- class-imbalanced toy sets -------------------------------------------------------------------


def test_k_centers_reaches_a_rare_group_that_a_random_draw_would_miss():
    rng = np.random.default_rng(0)
    features_ND = rng.normal(size=(503, 4)).astype(np.float32)
    features_ND[500:] += [100, 0, 0, 0]
    competing = candidates(np.zeros(503), rng.random(503), features_ND=features_ND)
    assert {*RULES["k_centers"](competing)[:2]} & {500, 501, 502}
