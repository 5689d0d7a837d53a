"""What the report says of a race."""

from dataclasses import replace

import pytest
from finished_run import raced

from stages.report.numbers.raced import race, race_sentences, taken_by
from stages.report.numbers.summary import search_flops
from stages.report.numbers.tables import all_tables, costs
from stages.report.page.document import document
from stages.report.page.trust import checks


def results_of(run, *winners, **gains):
    """Return draws whose race for the last subset these won, and none raced before."""
    run.set(race__entrants={"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}})
    results = run.results()
    return [
        replace(results, races=results.races | {"0.25": raced(winner, **gains)})
        for winner in winners
    ]


def test_the_gain_that_could_be_seen_is_told_of_all_draws(run):
    draws = results_of(run, "cut", "cut")
    draws[1].races["0.25"] = replace(draws[1].races["0.25"], smallest_gain=3.05)
    assert race_sentences(draws)[1].startswith(
        "Its judges, resnet8_quarter, see gains of at least 1.0 to 3.1 points (by draw), "
    )
    (found,) = [check.found for check in checks(draws, []) if "race" in check.name]
    assert found.endswith("could see gains of at least 1.0 to 3.1 points (by draw) on 40 samples")


def test_by_what_a_subset_was_taken(run):
    said = [taken_by(draw) for draw in results_of(run, "cut", "random-3")]
    assert said[0] == "the race took what cut proposed"
    assert said[1].startswith("the race took a random subset")
    assert taken_by(run.results()) == "taken by the rule top, by scores of mutual information"


def test_without_a_race_nothing_is_said(finished):
    results = finished.results()
    assert race([results]) == []
    assert race_sentences([results]) == []
    assert search_flops(results) == pytest.approx(
        costs([results])[4]["flops"], rel=1e-3
    )  # two ensembles, two predictions


def test_the_verdict_says_who_won_by_how_much_and_what_could_be_seen(run):
    *told, on_test = race_sentences(results_of(run, "cut", "cut", "random-3"))
    assert told == [
        "Race to 0.25: cut won 2 of 3 draws, judged +1.00 (at least -0.25) and +1.00 (at least "
        "-0.25) points over random, a random subset won 1 of 3 draws; no winner is worse than "
        "random by more than 0.3 points, as far as the judges can tell (95 % for each race).",
        "Its judges, resnet8_quarter, see gains of at least 1.0 points, by accuracy on 40 judged "
        "samples: few, race.holdout adds some; they trained 39 times, 19 % less than with nobody "
        "dropped.",
    ]
    assert on_test.startswith("On test the raced subset minus a random one is +")
    assert on_test.endswith(" with resnet8.")


def test_where_nobody_drops_out_no_share_is_named(run):
    [draw] = results_of(run, "cut")
    draw.races["0.25"] = replace(draw.races["0.25"], trainings=16)
    assert race_sentences([draw])[1].endswith("; they trained 16 times, as nobody dropped out.")


def test_where_random_wins_every_draw_no_promise_is_made(run):
    told = race_sentences(results_of(run, "random-0"))[0]
    assert "a random subset won 1 of 1 draw; each strategy was judged no better" in told
    assert "no winner" not in told


def test_the_table_has_a_row_for_each_entrant_and_random(run):
    rows = race(results_of(run, "cut"))
    assert [(row["entrant"], row["won"], row["judges"], row["gain"]) for row in rows] == [
        ("hardest", 0, 1, -20.0),
        ("cut", 1, 4, 1.0),
        ("random", 0, 8, None),
    ]
    assert [row["dropped_after"] for row in rows] == [1, None, None]
    assert [row["lowest"] for row in rows] == [None, -0.25, None]
    random = race(results_of(run, "random-2"))[-1]
    assert (random["won"], random["gain"]) == (1, 0.5)


def test_judges_count_in_the_search(run):
    [results] = results_of(run, "cut")
    plain = run.results()
    assert search_flops(results) == pytest.approx(search_flops(plain) + 3e6)
    assert [row["flops"] for row in costs([results]) if row["part"] == "race to 0.25"] == [3e6]


def test_what_was_skipped_follows_from_the_winners_settings(run):
    for winner, fraction in (("cut", 0.1), ("hardest", 0.0), ("random-1", 0.0)):
        [results] = results_of(run, winner)
        assert results.selecting(results.rounds[-1]).outliers.fraction == fraction


def test_the_page_shows_the_race(with_extras):
    draws = [with_extras.results()]
    page = document(draws, all_tables(draws))
    assert 'id="race"' in page
    assert "Race to 0.25: " in page
    assert (
        "(at least \N{MINUS SIGN}0.25) points over random" in page
    )  # typeset, as all words of the page
    assert "less than with nobody dropped" in page
    assert "The race to 0.25" in page
