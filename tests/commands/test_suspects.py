"""The command `suspects`: the next selection obeys the list that it writes."""

import re
from pathlib import Path

import numpy as np
import pytest

from commands import suspects
from stages.report.samples import suspected
from stages.select.__main__ import main as select
from stages.shared import artifacts
from stages.shared.errors import ArtifactError
from stages.shared.settings.params import load_params

COLUMNS = ["sample_id", "reason"]
HEADER = "sample_id,reason\n"


@pytest.fixture
def suspicious(run):
    """A run with outliers and contradicted labels, of samples with odd names."""
    run.set(select__outliers={"fraction": 0.05})
    ids = [f"a, {row}.png" if row % 2 else f"ü{row}\udcff.png" for row in range(80)]
    artifacts.save_sample_ids(run.folders.prepared, "train", ids)
    signals = run.folders.signals / "0.125/seed-0"
    targets_N = artifacts.load_targets(run.folders.prepared, "train")
    votes_MN = np.array(np.load(signals / "votes_MN.npy"))
    votes_MN[:, :6] = (targets_N[:6] + 1) % 3
    artifacts.save_array(signals / "votes_MN.npy", votes_MN)
    artifacts.save_array(signals / "predicted_class_N.npy", votes_MN[0])
    confidence_N = np.where(np.arange(80) < 6, 0.99, 0.5).astype(np.float32)
    artifacts.save_array(signals / "confidence_N.npy", confidence_N)
    return run


def add(run, into="lists/exclude.csv"):
    """Write what the report finds, and add it to a list."""
    suspected.save_suspects(Path("plots/suspects.csv"), run.draws())
    found = suspects.read(Path("plots/suspects.csv"))
    return suspects.add(found, Path(into), suspects.wanted(load_params()))


def test_the_next_round_takes_none_of_those_that_were_added_to_the_list(suspicious):
    folders = suspicious.folders
    found = dict(suspected.suspects(suspicious.draws()))
    ids = artifacts.load_sample_ids(folders.prepared, "train")
    assert {ids[row] for row in range(6)} < set(found)

    assert add(suspicious) == len(found)

    old, new = folders.subsets / "0.125", Path("new")
    read = (folders.signals / "0.125", folders.dynamics / "0.125", folders.scores / "0.125")
    groups = Path("groups")
    select("0.125", "0.25", folders.prepared, *read, old, groups, new, Path("order"))
    before, after = (
        artifacts.load_subset(path, 80).index_P
        for path in (old / "seed-0.csv", new / "seed-0/top.csv")
    )
    chosen = {ids[row] for row in after.tolist()} - {ids[row] for row in before.tolist()}
    assert len(chosen) == 10
    assert not set(found) & chosen
    assert all(suspicious.results().is_excluded_N[ids.index(name)] for name in found)


def test_the_reasons_name_label_prediction_quality_and_score(suspicious):
    reasons = [reason for _, reason in suspected.suspects(suspicious.draws())]
    assert re.fullmatch(
        r"likely label error: labelled (ant|bee|cat) and predicted (ant|bee|cat) "
        r"\(label quality 0\.\d{3}\)",
        reasons[0],
    )
    assert re.fullmatch(r"outlier: score 0\.\d+ in the round to 0\.25", reasons[-1])


def test_a_list_keeps_what_is_on_it_and_takes_nothing_twice(suspicious):
    path = Path("lists/exclude.csv")
    add(suspicious)
    path.write_text(f'{HEADER}"a, 3.png",mine\n')
    found = [row[0] for row in artifacts.load_table(Path("plots/suspects.csv"), COLUMNS)]
    assert "a, 3.png" in found

    for expected in (len(found) - 1, 0):
        added = suspects.add(
            suspects.read(Path("plots/suspects.csv")), path, suspects.wanted(load_params())
        )
        assert added == expected
    rows = artifacts.load_table(path, COLUMNS)
    assert rows[0] == ["a, 3.png", "mine"]
    assert sorted(row[0] for row in rows) == sorted(found)


def test_a_sample_that_was_found_twice_is_added_once_so_that_the_list_can_be_read(run):
    """As where two tables were put together, or spaces stand around a name."""
    Path("found.csv").write_text(f"{HEADER}3,blank\n3,copy\n 3,x\n 4,x\n5,x\n")
    path = Path("lists/exclude.csv")
    path.write_text(f"{HEADER}4,mine\n")
    assert suspects.add(suspects.read(Path("found.csv")), path, []) == 2
    assert path.read_text() == f"{HEADER}4,mine\n3,blank\n5,x\n"
    assert len(artifacts.load_sample_list(path, COLUMNS, ["3", "4", "5"])) == 3


def test_what_the_user_includes_is_not_added_and_a_missing_list_is_made(suspicious):
    Path("lists/include.csv").write_text(f'{HEADER}"a, 3.png",mine\n')
    add(suspicious, "lists/new.csv")
    added = [row[0] for row in artifacts.load_table(Path("lists/new.csv"), COLUMNS)]
    assert added == [
        name for name, _ in suspected.suspects(suspicious.draws()) if name != "a, 3.png"
    ]


def test_what_the_search_starts_from_is_not_added(suspicious):
    """One list may not name what the other leaves out: the next run would end at once."""
    Path("lists/seed.csv").write_text('sample_id\n"a, 3.png"\n')
    add(suspicious, "lists/new.csv")
    assert "a, 3.png" in dict(suspected.suspects(suspicious.draws()))
    added = [row[0] for row in artifacts.load_table(Path("lists/new.csv"), COLUMNS)]
    assert added
    assert "a, 3.png" not in added


def test_another_table_is_not_written_over(suspicious):
    path = Path("lists/labels.csv")
    path.write_text("label\n")
    with pytest.raises(ArtifactError, match="its first line is label"):
        add(suspicious, path)
    assert path.read_text() == "label\n"


def test_the_command_says_how_many_it_added(suspicious, monkeypatch, capsys):
    suspected.save_suspects(Path("plots/suspects.csv"), suspicious.draws())
    arguments = ["suspects", "plots/suspects.csv", "lists/exclude.csv"]
    monkeypatch.setattr("sys.argv", arguments)
    num = len(list(suspected.suspects(suspicious.draws())))
    suspects.main()
    assert capsys.readouterr().out == f"lists/exclude.csv: {num} samples added\n"


def test_lists_that_the_page_saved_are_added_to_the_users_own(run):
    Path("exclude.csv").write_text(f'{HEADER}"a, 1.png",looked at\n7,looked at\n')
    Path("include.csv").write_text(f"{HEADER}3,looked at\n")
    include = Path("lists/include.csv")
    for name in ("exclude.csv", "include.csv"):
        assert (
            suspects.add(
                suspects.read(Path(name)), Path("lists", name), suspects.wanted(load_params())
            )
            > 0
        )
    assert [row[0] for row in artifacts.load_table(Path("lists/exclude.csv"), COLUMNS)] == [
        "a, 1.png",
        "7",
    ]
    assert [row[0] for row in artifacts.load_table(include, COLUMNS)] == ["3"]
