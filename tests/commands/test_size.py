"""The command `size`: the verdict's words, and a table of bands."""

import pytest

import commands.size
from commands.size import told
from stages.shared.errors import ArtifactError, UserError


@pytest.fixture
def four_sizes(run, add_compared):
    for name, picks in (("selected-0.125", 10), ("selected-0.2", 16)):
        add_compared(name, picks)
    return run


def test_sizes_that_are_asked_for_have_a_band_and_those_that_were_measured_a_value(four_sizes):
    lines = list(told(["60", "0.5"]))
    assert lines[0].startswith("How much data: ")
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[-1].splitlines()]
    selected = {row[3]: row for row in table if row[2] == "selected" and row[0] == "resnet8"}
    assert list(selected) == ["10", "16", "20", "40", "60", "80", "160"]
    assert selected["60"][4:6] == ["75 %", ""]
    assert selected["40"][4] == "50 %"
    assert selected["20"][5] == "90.00"
    low, high = map(float, selected["60"][6].split(" to "))
    assert 50 < low < high <= 100


def test_without_bands_it_says_that_it_cannot_tell_of_what_was_not_measured(run):
    assert list(told(["60", "20", "70", "60"]))[-1] == (
        "Of 60, 70 samples nothing can be said yet."
    )
    assert list(told(["20"]))[-1].startswith("| model")


@pytest.mark.parametrize("size", ["-3", "0", "many", "nan", "inf", "0.001", "9" * 26, "1e300"])
def test_a_size_that_is_none_is_refused_in_one_line(four_sizes, size):
    with pytest.raises(UserError, match=r"\bsize\b|finite"):
        list(told([size]))


def test_the_command_line_prints_it(four_sizes, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["commands.size", "60"])
    commands.size.main()
    assert "| resnet8 " in capsys.readouterr().out


def test_a_command_to_copy_is_one_line_however_long(run, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["commands.size"])
    commands.size.main()
    [line] = [line for line in capsys.readouterr().out.splitlines() if "dvc exp run" in line]
    assert len(line) > 100
    assert line.endswith("]'")


def test_what_is_missing_is_named(four_sizes):
    (four_sizes.folders.prepared / "meta.json").unlink()
    with pytest.raises(ArtifactError, match=r"meta\.json"):
        list(told([]))
