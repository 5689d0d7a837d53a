"""Selection rules: what holds for each that is listed."""

from typing import get_args

import numpy as np
import pytest

from stages.select.rules import RULES
from stages.shared import params


def test_params_know_exactly_the_listed_rules_and_each_is_listed_under_its_own_name():
    assert set(RULES) == set(get_args(params.SelectionRule))
    assert [rule.__name__ for rule in RULES.values()] == list(RULES)


def test_top_prefers_high_scores_and_among_equals_low_random_numbers():
    score_K, tie_K = np.array([0.5, 2.0, 0.5, -1.0]), np.array([0.9, 0.5, 0.1, 0.0])
    assert RULES["top"](score_K, tie_K).tolist() == [1, 2, 0, 3]


def scores_with_ties():
    rng = np.random.default_rng(0)
    return rng.integers(0, 4, 50).astype(np.float64), rng.random(50)


@pytest.mark.parametrize("name", RULES)
def test_every_candidate_stands_once_in_the_order(name):
    assert sorted(RULES[name](*scores_with_ties())) == list(range(50))


@pytest.mark.parametrize("name", RULES)
def test_identical_scores_leave_every_candidate_once_in_the_order(name):
    order = RULES[name](np.zeros(50), np.random.default_rng(0).random(50))
    assert sorted(order) == list(range(50))


@pytest.mark.parametrize("name", RULES)
def test_permuted_candidates_stand_in_the_same_order(name):
    score_K, tie_K = scores_with_ties()
    permutation = np.random.default_rng(1).permutation(50)
    order = RULES[name](score_K[permutation], tie_K[permutation])
    assert np.array_equal(permutation[order], RULES[name](score_K, tie_K))


@pytest.mark.parametrize("name", RULES)
def test_no_candidates_have_an_empty_order(name):
    assert len(RULES[name](np.empty(0), np.empty(0))) == 0
