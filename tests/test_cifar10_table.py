"""Tests for benchmarks/cifar10_table.py: what is counted, by hand, and what is not run again."""

from dataclasses import astuple

import pytest

from benchmarks import cifar10_table, rows, stages_here
from benchmarks.cifar10_runs import Cell, Found
from benchmarks.cifar10_table import HEADER, difference, main, table


def found(arm, seed, accuracy, training=10.0, search=0.0, budget=0.5):
    of = Found("airbench", 10, budget, arm, "epochs", seed, 5, 2, accuracy, training, search)
    return dict(zip(HEADER, map(str, astuple(of)), strict=True))


def test_differences_are_paired_by_seed_and_costs_are_in_trainings_on_everything():
    """Selected minus random 1 and 2: mean 1.5, sd 0.7071, error 0.5, t 12.706. (10 + 4) / 20."""
    shown = table(
        [
            *(found("everything", seed, 95.0, 20.0, budget=1.0) for seed in (0, 1)),
            *(found("random", seed, 90.0 + seed) for seed in (1, 0)),
            found("selected", 0, 91.0, search=4.0),
            found("selected", 1, 93.0, search=4.0),
        ]
    ).splitlines()

    assert shown[2:] == [
        "| `airbench`, 10 | 50% | random | epochs | 2 | 90.50 |  | -4.50 ± 6.35 | 0.50 | 94.30 |",
        "| `airbench`, 10 | 50% | selected | epochs | 2 | 92.00 | +1.50 ± 6.35 | -3.00 ± 12.71 "
        "| 0.70 | 96.30 |",
        "| `airbench`, 10 | 100% | everything | epochs | 2 | 95.00 |  |  | 1.00 | 96.18 |",
    ]


def test_a_seed_without_its_pair_has_no_difference():
    here = {"0": found("selected", 0, 91.0), "1": found("selected", 1, 80.0)}

    assert difference(here, {"0": found("random", 0, 90.5)}) == "+0.50"
    assert difference(here, {}) == ""


@pytest.fixture
def series(tmp_path, monkeypatch):
    """Return the command's arguments, and what it trains."""
    trained = []

    def target(cell, arm, length):
        trained.append((cell.seed, cell.budget, arm, length))
        budget = 1.0 if arm == "everything" else cell.budget
        return Found(cell.model, cell.epochs, budget, arm, length, cell.seed, 1, 1, 50.0, 1.0, 0.0)

    monkeypatch.setattr(Cell, "target", target)
    monkeypatch.setattr(stages_here, "enter", lambda *_: None)
    return ["--out", str(tmp_path / "out.csv"), "--budgets", "0.5", "0.1"], trained


def test_rows_are_added_as_they_are_finished_and_not_made_again(series):
    arguments, trained = series
    asked = ["--arms", "random", "--lengths", "epochs"]

    main([*arguments, *asked, "--seeds", "0"])
    assert trained == [(0, 0.5, "everything", "epochs"), *_random(0)]
    main([*arguments, *asked, "--seeds", "0", "1"])

    assert trained[3:] == [(1, 0.5, "everything", "epochs"), *_random(1)]
    kept = rows.load(cifar10_table._parse(arguments).out)
    assert [(row["seed"], row["budget"]) for row in kept] == [
        (seed, budget) for seed in "01" for budget in ("1.0", "0.5", "0.1")
    ]


def _random(seed):
    return [(seed, budget, "random", "epochs") for budget in (0.5, 0.1)]


def test_what_there_is_can_be_shown_alone(series, capsys):
    arguments, trained = series
    main([*arguments, "--show"])
    assert trained == []
    assert capsys.readouterr().out.startswith("| target, epochs |")


def test_a_race_that_hands_on_what_was_selected_needs_no_target_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = Cell("airbench", 1, 0.5, 0, ())
    for arm, subset in (("random", "1"), ("selected", "2"), ("race", "2")):
        path = cell._subset(arm)
        path.parent.mkdir(parents=True)
        path.write_text(subset)
    arms = ("random", "selected", "race")
    assert [*map(cell._first_with_the_subset_of, arms)] == ["random", "selected", "selected"]
    cell._subset("race").write_text("3")
    assert cell._first_with_the_subset_of("race") == "race"
