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


def groups(root="."):
    return dict(zip(IDS, load_groups(Path("lists/groups.csv"), Path(root), IDS), strict=True))


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


@pytest.mark.parametrize(
    "form", ["./{}", "images/{}", "/data/images/{}", "file:///data/images/{}", " {}"]
)
def test_listed_names_are_known_in_every_form_in_which_prepare_knows_them(
    found_of_a_run, monkeypatch, form
):
    found_of_a_run.change({"dataset.root": "/data/images"})
    listed = [(form.format(name), "film" if name in "cef" else f"{name} ") for name in IDS]
    listed[IDS.index("f")] = ("f", " film")
    artifacts.save_table(Path("lists/groups.csv"), near_duplicates.HEADER, listed)
    assert groups("/data/images")["e"] == "film"
    run(monkeypatch)
    assert groups("/data/images") == {
        **{"a": "a", "d": "a"},
        **dict.fromkeys(["b, 2", "c", "e", "f"], "b, 2"),
    }
    names = [name for name, _ in artifacts.load_table(Path("lists/groups.csv"), ["path", "group"])]
    assert sorted(names) == IDS


def test_a_line_without_a_group_joins_nothing(found_of_a_run, monkeypatch, capsys):
    Path("lists/groups.csv").write_text("path,group\ne,\nf,\n")
    with pytest.raises(SystemExit):
        run(monkeypatch)
    assert "groups.csv: line 2 has no group" in capsys.readouterr().err
    assert Path("lists/groups.csv").read_text() == "path,group\ne,\nf,\n"


@pytest.mark.parametrize("arguments", [[], ["--leave-out"]])
def test_what_was_found_of_a_sample_that_is_gone_is_refused(
    found_of_a_run, monkeypatch, capsys, arguments
):
    artifacts.save_sample_ids(Path("data/prepared"), "test", [])
    with pytest.raises(SystemExit):
        run(monkeypatch, *arguments)
    assert capsys.readouterr().err == (
        "error: data/near_duplicates/groups.csv: names 'd', which is no sample of data/prepared; "
        "run `dvc repro`\n"
    )


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
