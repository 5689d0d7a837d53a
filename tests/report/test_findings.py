"""*Found in your data*: one line for each thing that is wrong, with its samples."""

from dataclasses import replace

import numpy as np
import pytest
from finished_run import contradicting

from stages.report.page import findings as found_in
from stages.report.page.findings import findings
from stages.report.run.results import Alike
from stages.shared.artifacts.duplicate_groups import Found, Grouped, save_found

FOUND = Found("thumbnails", 0.98, 1.0, 180, 4, 2, 2, 1, 1, 1, 1, 3)
GROUPED = [
    Grouped("7", "train", "ant", 0, "7"),
    Grouped("8", "train", "bee", 0, "7"),
    Grouped("5", "train", "ant", 1, ""),
    Grouped("a/t.png", "test", "ant", 1, ""),
]


@pytest.fixture
def results(finished):
    """No model contradicts any label."""
    found = finished.results()
    entry, targets_N = found.rounds[-1], found.targets_N
    votes = replace(entry.votes, votes_MN=np.tile(targets_N, (3, 1)), predicted_class_N=targets_N)
    return replace(found, rounds=[*found.rounds[:-1], replace(entry, votes=votes)])


def test_of_clean_data_nothing_is_found(results):
    assert findings([results]) == []


def test_blank_copies_and_edited_ones_in_another_split_are_one_line_each(results):
    blank, crossing = findings([replace(results, alike=Alike(FOUND, GROUPED, ["7", "8"]))])
    assert blank.title == "Blank: 2, all equal, labelled ant and bee"
    assert [one.name for one in blank.samples] == ["7", "8"]
    assert blank.step == "suspects"
    assert crossing.title == "In two splits: 1 group of nearly equal samples"
    assert [(one.name, one.told) for one in crossing.samples] == [("5", "also in test: t.png")]
    assert crossing.step == "splits"
    assert blank.samples[0].picture.shape == (96, 96, 3)


def test_labels_that_no_model_believes_say_which_one_it_believes(results):
    inside = int(results.last_subset.index_P[0])
    outside = int(np.setdiff1d(np.arange(80), results.last_subset.index_P)[0])
    [found] = findings([contradicting(results, [inside, outside])])
    names, targets_N = results.meta.class_names, results.targets_N
    assert found.title == "Labels that no model believes: 2"
    right = 100 * results.rounds[-1].validation.ensemble_accuracy
    assert found.note == (
        f"1 of them in the subset. These models are right on {right:.0f} % of validation."
    )
    assert {one.name: (one.told, one.is_taken) for one in found.samples} == {
        str(row): (f"{names[targets_N[row]]}, or {names[(targets_N[row] + 1) % 3]}?", is_taken)
        for row, is_taken in ((inside, True), (outside, False))
    }
    [found] = findings([contradicting(results, [inside, outside], confidence_N=np.zeros(80))])
    assert found.title == "Labels that no model believes: 2, none likely wrong"
    assert not found.step


def test_of_many_the_first_are_shown_and_the_others_counted(results, monkeypatch):
    monkeypatch.setattr(found_in, "MOST", 3)
    [found] = findings([contradicting(results, [*range(5)])])
    assert (found.num, len(found.samples)) == (5, 3)


def test_the_page_shows_each_with_the_step_that_helps_and_says_where_nothing_is_wrong(run):
    """Names are the user's, and steps are told by their numbers."""
    page = run.report(draw=False)["plots/report.html"].decode()
    assert "Nothing wrong: no blank or contradictory copies" in page
    save_found(run.folders.near_duplicates, FOUND, GROUPED, ["7", "8"])
    page = run.report(draw=False)["plots/report.html"].decode()
    assert "<strong>Blank: 2, all equal, labelled ant and bee.</strong>" in page
    assert '<a href="#next">Step 1</a> helps.' in page
    assert '<a href="#next">Step 2</a> helps.' in page
    assert page.index('id="found"') < page.index('id="size-title"')
    assert page.count("<ol>") == 1
