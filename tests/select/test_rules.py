"""Selection rules: what holds for each that is listed, and what each prefers."""

import contextlib
import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
import toy
from hypothesis import assume, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from scipy.stats import chisquare

from stages.select.neighbour_messages import pass_messages
from stages.select.rules import RULES, Candidates
from stages.select.rules.needs_labels import beta
from stages.select.skipped import highest_scored
from stages.shared.errors import ParamsError
from stages.shared.settings import menu
from stages.shared.settings.sections import Select

NOTHING = np.empty(0, dtype=np.int64)


class UnwantedError(Exception):
    """A rule asked for what it has no use for."""


def refuse():
    raise UnwantedError


# The numbers with which every rule that goes by scores prefers the highest.
PLAIN = {
    "window": {"start": 0.0},
    "stratified": {"cut": 0.0, "strata": 5},
    "mixed": {"random": 0.0, "rule": "top"},
    "beta": {"concentration": 15.0, "exponent": 5.5},
    "prototypes": {"prefer": "nearest"},
    "message_passing": {"neighbours": 3, "gamma": 0.5},
    "k_centers_start": 0,
}


SECTION = {**toy.default_params()["select"], **PLAIN}
ALL_PLAIN = Select.model_validate(SECTION)


def numbers(**changes):
    """Return the section `select`, plain but for these keys."""
    return Select.model_validate({**SECTION, **changes}) if changes else ALL_PLAIN


def given(array):
    """Return what hands out an array, or complains."""
    return refuse if array is None else lambda: np.asarray(array)


def candidates(score_N, tie_N, *, kept=(), **changes):
    """Return all samples but the kept ones as candidates, with arrays and numbers of the rules."""
    names = ("random_N", "features_ND", "label_probability_N", "recall_C")
    random_N, features_ND, label_probability_N, recall_C = (
        given(changes.pop(name, None)) for name in names
    )
    target_N = np.array(changes.pop("target_N", np.zeros(len(score_N))), dtype=np.int64)
    rows = np.setdiff1d(np.arange(len(score_N)), kept)
    return Candidates(
        row_K=rows,
        kept_P=np.array(kept, dtype=np.int64),
        count=len(rows),
        length=len(rows),
        score_N=np.asarray(score_N),
        tie_N=np.asarray(tie_N),
        # Those that decide between equals are the same, where draws share no first subset.
        random_N=lambda purpose: np.asarray(tie_N) if purpose == "ties" else random_N(),
        features_ND=features_ND,
        label_probability_N=label_probability_N,
        recall_C=recall_C,
        target_N=target_N,
        settings=numbers(**changes),
    )


def with_many_ties(num=50, seed=0, **changes):
    """Return candidates with few different scores and points."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, num).astype(np.float64)
    arrays = {
        "features_ND": rng.integers(0, 3, (num, 2)).astype(np.float32),
        "label_probability_N": rng.integers(0, 5, num).astype(np.float32) / 4,
        "target_N": rng.integers(0, 3, num),
        "recall_C": [0.25, 0.5, 0.9],
    }
    ties, random_N = rng.random((2, num))
    return candidates(scores, ties, random_N=random_N, **arrays, **changes)


def all_alike(num=50, **changes):
    """Return candidates that differ in their random numbers alone."""
    ties, random_N = np.random.default_rng(0).random((2, num))
    arrays = {
        "features_ND": np.full((num, 3), 0.1, dtype=np.float32),
        "label_probability_N": np.full(num, 0.5, dtype=np.float32),
        "recall_C": [0.5],
    }
    return candidates(np.zeros(num), ties, random_N=random_N, **arrays, **changes)


# --- every rule ----------------------------------------------------------------------------------


WITH_NUMBERS = {
    "window": {"start": 0.3},
    "stratified": {"cut": 0.2, "strata": 3},
    "mixed": {"random": 0.4, "rule": "window"},
    "k_centers_start": 7,
}
ALIKE = [{}, {"kept": (3, 4, 17)}, {"k_centers_start": 7}]
BY_CHANCE = {"uncertainty_herding"}  # these pick the best of a few random ones
BY_BUDGET = {"beta", *BY_CHANCE}  # what these prefer depends on how many are picked
SETTINGS = [*ALIKE, WITH_NUMBERS, {**WITH_NUMBERS, "kept": (3, 4, 17)}]


@pytest.mark.parametrize("name", RULES)
def test_every_candidate_stands_once_in_the_order(name):
    for changes in SETTINGS:
        competing = with_many_ties(**changes)
        assert sorted(RULES[name](competing)) == list(range(len(competing.row_K)))


@pytest.mark.parametrize("name", ["class_quotas", "stratified"])
def test_what_is_drawn_within_classes_and_strata_is_not_by_the_numbers_that_draws_share(name):
    """Those of ties are the same in all draws that start from one first subset."""
    competing = all_alike(stratified={"cut": 0.0, "strata": 3})
    other = replace(competing, tie_N=1 - competing.tie_N)
    assert RULES[name](other).tolist() == RULES[name](competing).tolist()


@pytest.mark.parametrize("name", sorted({*RULES} - BY_CHANCE))
def test_candidates_that_are_all_alike_stand_in_the_order_of_their_random_numbers(name):
    for changes in ALIKE:
        competing = all_alike(**changes)
        ties = competing.tie_N[competing.row_K]
        assert RULES[name](competing).tolist() == np.argsort(ties).tolist()


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15)
@for_all(seed=st.integers(0, 1000), data=st.data())
def test_permuted_candidates_stand_in_the_same_order(name, seed, data):
    competing = with_many_ties(20, seed, **data.draw(st.sampled_from(SETTINGS)))
    permutation = np.random.default_rng(seed).permutation(len(competing.row_K))
    permuted = replace(competing, row_K=competing.row_K[permutation])
    assert np.array_equal(permutation[RULES[name](permuted)], RULES[name](competing))


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15)
@for_all(seed=st.integers(0, 1000), data=st.data())
def test_an_order_that_ends_early_is_the_first_part_of_the_whole(name, seed, data):
    competing = with_many_ties(20, seed, **data.draw(st.sampled_from(SETTINGS)))
    first_count = (
        competing.settings.k_centers_start + 1
    )  # below it every pick would be random: refused
    count = data.draw(st.integers(first_count, len(competing.row_K)))
    competing = replace(competing, count=first_count)
    order = RULES[name](replace(competing, length=count))
    assert len(order) >= count
    if name not in BY_BUDGET:
        competing = replace(competing, count=len(competing.row_K))
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


@pytest.mark.parametrize("name", RULES)
def test_features_and_what_was_said_of_labels_are_read_by_the_rules_that_need_them(name):
    of_labels = {"label_probability_N": refuse, "recall_C": refuse}
    for need, refused in (
        (menu.NEED_FEATURES, {"features_ND": refuse}),
        (menu.NEED_LABELS, of_labels),
    ):
        expected = pytest.raises(UnwantedError) if name in need else contextlib.nullcontext()
        with expected:
            assert len(RULES[name](replace(with_many_ties(), **refused))) == 50


# --- top -----------------------------------------------------------------------------------------


def test_top_prefers_high_scores_and_among_equals_low_random_numbers():
    competing = candidates([0.5, 2.0, 0.5, -1.0], [0.9, 0.5, 0.1, 0.0])
    assert RULES["top"](competing).tolist() == [1, 2, 0, 3]


@settings(max_examples=40)
@for_all(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3)), max_size=40))
def test_top_is_the_order_by_score_then_random_number_then_position(scores_and_ties):
    score_N, tie_N = np.array(scores_and_ties, dtype=np.float64).reshape(-1, 2).T
    expected = sorted(range(len(score_N)), key=lambda row: (-score_N[row], tie_N[row], row))
    assert RULES["top"](candidates(score_N, tie_N)).tolist() == expected


# --- window --------------------------------------------------------------------------------------


def test_a_window_begins_where_a_share_of_what_competes_is_harder_and_goes_on_to_the_easiest():
    score_N, tie_N = [5.0, 1.0, 4.0, 2.0, 3.0, 9.0], np.zeros(6)
    competing = candidates(score_N, tie_N, kept=(5,), window={"start": 0.4})
    # Two of five are harder; the less hard of them is the first to follow the easiest.
    assert competing.row_K[RULES["window"](competing)].tolist() == [4, 3, 1, 2, 0]


@settings(max_examples=40)
@for_all(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3)), max_size=40), st.floats(0, 0.99)
)
def test_a_window_is_what_sorting_leaves_behind_its_start(scores_and_ties, start):
    score_N, tie_N = np.array(scores_and_ties, dtype=np.float64).reshape(-1, 2).T
    competing = candidates(score_N, tie_N, window={"start": start})
    by_sorting = sorted(range(len(score_N)), key=lambda row: (-score_N[row], tie_N[row], row))
    num_harder = int(Fraction(str(start)) * len(score_N))
    expected = by_sorting[num_harder:] + by_sorting[:num_harder][::-1]
    assert RULES["window"](competing).tolist() == expected


def test_a_window_skips_the_same_samples_as_a_fraction_of_outliers():
    competing = with_many_ties(window={"start": 0.3})
    is_outlier_K = highest_scored(competing, 0.3, num_train=50)
    assert {*RULES["window"](competing)[:35]} == {*np.flatnonzero(~is_outlier_K)}


# --- stratified ----------------------------------------------------------------------------------


def ccs_allocation(size_S, budget):
    """Return how many each stratum gives: Zheng et al. 2023, Algorithm 1, lines 5 to 11.

    Of strata of one size the one of lower scores is asked last, when more may be left for it.
    """
    given_S, rest = [0] * len(size_S), budget
    by_size = sorted(range(len(size_S)), key=lambda stratum: (size_S[stratum], -stratum))
    for num_done, stratum in enumerate(by_size):
        given_S[stratum] = min(size_S[stratum], rest // (len(size_S) - num_done))
        rest -= given_S[stratum]
    return given_S


def test_strata_are_of_equal_width_and_filled_from_the_smallest():
    # Cut: 40. Strata of [0, 12]: six, one and three samples; none of [4, 8) is left after one turn.
    score_N = [0.0, 1.0, 2.0, 3.0, 3.5, 3.9, 4.0, 8.0, 11.0, 12.0, 40.0]
    tie_N = np.arange(11) / 11
    competing = candidates(score_N, tie_N, stratified={"cut": 0.1, "strata": 3})
    order = RULES["stratified"](competing).tolist()
    assert order == [0, 7, 6, 1, 8, 2, 9, 3, 4, 5, 10]
    # Seven picks, by hand: min(1, 7 // 3) = 1, min(3, 6 // 2) = 3, min(6, 3) = 3.
    assert sorted(order[:7]) == [0, 1, 2, 6, 7, 8, 9]


@settings(max_examples=50)
@for_all(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.integers(1, 7),
    st.floats(0, 0.9),
    st.data(),
)
def test_every_budget_is_shared_as_by_the_algorithm(scores, strata, cut, data):
    score_N, tie_N = np.array(scores, dtype=np.float64), np.arange(len(scores)) / len(scores)
    competing = candidates(score_N, tie_N, stratified={"cut": cut, "strata": strata})
    order = RULES["stratified"](competing).tolist()
    num_cut = int(Fraction(str(cut)) * len(scores))
    by_sorting = sorted(range(len(scores)), key=lambda row: (-score_N[row], tie_N[row]))
    assert order[len(scores) - num_cut :] == by_sorting[:num_cut][::-1]
    rest = by_sorting[num_cut:]
    edges = np.linspace(score_N[rest].min(), score_N[rest].max(), strata + 1)
    stratum_N = np.clip(np.searchsorted(edges, score_N, "right") - 1, 0, strata - 1)
    if edges[0] == edges[-1]:
        stratum_N[:] = 0
    near_an_edge = np.isclose(score_N[rest][:, None], edges[1:-1], atol=1e-9)
    assume(
        edges[0] == edges[-1] or not (near_an_edge & (score_N[rest][:, None] != edges[1:-1])).any()
    )
    size_S = np.bincount(stratum_N[rest], minlength=strata).tolist()
    budget = data.draw(st.integers(0, len(rest)))
    given_S = np.bincount(stratum_N[order[:budget]], minlength=strata).tolist()
    assert given_S == ccs_allocation(size_S, budget)


def test_a_stratum_is_drawn_from_by_the_random_numbers():
    score_N, tie_N = [0.0, 0.1, 0.2, 9.0, 9.1], [0.9, 0.1, 0.5, 0.8, 0.2]
    competing = candidates(score_N, tie_N, stratified={"cut": 0.0, "strata": 2})
    assert RULES["stratified"](competing).tolist() == [1, 4, 2, 3, 0]


# --- mixed ---------------------------------------------------------------------------------------


def test_a_mix_takes_turns_between_chance_and_the_rule():
    score_N, random_N = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [0.5, 0.6, 0.1, 0.7, 0.2, 0.3]
    mix = {"random": 0.5, "rule": "top"}
    competing = candidates(score_N, np.zeros(6), random_N=random_N, mixed=mix)
    # Half of one pick is one pick at random, 2; half of three are two, 2 and 4; and so on.
    assert RULES["mixed"](competing).tolist() == [2, 0, 4, 1, 5, 3]


@settings(max_examples=40)
@for_all(st.integers(0, 1000), st.floats(0, 1), st.integers(0, 20))
def test_so_many_picks_of_a_mix_are_the_first_at_random_and_the_others_the_best(seed, share, count):
    rng = np.random.default_rng(seed)
    score_N, random_N = rng.integers(0, 9, 20).astype(np.float64), rng.random(20)
    competing = candidates(
        score_N, rng.random(20), random_N=random_N, mixed={"random": share, "rule": "top"}
    )
    num_random = math.floor(share * count + 0.5)
    chance = np.argsort(random_N)[:num_random].tolist()
    others = [row for row in RULES["top"](competing).tolist() if row not in chance]
    expected = chance + others[: count - num_random]
    assert sorted(RULES["mixed"](competing)[:count]) == sorted(expected)


def test_a_mix_without_chance_is_the_other_rule_with_its_numbers():
    mix = {"random": 0.0, "rule": "window"}
    competing = with_many_ties(mixed=mix, window={"start": 0.3})
    assert np.array_equal(RULES["mixed"](competing), RULES["window"](competing))


# --- proportional --------------------------------------------------------------------------------


def test_orders_are_as_frequent_as_drawing_one_by_one_makes_them():
    score_N = np.array([1.0, 2.0, 5.0])
    rng = np.random.default_rng(0)
    num, competing = 2000, candidates(score_N, np.zeros(3))
    orders = [
        tuple(RULES["proportional"](replace(competing, random_N=lambda _: rng.random(3))).tolist())
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
    order = RULES["proportional"](candidates(score_N, tie_N, random_N=[0.0, 0.9, 0.0, 0.5, 0.1]))
    assert order.tolist() == [3, 1, 2, 4, 0]


def test_the_order_is_decided_by_the_random_numbers_of_the_race():
    competing = with_many_ties()
    random_N = np.random.default_rng(9).random(50)
    other = replace(competing, random_N=lambda _: random_N)
    assert not np.array_equal(RULES["proportional"](other), RULES["proportional"](competing))


def test_a_race_number_of_zero_arrives_first():
    order = RULES["proportional"](candidates([1.0, 1.0], [0.1, 0.2], random_N=[0.5, 0.0]))
    assert order.tolist() == [1, 0]


def test_a_negative_score_cannot_be_drawn_by():
    competing = candidates([1.0, 0.0, -0.5, 2.0], np.zeros(4), random_N=np.zeros(4), kept=(0,))
    with pytest.raises(ParamsError, match=r"rule is proportional; .* 0 or more, .* 2 has -0\.5"):
        RULES["proportional"](competing)


# --- beta ----------------------------------------------------------------------------------------


def by_density(competing, easy_N, random_N, pruned):
    """Return the order of a race whose rates are score x scipy's density."""
    score_N = competing.score_N
    hardest = sorted(range(len(score_N)), key=lambda row: (-score_N[row], competing.tie_N[row]))
    anchor = np.mean([easy_N[row] for row in hardest[:10]])
    b = 15 * (1 - anchor) * (1 - pruned**5.5)
    rate_N = score_N * scipy.stats.beta.pdf(easy_N, 16 - b, b)
    return np.argsort(-np.log1p(-random_N) / rate_N)


@pytest.mark.parametrize("count", [5, 30, 59])
def test_beta_draws_by_score_times_density(count):
    rng = np.random.default_rng(count)
    score_N, tie_N, random_N, easy_N = rng.uniform(0.01, 0.99, (4, 60))
    easy_N = easy_N.astype(np.float32)
    competing = candidates(score_N, tie_N, random_N=random_N, label_probability_N=easy_N)
    expected = by_density(competing, easy_N.astype(np.float64), random_N, 1 - count / 60)
    assert RULES["beta"](replace(competing, count=count)).tolist() == expected.tolist()


def test_the_parameters_of_beta_follow_the_share_that_is_pruned():
    settings = {"concentration": 15.0, "exponent": 2.0}
    competing = candidates(np.ones(10), np.zeros(10), kept=(0, 1), beta=settings)
    # Two are kept and three are picked of ten: r = 1/2, and b = 15 x 0.6 x 3/4.
    a, b = beta.parameters(replace(competing, count=3), 0.4)
    assert (a, b) == (pytest.approx(9.25), pytest.approx(6.75))
    # Everything: the density has its mean near mu_D.
    a, b = beta.parameters(competing, 0.4)
    assert (a, b) == (pytest.approx(7.0), pytest.approx(9.0))


def test_beta_prefers_easy_samples_for_a_small_budget_and_hard_ones_for_a_large_one():
    rng = np.random.default_rng(0)
    tie_N, random_N = rng.random((2, 1000))
    easy_N = rng.random(1000).astype(np.float32)
    score_N = np.where(easy_N < 0.3, 1.0, 0.5)  # mu_D is below 0.3
    competing = candidates(score_N, tie_N, random_N=random_N, label_probability_N=easy_N)
    mean = {
        count: easy_N[RULES["beta"](replace(competing, count=count))[:50]].mean()
        for count in (50, 500, 950)
    }
    assert mean[50] > 0.8 > mean[500] > mean[950]


def test_beta_draws_samples_of_score_zero_last_and_refuses_negative_ones():
    arrays = {"random_N": [0.5, 0.1, 0.9, 0.3], "label_probability_N": [1.0, 0.0, 0.5, 1.0]}
    order = RULES["beta"](candidates([0.0, 1.0, 2.0, 0.0], [0.4, 0.1, 0.1, 0.2], **arrays))
    assert {*order[:2].tolist()} == {1, 2}
    assert order[2:].tolist() == [3, 0]
    with pytest.raises(ParamsError, match="rule is beta; scores must then be 0 or more"):
        RULES["beta"](candidates([0.0, -1.0, 2.0, 0.0], np.zeros(4), **arrays))


# --- class_quotas --------------------------------------------------------------------------------


def test_classes_are_drawn_in_proportion_to_what_they_lack_in_recall():
    rng = np.random.default_rng(0)
    target_N, tie_N = rng.permutation(np.repeat([0, 1, 2], [300, 300, 40])), rng.random(640)
    competing = candidates(np.zeros(640), tie_N, target_N=target_N, recall_C=[0.9, 0.7, 0.6])
    order = RULES["class_quotas"](competing)
    assert np.bincount(target_N[order[:80]]).tolist() == [10, 30, 40]
    # The third class has no more: the others share, one to three.
    assert np.bincount(target_N[order[:240]]).tolist() == [50, 150, 40]
    for number in range(3):
        its = [row for row in order if target_N[row] == number]
        assert its == sorted(its, key=lambda row: tie_N[row])


def test_what_is_kept_counts_for_the_quota_of_its_class():
    target_N, kept = np.arange(100) % 2, tuple(range(0, 20, 2))  # ten of class 0
    competing = candidates(
        np.zeros(100), np.arange(100) / 100, target_N=target_N, recall_C=[0.5, 0.5], kept=kept
    )
    picked = competing.row_K[RULES["class_quotas"](competing)[:20]]
    assert np.bincount(target_N[picked]).tolist() == [5, 15]


# --- moderate and prototypes ---------------------------------------------------------------------

# Class 0 has its mean at 3, distances 3, 2, 1, 6 and a median of 2.5; class 1 its mean at 100.
ON_A_LINE = np.array([[0.0], [1.0], [2.0], [9.0], [99.5], [100.5]], dtype=np.float32)
OF_CLASS = [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("rule", "prefer", "expected"),
    [
        ("moderate", "nearest", [4, 5, 0, 1, 2, 3]),
        ("prototypes", "nearest", [4, 5, 2, 1, 0, 3]),
        ("prototypes", "farthest", [3, 0, 1, 2, 4, 5]),
    ],
)
def test_distances_are_those_from_the_mean_of_the_class(rule, prefer, expected):
    competing = candidates(
        np.zeros(6),
        np.arange(6) / 6,
        target_N=OF_CLASS,
        features_ND=ON_A_LINE,
        prototypes={"prefer": prefer},
    )
    assert RULES[rule](competing).tolist() == expected


# --- message_passing -----------------------------------------------------------------------------


def test_messages_are_passed_among_the_kept_and_the_candidates_in_the_order_of_their_numbers():
    rng = np.random.default_rng(0)
    score_N, tie_N = rng.random((2, 40))
    features_ND = rng.normal(size=(40, 3)).astype(np.float32)
    kept, settings = (7, 2, 30), {"neighbours": 4, "gamma": 0.2}

    def picked(score_N=score_N, **changed):
        numbers = {**settings, **changed}
        competing = candidates(
            score_N, tie_N, features_ND=features_ND, kept=kept, message_passing=numbers
        )
        return competing.row_K[RULES["message_passing"](competing)].tolist()

    row_N = np.array([*kept, *(row for row in np.argsort(tie_N) if row not in kept)])
    expected = pass_messages(features_ND[row_N], score_N[row_N], 3, 37, num_neighbours=4, gamma=0.2)
    assert picked() == row_N[expected].tolist()
    for changed in ({"neighbours": 3}, {"gamma": 0.5}, {"score_N": 1 - score_N}):
        assert picked(**changed) != picked()


# --- k_centers and facility_location -------------------------------------------------------------

LINE = np.array([[0.0], [1.0], [5.0], [9.0], [10.0]], dtype=np.float32)
TIES = np.array([0.4, 0.3, 0.5, 0.1, 0.2])


def picked_rows(name, **changes):
    """Return the rows of the points on a line in the order of a rule."""
    competing = candidates(np.zeros(5), TIES, features_ND=LINE, **changes)
    return competing.row_K[RULES[name](competing)].tolist()


def test_k_centers_goes_away_from_what_is_kept():
    assert picked_rows("k_centers", kept=(0,), k_centers_start=1000) == [4, 2, 3, 1]


def test_k_centers_starts_at_random_where_nothing_is_kept():
    # 3 has the smallest random number; then 0 is farthest, and 2 is 4 away.
    assert picked_rows("k_centers", k_centers_start=1)[:3] == [3, 0, 2]
    assert picked_rows("k_centers", k_centers_start=2)[:3] == [3, 4, 0]


def test_k_centers_that_would_be_random_throughout_is_refused_however_long_an_order_is_wanted():
    competing = candidates(np.zeros(5), TIES, features_ND=LINE, k_centers_start=2)
    with pytest.raises(ParamsError, match="k_centers_start is 2; it must be below the 2 picks"):
        RULES["k_centers"](replace(competing, count=2))


def test_k_centers_starts_nearest_the_mean_where_nothing_is_random():
    # From 2, both 0 and 4 are 5 away, and 4 has the smaller random number.
    assert picked_rows("k_centers", k_centers_start=0) == [2, 4, 0, 3, 1]


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
