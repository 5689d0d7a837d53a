"""Tests for commands/plan/graph.py: what DVC will do with each stage."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import toy

from commands.plan import graph
from stages.listing.__main__ import main as write_listing

# prepare - train - score - report, and evaluate, which reads what train and prepare write
ABOVE = {
    "report": ["score", "evaluate"],
    "evaluate": ["train", "prepare"],
    "score": ["train"],
    "train": ["prepare"],
    "prepare": [],
}

TABLES = [Path("data/listing.csv"), Path("data/weight_files.csv")]


def states(changes, cached=()):
    return {name: found[0] for name, found in graph.decide(ABOVE, changes, cached).items()}


def test_nothing_changed_nothing_runs():
    assert set(states({}).values()) == {"unchanged"}


def test_what_follows_from_a_changed_stage_follows_to_the_end():
    assert states({"score": ["acquisition"]}) == {
        "prepare": "unchanged",
        "train": "unchanged",
        "evaluate": "unchanged",
        "score": "changed",
        "report": "follows",
    }


def test_the_reason_is_what_changed_or_the_stage_above():
    found = graph.decide(ABOVE, {"train": ["train_ensemble", "data/x"]}, [])
    assert found["train"] == ("changed", "train_ensemble", True)
    assert found["score"] == ("follows", "train", False)
    assert found["report"] == ("follows", "score", False)


def test_a_stage_is_told_from_one_whose_inputs_will_change_too():
    found = graph.decide(ABOVE, {"train": ["a"], "score": ["b"]}, [])
    assert found["train"][2]
    assert found["score"] == ("changed", "b", False)


def test_missing_outputs_come_from_the_cache_where_it_has_them():
    assert states({"train": [], "score": []}, cached=["train"]) == {
        "prepare": "unchanged",
        "train": "restored",
        "evaluate": "unchanged",
        "score": "changed",
        "report": "follows",
    }


def test_what_comes_from_the_cache_runs_all_the_same_where_a_stage_above_does():
    assert states({"prepare": ["dataset"], "train": []}, cached=["train"])["train"] == "follows"


def test_a_missing_file_that_a_stage_writes_is_no_change_of_those_that_read_it():
    entries = [
        {"changed deps": {"data/a": "deleted", "data/b/c": "deleted", "code.py": "modified"}},
        {"changed deps": {"params.yaml": {"select.rule": "modified", "random_seed": "new"}}},
        {"changed outs": {"data/d": "deleted"}},
        "changed command",
    ]
    found = list(graph._changes(entries, {"data/a/part", "data/b"}))
    assert found == ["code.py", "select.rule", "random_seed", "command"]


def test_a_missing_file_of_the_users_is_a_change():
    entries = [{"changed deps": {"lists/seed.csv": "deleted"}}]
    assert list(graph._changes(entries, {"data/a"})) == ["lists/seed.csv"]


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (lambda: None, []),
        (lambda: Path("images/a/1.png").write_bytes(b"new"), ["files of the data set"]),
        (lambda: Path("images/a/2.png").write_bytes(b"one"), ["files of the data set"]),
        (lambda: Path("mine.pth").write_bytes(b"new"), ["files of weights"]),
        (lambda: Path("images").rename("away"), []),  # then what is prepared stays
        (lambda: Path("data/listing.csv").unlink(), []),  # it will be written again
    ],
)
def test_the_listing_counts_as_changed_where_the_files_have(
    tmp_path, monkeypatch, happens, expected
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))
    Path("images/a").mkdir(parents=True)
    Path("images/a/1.png").write_bytes(b"one")
    content = toy.default_params()
    content["dataset"] |= {"name": "imagefolder", "root": "images"}
    content["weights"] = {"resnet8": "mine.pth"}
    toy.write_params(tmp_path, content)
    Path("mine.pth").write_bytes(b"one")
    write_listing(*TABLES)
    known = [hashlib.md5(table.read_bytes()).hexdigest() for table in TABLES]

    happens()
    before = sorted(tmp_path.rglob("*"))
    assert list(graph._changes_of_files(listing_stage(*known))) == expected
    assert sorted(tmp_path.rglob("*")) == before


def test_a_listing_that_dvc_does_not_know_is_new():
    assert list(graph._changes_of_files(listing_stage(None, None))) == ["outputs"]


def listing_stage(*known):
    outs = [
        SimpleNamespace(hash_info=SimpleNamespace(value=value), def_path=str(table))
        for value, table in zip(known, TABLES, strict=True)
    ]
    return SimpleNamespace(outs=outs)
