"""*Problems in the data*: what is found is named, counted and shown, with what follows from it."""

from dataclasses import replace

import numpy as np
import pytest

from stages.report.page.compared import Cell
from stages.report.page.data_problems import in_short, problems
from stages.report.page.trust import checks
from stages.report.run.results import Alike
from stages.report.samples.alike import broken, leaking
from stages.report.samples.suspected import flagged, suspects
from stages.shared.artifacts.duplicate_groups import Found, Grouped, save_found

# 3 and 4 are equal and have two labels; 5 stands in test too; 6 is like one of validation.
GROUPED = [
    Grouped("3", "train", "ant", 0, "3"),
    Grouped("4", "train", "bee", 0, "3"),
    Grouped("5", "train", "ant", 1, "5"),
    Grouped("t", "test", "ant", 1, "5"),
    Grouped("6", "train", "cat", 2, ""),
    Grouped("v<1>", "validation", "cat", 2, ""),
]
FOUND = Found("approximate", 0.95, 0.987, 1200, 6, 3, 2, 2, 1, 2, 1, 1)
COPIES = Found("copies", 0.95, None, 180, 4, 2, 2, 1, 1, 2, 1, 1)


@pytest.fixture
def with_problems(finished):
    return replace(finished.results(), alike=Alike(FOUND, GROUPED, ["7"]))


def not_fine(results):
    return {check.name: check.found for check in problems(results).checks if not check.is_fine}


def test_each_problem_has_its_count_and_those_stand_first(with_problems):
    assert not_fine(with_problems) == {
        "Equal samples with different labels": "1 group",
        "Samples in two splits": "2 groups of nearly equal samples, in 1 of them copies",
        "Blank samples": "1",
    }
    order = [check.is_fine for check in problems(with_problems).checks]
    assert order == sorted(order)
    assert all(check.consequence for check in problems(with_problems).checks if not check.is_fine)


def test_samples_that_train_has_twice_are_told_of_unless_their_labels_differ(finished):
    twice = [replace(one, label="ant") for one in GROUPED[:2]]
    results = replace(finished.results(), alike=Alike(COPIES, twice, []))
    assert not_fine(results) == {"Repeated samples in train": "1 group"}


def test_without_a_search_for_what_is_nearly_the_same_copies_are_found(finished):
    results = replace(finished.results(), alike=Alike(COPIES, GROUPED[:4], []))
    told = not_fine(results)["Samples in two splits"]
    assert told == "1 group of equal samples"
    assert "for copies alone" in problems(results).note


def test_the_note_names_the_recall_of_an_approximate_search(with_problems):
    note = problems(with_problems).note
    assert note.startswith(
        "1,200 samples of all splits were compared: 6 have a near duplicate, with a cosine of 0.95 "
        "or more, in 3 groups"
    )
    assert "about 98.7 % were found with all of them" in note


def test_tiny_classes_are_named_with_their_samples(finished):
    results = finished.results()
    targets_N = results.targets_N.copy()
    targets_N[targets_N == 2] = 0
    targets_N[:9] = 2
    assert not_fine(replace(results, targets_N=targets_N)) == {"Tiny classes": "cat (9)"}
    targets_N[9] = 2
    assert not_fine(replace(results, targets_N=targets_N)) == {}


def test_tables_show_groups_of_several_splits_or_labels_and_blank_samples(with_problems):
    tables = problems(with_problems).tables
    shown = {
        title: [[cell.shown for cell in row.values()] for row in rows]
        for title, rows in tables.items()
    }
    assert shown == {
        "Groups that cross splits": [
            ["2", "train, test", "ant", "5, t"],
            ["2", "train, validation", "cat", "6, v<1>"],
        ],
        "Groups with more than one label": [["2", "train", "ant, bee", "3, 4"]],
    }


def test_what_is_surely_wrong_is_shown_flagged_and_listed(with_problems):
    assert broken(with_problems) == {
        3: "labelled ant, and equal to 4, labelled bee",
        4: "labelled bee, and equal to 3, labelled ant",
        7: "blank",
    }
    assert [card.name for card in problems(with_problems).cards] == ["3", "4", "7"]
    assert {3, 4, 7} <= set(flagged([with_problems]).tolist())
    listed = dict(suspects([with_problems]))
    assert {"3", "4", "7"} <= listed.keys()
    assert len([*suspects([with_problems])]) == len(listed)


def test_one_line_says_all_of_it(with_problems, finished):
    assert in_short([with_problems]).startswith(
        "Data: equal samples with different labels: 1 group; samples in two splits: 2 groups"
    )
    results = finished.results()
    assert in_short([results]) == "Data: no problem found; no label looks wrong."
    entry = results.rounds[-1]
    weak = replace(entry, validation=replace(entry.validation, ensemble_accuracy=0.4))
    assert in_short([replace(results, rounds=[*results.rounds[:-1], weak])]) == (
        "Data: no problem found; labels were not judged, as the models are right on 40 % of "
        "validation only."
    )
    votes = entry.votes
    row = int(np.setdiff1d(np.arange(80), results.last_subset.index_P)[0])
    other = (results.targets_N[row] + 1) % 3
    votes_MN, predicted_N, confidence_N = (
        np.array(array) for array in (votes.votes_MN, votes.predicted_class_N, votes.confidence_N)
    )
    votes_MN[:, row], predicted_N[row], confidence_N[row] = other, other, 1.0
    votes = replace(
        votes, votes_MN=votes_MN, predicted_class_N=predicted_N, confidence_N=confidence_N
    )
    results = replace(results, rounds=[*results.rounds[:-1], replace(entry, votes=votes)])
    right = f"{100 * entry.validation.ensemble_accuracy:.0f} %"
    assert in_short([results]) == (
        f"Data: no other problem found; 1 label looks wrong to models that are right on {right} of "
        "validation, none of them in the subset."
    )


def test_the_line_names_classes_that_are_not_measured(finished):
    results = finished.results()
    targets_V = results.validation_targets_V.copy()
    targets_V[targets_V == 2] = 0
    told = "Data: classes without validation samples: 1 of 3; no label looks wrong."
    assert in_short([replace(results, validation_targets_V=targets_V)]) == told


def test_copies_across_splits_are_a_reason_not_to_trust(with_problems):
    found = {check.name: check for check in checks([with_problems], [])}
    assert not found["Samples in two splits"].is_fine
    clean = replace(with_problems, alike=Alike(COPIES, [], []))
    found = {check.name: check for check in checks([clean], [])}
    assert found["Samples in two splits"].is_fine


def test_the_page_shows_them_and_names_are_words(run):
    save_found(run.folders.near_duplicates, FOUND, GROUPED, ["7"])
    page = run.report(draw=False)["plots/report.html"].decode()
    assert '<h2 id="problems-title">' in page
    assert "6, v&lt;1&gt;" in page
    assert "<code>python -m commands.near_duplicates --leave-out</code>" in page


BLANK = [
    Grouped("7", "train", "ant", 0, "7"),
    Grouped("8", "train", "bee", 0, "7"),
    Grouped("v", "validation", "cat", 0, "7"),
]


def test_blank_copies_with_several_labels_are_one_finding(finished):
    """Equal, of three labels, in two splits, and blank: it is told once, with all of it."""
    alike = Alike(FOUND, BLANK, ["7", "8", "v", "9"])
    results = replace(finished.results(), alike=alike)
    assert not_fine(results) == {"Blank samples": "4, 3 equal, labelled ant, bee and cat"}
    assert broken(results) == {
        7: "blank, labelled ant, and equal to 8, labelled bee",
        8: "blank, labelled bee, and equal to 7, labelled ant",
        9: "blank",
    }
    assert problems(results).tables == {"Blank samples of other splits": [{"Sample": Cell("v")}]}
    same = replace(results, alike=Alike(FOUND, BLANK, ["7", "8", "v"]))
    assert not_fine(same) == {"Blank samples": "3, all equal, labelled ant, bee and cat"}


def test_what_the_user_leaves_out_is_no_problem_any_more(with_problems):
    """Without 3 there is one label, without 5 nothing of train is in test, and 7 was the blank."""
    with_problems.is_excluded_N[[3, 5, 7]] = True
    assert not_fine(with_problems) == {"Samples in two splits": "1 group of nearly equal samples"}
    assert leaking(with_problems) == ["6"]
    assert broken(with_problems) == {}


def test_what_thumbnails_can_show_is_said(with_problems):
    found = replace(FOUND, method="thumbnails", threshold=0.98)
    note = problems(replace(with_problems, alike=Alike(found, GROUPED, []))).note
    assert "by thumbnails, which show what was saved anew, scaled or brightened" in note
    assert "with a cosine of 0.98 or more" in note


@pytest.mark.parametrize(
    ("task", "method", "said"),
    [
        ("vector_classification", "copies", "copies alone: so few numbers are nearly the same by"),
        ("vector_classification", "exact", "compared, each number scaled to mean 0 and deviation"),
        ("text_classification", "copies", "were compared, for copies alone"),
        ("image_classification", "copies", "of others with embeddings (embed.model)"),
        ("image_classification", "exact", "were compared: 6 have a near duplicate"),
    ],
)
def test_the_note_is_that_of_the_kind_of_inputs(with_problems, task, method, said):
    """Nobody is sent to embed.model who has no images."""
    params = with_problems.params.model_copy(update={"task": task})
    alike = Alike(replace(FOUND, method=method), [], [])
    note = problems(replace(with_problems, params=params, alike=alike)).note
    assert said in note
    assert ("embed.model" in note) == (said.endswith("(embed.model)"))
