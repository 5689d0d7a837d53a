"""What the page's script is told of every sample."""

import json
from dataclasses import replace

import numpy as np
import pytest
from finished_run import raced

from stages.report.page import browser
from stages.report.page.browser import LEFT_OUT, as_json, browsed, reason, shown_rows, taken_in
from stages.report.samples.beliefs import beliefs
from stages.report.samples.ranking import ranked_candidates
from stages.report.samples.suspected import label_suspects
from stages.shared.artifacts.races import save_race


@pytest.fixture(scope="module")
def results(finished):
    return finished.results()


@pytest.fixture(scope="module")
def columns(results):
    return browsed([results])


def test_every_column_has_an_entry_for_every_sample(columns):
    of_each = (
        "name",
        "label",
        "round",
        "rank",
        "quality",
        "flagged",
        "reason",
        "picked",
        "picture",
    )
    assert {len(columns[key]) for key in of_each} == {80}
    assert columns["total"] == 80


def test_the_round_of_a_sample_is_that_in_which_it_was_taken(results, columns):
    subset = results.last_subset
    for row, number in enumerate(columns["round"]):
        expected = subset.round_P[subset.index_P == row]
        assert number == (expected[0] if len(expected) else LEFT_OUT)
    assert sorted(set(columns["round"])) == [LEFT_OUT, 0, 1, 2]


def test_of_a_sample_that_was_drawn_twice_the_first_round_counts(results):
    index_P, round_P = np.array([7, 3, 7]), np.array([0, 1, 2])
    last = str(results.params.sizes[-1])
    subset = replace(results.last_subset, index_P=index_P, round_P=round_P, score_P=np.zeros(3))
    round_N = taken_in(replace(results, subsets={**results.subsets, last: subset}))
    assert (round_N[7], round_N[3], round_N[0]) == (0, 1, LEFT_OUT)


def test_ranks_are_those_of_the_last_rounds_candidates(results, columns):
    ranked_K = ranked_candidates(results, results.rounds[-1])
    assert [columns["rank"][row] for row in ranked_K] == list(range(1, len(ranked_K) + 1))
    assert sum(rank > 0 for rank in columns["rank"]) == len(ranked_K)


@pytest.mark.parametrize(
    ("votes", "predicted", "label", "expected"),
    [
        ([1, 1, 1], 1, 1, "all 3 models say bee, as its label"),
        ([1, 1, 1], 1, 0, "all 3 models say bee, its label is ant"),
        ([1, 0, 2], 1, 1, "1 of 3 models say bee, as its label"),
        ([2], 2, 0, "the model says cat, its label is ant"),
    ],
)
def test_the_reason_is_what_the_models_say(results, votes, predicted, label, expected):
    entry = results.rounds[-1]
    changed = replace(
        entry.votes,
        votes_MN=np.repeat(np.array(votes)[:, np.newaxis], 80, axis=1),
        predicted_class_N=np.full(80, predicted),
    )
    entry = replace(entry, votes=changed)
    found = replace(results, targets_N=np.full(80, label), rounds=[*results.rounds[:-1], entry])
    assert reason(found, beliefs([found]), 5) == expected


def test_why_a_sample_was_taken_is_said_in_words(results, run):
    told = browsed([results])["taken"]
    assert told == [
        "taken to start with",
        "taken in round 1 by top, by its mutual information",
        "taken in round 2 by top, by its mutual information",
    ]
    run.set(race__entrants={"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}})
    for size, winner in (("0.125", "random-1"), ("0.25", "cut")):
        save_race(run.folders.races / size, "seed-0", raced(winner), [])
    told = browsed([run.results()])["taken"]
    assert told[1:] == ["taken at random in round 1", "taken in round 2, as cut proposed"]


def test_without_votes_there_is_neither_class_quality_nor_flag(finished):
    results = finished.results()
    rounds = [replace(entry, votes=None) for entry in results.rounds]
    columns = browsed([replace(results, rounds=rounds)])
    assert columns["quality"] is None
    assert not any(columns["flagged"])


def test_of_many_samples_a_random_part_is_shown_with_all_that_are_flagged(results, monkeypatch):
    monkeypatch.setattr(browser, "MOST", 30)
    row_S = shown_rows([results])
    assert len(row_S) == len(set(row_S.tolist())) == 30
    assert {*label_suspects([results]).tolist()} <= {*row_S.tolist()}
    assert (np.diff(row_S) > 0).all()
    assert (shown_rows([results]) == row_S).all()


def test_a_name_cannot_end_the_element_that_holds_it():
    content = {"name": ["</script><b>", "<!--", "ä\u2028\"'"]}
    text = as_json(content)
    assert "<" not in text
    assert json.loads(text) == content


def test_ten_thousand_pictures_of_photographs_stay_under_fifteen_megabytes(results):
    """Of noise, which compresses worse than any photograph: 1.5 kB each is the bound."""
    rng = np.random.default_rng(0)
    smooth = rng.integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    columns = browsed([replace(results, inputs_N=smooth)])
    assert np.mean([len(picture) for picture in columns["picture"]]) < 1500
