"""`select.near_duplicates: one`: of a group of near duplicates one sample is picked, the best."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from stages.select.__main__ import main
from stages.select.competing import in_order
from stages.select.rules import RULES
from stages.shared import artifacts
from stages.shared.artifacts.duplicate_groups import save_train_groups
from stages.shared.choosing.limits import NOTHING, Limits
from stages.shared.choosing.sampling import unscored
from stages.shared.errors import ParamsError
from tests.select.test_rules import with_many_ties

SIGNALS = Path("none")


def limits(num, included=()):
    included = np.array(included, dtype=np.int64)
    return Limits(np.zeros(num, dtype=np.int64), included, NOTHING, 0)


def groups_of(rng, num, most):
    """Return the first row of each one's group, of `most` random groups at most."""
    number_N = rng.integers(0, most, num)
    return np.array([np.flatnonzero(number_N == number)[0] for number in number_N])


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=12)
@for_all(seed=st.integers(0, 1000), most=st.integers(1, 30), kept=st.sampled_from([(), (3, 4, 17)]))
def test_each_group_has_its_first_in_the_rules_order_and_none_that_is_taken(name, seed, most, kept):
    group_N = groups_of(np.random.default_rng(seed), 30, most)
    competing = with_many_ties(30, seed, kept=kept, rule=name)
    order = in_order(competing, SIGNALS, limits(30), competing.settings, group_N)
    free = competing.row_K[~np.isin(group_N[competing.row_K], group_N[list(kept)])]
    assert sorted(group_N[order]) == sorted(set(group_N[free]))
    assert not set(order) & set(kept)


@settings(max_examples=12)
@for_all(seed=st.integers(0, 1000), most=st.integers(1, 30))
def test_it_is_the_order_without_groups_but_for_what_stands_behind_its_near_duplicate(seed, most):
    group_N = groups_of(np.random.default_rng(seed), 30, most)
    competing = with_many_ties(30, seed, rule="top")
    whole = in_order(competing, SIGNALS, limits(30), competing.settings)
    seen, expected = set(), []
    for row in whole.tolist():
        if group_N[row] not in seen:
            expected.append(row)
        seen.add(group_N[row])
    found = in_order(competing, SIGNALS, limits(30), competing.settings, group_N)
    assert found.tolist() == expected


def test_an_order_that_ends_early_still_has_as_many_groups_as_are_picked():
    competing = with_many_ties(30, rule="k_centers", k_centers_start=0)
    group_N = np.arange(30) // 3 * 3
    short = replace(competing, count=7)
    order = in_order(short, SIGNALS, limits(30), short.settings, group_N)
    assert len(set(group_N[order])) == len(order) >= 7


def test_a_sample_of_the_include_list_stays_and_takes_its_group():
    competing = with_many_ties(6, rule="top")
    group_N = np.array([0, 0, 0, 3, 4, 4])
    order = in_order(competing, SIGNALS, limits(6, [1, 2]), competing.settings, group_N).tolist()
    assert {1, 2} <= set(order)
    assert 0 not in order
    assert len(order) == 4


@pytest.fixture
def select(project):
    """Run a round of the toy project whose rows 10 i to 10 i + 9 are near duplicates."""
    artifacts.save_subset(Path("old/seed-0.csv"), unscored(np.arange(20)))
    artifacts.save_scores(Path("scores/seed-0.npy"), np.arange(100.0))
    save_train_groups(Path("groups"), np.arange(100) // 10 * 10)

    def run(to, **changes):
        project.change({"seed_size": 20, "rounds": [{"from": 20, "to": to}], **changes})
        folders = ("prepared", "signals", "dynamics", "scores", "old", "groups", "new", "orders")
        main("20", str(to), *map(Path, folders))
        return project.load_subset(Path("new/seed-0/top.csv")).index_P.tolist()

    return run


def test_a_round_picks_the_highest_score_of_each_group_that_the_subset_lacks(select):
    assert select(25)[20:] == [99, 98, 97, 96, 95]
    assert select(25, **{"select.near_duplicates": "one"})[20:] == [99, 89, 79, 69, 59]


def test_more_picks_than_there_are_groups_end_in_one_line(select):
    with pytest.raises(ParamsError, match="asks for 10 picks; 8 samples can be picked"):
        select(30, **{"select.near_duplicates": "one"})
