"""The rule of the race: by hand, by its properties, and by a small simulation."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from benchmarks import race_rule
from stages.race.rule import Race, Standing, standings


def points(*rows):
    return 100.0 * np.array(rows, dtype=np.float64)


def standing_of(values_JV, random_RV, *, own_spread=False):
    [found] = standings(np.array([values_JV]), random_RV, own_spread=own_spread)
    return found


def test_one_judge_has_the_spread_of_random_by_hand():
    """Random subsets: 75 and 0, variance 2812.5; single answers alone would give 937.5 of that."""
    found = standing_of(points([1, 1, 0, 1]), points([1, 1, 0, 1], [0, 0, 0, 0]))

    assert found.gain == 37.5
    v, b = 625 / 4, 1875 / 2
    a = 2 * b  # a judge of an entrant spreads as one of random does, and there are half as many
    assert found.standard_error == pytest.approx(math.sqrt(v + a + b))
    assert found.freedom == pytest.approx((v + a + b) ** 2 / (v**2 / 3 + a**2 + b**2))


def test_answers_that_differ_by_chance_alone_add_nothing_to_the_samples_by_hand():
    found = standing_of(points([1, 1, 0, 1]), points([1, 0, 0, 1], [0, 0, 0, 1]))

    assert found.gain == 37.5
    assert found.standard_error == pytest.approx(math.sqrt(6875 / 3 / 4))
    assert found.freedom == pytest.approx(3)


def test_two_judges_have_their_own_spread_and_random_at_least_as_much_by_hand():
    """Means 100 and 0: variance 5000, half of it by single answers."""
    found = standing_of(points([1, 1], [0, 0]), points([0, 0], [0, 0]))

    a, b = 2500 / 2, 1250  # two judges; one random subset for each of them
    assert found == Standing(50.0, pytest.approx(math.sqrt(a + b)), pytest.approx(2.0))


def test_judges_spread_as_those_in_reach_do_and_at_the_end_at_least_as_their_own():
    steady, uneven = points([1, 1, 1, 0], [1, 1, 0, 1]), points([1, 1, 1, 1], [0, 0, 0, 0])
    hopeless = points([0, 0, 0, 0], [0, 0, 0, 0])
    random_RV = points([1, 1, 1, 0], [1, 1, 0, 1])

    _, before, _ = standings(np.array([steady, uneven, hopeless]), random_RV, own_spread=False)
    first, after, _ = standings(np.array([steady, uneven, hopeless]), random_RV, own_spread=True)
    shared = first.standard_error**2
    assert after.standard_error > before.standard_error
    assert first.standard_error > 0
    # Means 100 and 0, variance 5000, a quarter by answers; steady ones have none but by answers.
    own = (5000 - 5000 / 4) / 2
    assert after.standard_error**2 - before.standard_error**2 == pytest.approx(
        own - (own - 5000 / 2 / 4 / 2) / 2
    )
    assert shared < after.standard_error**2


def test_a_single_random_training_says_nothing_of_others():
    found = standing_of(points([1, 1, 0]), points([0, 1, 0]))
    assert found.standard_error == math.inf
    assert (found.low(0.9), found.high(0.9)) == (-math.inf, math.inf)


def test_bounds_are_students():
    found = Standing(1.0, 2.0, 3.0)
    assert found.high(0.9) == pytest.approx(1 + 2 * student.ppf(0.9, 3))
    assert found.low(0.95) == pytest.approx(1 - 2 * student.ppf(0.95, 3))


# --- a race ---------------------------------------------------------------------------------------


def answers(rng, right, num=2000):
    """Return points of samples of which so many percent are right, the same ones first."""
    values_V = np.zeros(num)
    values_V[: int(num * right / 100)] = 100
    flipped = rng.random(num) < 0.02
    return np.where(flipped, 100 - values_V, values_V)


def run(rights, judges=4, random=80.0, **settings):
    """Run a race whose entrants are right so often; return it and the decision."""
    rng = np.random.default_rng(0)
    race = Race(list(rights), **{"level": 0.05, "margin": 0.3, **settings})
    while race.left and race.num_judges < judges:
        judged = {name: answers(rng, rights[name]) for name in race.left}
        race.add(judged, np.array([answers(rng, random) for _ in range(2)]))
    return race, race.decide()


def test_who_is_clearly_better_wins_and_who_is_clearly_behind_drops_out_at_once():
    race, decision = run({"good": 84, "bad": 40})
    assert decision.winner == "good"
    assert race.dropped_after == {"bad": 1}
    assert decision.bound["good"] > -0.3
    assert race.standings["good"].gain == pytest.approx(4, abs=1)


def test_after_the_second_judge_the_best_three_are_left():
    race, decision = run({"a": 84, "b": 88, "c": 82, "d": 86, "e": 83})
    assert sorted(race.left) == ["a", "b", "d"]
    assert {name: race.dropped_after[name] for name in "ce"} == {"c": 2, "e": 2}
    assert decision.winner == "b"


def test_without_anybody_left_the_race_ends_and_random_wins():
    race, decision = run({"bad": 40, "worse": 20})
    assert race.num_judges == 1
    assert decision.winner is None
    assert decision.bound == {}


def test_the_best_judged_random_subset_wins_where_no_entrant_does():
    race = Race(["same"], level=0.05, margin=0.3)
    random = [points([1, 1, 0, 0]), points([1, 0, 0, 0]), points([1, 1, 1, 0]), points([0] * 4)]
    for first in (0, 2):
        race.add({"same": points([1, 0, 0, 0])[0]}, np.concatenate(random[first : first + 2]))
    decision = race.decide()
    assert decision.winner is None
    assert decision.best_random == 2


def test_a_better_entrant_does_not_win_where_it_may_be_worse_by_more_than_the_margin():
    _, with_little = run({"good": 80.6}, margin=0.0, judges=2)
    _, with_more = run({"good": 80.6}, margin=5.0, judges=2)
    assert with_little.winner is None
    assert with_more.winner == "good"
    # What it would have needed is what is subtracted, less the margin.
    reach = with_little.smallest_gain
    assert with_more.smallest_gain == pytest.approx(max(0.0, reach - 5))
    assert reach > 0


@pytest.mark.parametrize("others", [{}, {"b": 81, "c": 81}, {"b": 81, "c": 81, "bad": 20}])
def test_the_bound_is_corrected_for_those_that_the_first_judge_left(others):
    race, decision = run({"good": 82, **others})
    in_reach = 1 + len(others) - ("bad" in others)
    low = race.standings["good"].low(1 - 0.05 / in_reach)
    assert decision.bound["good"] == low
    assert decision.smallest_gain == pytest.approx(race.standings["good"].gain - low - 0.3)


def test_the_same_answers_of_all_decide_nothing():
    race = Race(["same"], level=0.05, margin=0.3)
    for _ in range(2):
        race.add({"same": points([1, 0])[0]}, points([1, 0], [1, 0]))
    assert race.decide().winner is None


@pytest.mark.parametrize("name", ["MNIST 1 %", "all below the margin"])
def test_simulated_races_hardly_ever_choose_what_is_worse(name):
    """150 races: with a true rate of 5 % more than 13 failures come once in 50 such tests."""
    [cell] = [cell for cell in race_rule.CELLS if cell.name == name]
    by_rule, by_mean = race_rule.simulate(cell, num_samples=500, num_races=150)
    failures, gain = race_rule.HEADER.index("failures"), race_rule.HEADER.index("gain")
    assert by_rule[failures] <= 100 * 13 / 150
    if cell.stress:
        assert by_mean[failures] > 50
    else:
        assert by_rule[gain] > 0.3
