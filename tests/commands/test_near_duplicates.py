"""The command `near_duplicates`: the next run obeys the lists that it writes."""

from pathlib import Path

import pytest

from commands import near_duplicates
from stages.shared import artifacts
from stages.shared.artifacts.duplicate_groups import Found, Grouped, save_found
from stages.shared.datasets.reading.splits import load_groups

NUMBERS = [0.95, 1.0, 6, 4, 2, 2, 1, 1, 0, 0, 0]
FOUND = [
    Grouped("a", "train", "x", 0, ""),
    Grouped("d", "test", "x", 0, ""),
    Grouped("b, 2", "train", "x", 1, ""),
    Grouped("c", "train", "y", 1, ""),
]
IDS = ["a", "b, 2", "c", "d", "e", "f"]


@pytest.fixture
def found_of_a_run(project):
    """The toy project where six samples were looked at."""
    for split, ids in {"train": IDS[:3], "validation": IDS[4:], "test": IDS[3:4]}.items():
        artifacts.save_sample_ids(Path("data/prepared"), split, ids)
    save_found(Path("data/near_duplicates"), Found("exact", *NUMBERS), FOUND, [])
    artifacts.save_table(Path("lists/groups.csv"), near_duplicates.HEADER, [])
    return project


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["near_duplicates", *arguments])
    near_duplicates.main()


def groups():
    return dict(zip(IDS, load_groups(Path("lists/groups.csv"), Path(), IDS), strict=True))


def test_every_sample_gets_a_group_which_prepare_reads(found_of_a_run, monkeypatch, capsys):
    run(monkeypatch)
    assert groups() == {"a": "a", "b, 2": "b, 2", "c": "b, 2", "d": "a", "e": "e", "f": "f"}
    assert capsys.readouterr().out == "lists/groups.csv: 2 groups of two or more samples\n"
    run(monkeypatch)  # once more changes nothing
    assert groups()["d"] == "a"


def test_groups_that_were_listed_before_are_joined_with_those_that_were_found(
    found_of_a_run, monkeypatch
):
    listed = [(name, {"c": "film", "e": "film", "f": "other"}.get(name, name)) for name in IDS]
    artifacts.save_table(Path("lists/groups.csv"), near_duplicates.HEADER, listed)
    run(monkeypatch)
    found = groups()
    assert found["b, 2"] == found["c"] == found["e"]
    assert len(set(found.values())) == 3


def test_train_samples_that_are_in_another_split_too_are_left_out(
    found_of_a_run, monkeypatch, capsys
):
    found_of_a_run.write_list("exclude", ["mine"])
    for added in (1, 0):
        run(monkeypatch, "--leave-out")
        assert capsys.readouterr().out == f"lists/exclude.csv: {added} samples added\n"
    rows = artifacts.load_table(Path("lists/exclude.csv"), ["sample_id", "reason"])
    assert rows == [["mine", "because"], ["a", "near duplicate of d"]]


def test_a_sample_that_must_be_in_every_subset_is_not_left_out(found_of_a_run, monkeypatch, capsys):
    found_of_a_run.write_list("include", ["a"])
    run(monkeypatch, "--leave-out")
    assert capsys.readouterr().out == "lists/exclude.csv: 0 samples added\n"
