"""The table of the groceries: its settings are valid, and its differences are by hand."""

from pathlib import Path

import pytest

from benchmarks import groceries, groceries_runs, rows
from benchmarks.groceries_runs import Measured, Target, Work
from benchmarks.groceries_shown import difference, shown
from stages.shared.settings.params import load_params


def row(subset, size, seed, accuracy):
    keys = dict(zip(groceries.HEADER, ("heads", size, subset, seed, accuracy), strict=False))
    return {**keys, "updates": "600", "seconds": "2"}


def test_differences_are_of_the_seeds_that_both_have():
    assert difference({"0": 90.0, "1": 94.0, "2": 50.0}, {"0": 89.0, "1": 91.0}) == "+2.00 ± 12.71"
    assert difference({"0": 90.0}, {"0": 91.0, "1": 91.0}) == "\N{MINUS SIGN}1.00"
    assert difference({"0": 90.0}, {"1": 91.0}) == ""


def test_a_line_has_means_and_what_is_lost_by_leaving_out():
    found = [
        *(row("everything", "1.0", seed, "92") for seed in "01"),
        *(row("random", "0.5", seed, "88") for seed in "01"),
        row("selected", "0.5", "0", "91"),
    ]
    assert shown(found).splitlines()[2:] == [
        "| heads | 100 % | everything | 2 | 92.00 |  |  | 2.0 |",
        "| heads | 50 % | random | 2 | 88.00 |  | \N{MINUS SIGN}4.00 ± 0.00 | 2.0 |",
        "| heads | 50 % | selected | 1 | 91.00 | +3.00 | \N{MINUS SIGN}1.00 | 2.0 |",
    ]


@pytest.mark.parametrize(
    ("kind", "races"),
    [("heads", False), ("heads", True), ("fine_tuned", False), ("fine_tuned_updates", False)],
)
def test_the_settings_of_each_target_are_valid(kind, races, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Work, "__post_init__", lambda work: None)
    work = Work(tmp_path, tmp_path, Path("my.pth"))
    work._write(Target(kind, 0.25, "selected", 3), races=races)
    params = load_params()
    assert [draw.random_seed for draw in params.draws] == [3]
    assert bool(params.race.entrants) == races


def test_what_is_there_is_not_trained_again(tmp_path, monkeypatch):
    trained = []

    class Fake:
        def __init__(self, *paths):
            pass

        def measured(self, target):
            trained.append(target)
            return Measured(90.0, 63)

    monkeypatch.setattr(groceries, "Work", Fake)
    asked = ["heads", "--images", ".", "--weights", "x", "--out", str(tmp_path), "--sizes", "0.5"]
    groceries.main([*asked, "--seeds", "1"])
    groceries.main([*asked, "--seeds", "2"])
    assert [target.seed for target in trained] == [0] * 4 + [1] * 4
    assert len(rows.load(next(tmp_path.iterdir()))) == 8


def test_the_updates_of_everything_are_those_of_its_epochs():
    assert groceries_runs.UPDATES == groceries_runs.EPOCHS * 63  # batches of 32 that hold 2,014
