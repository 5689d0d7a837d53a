"""Tests for stages/shared/running/timings.py."""

import hashlib
import json
from pathlib import Path

import pytest

from stages.shared.running import timings

EMPTY = hashlib.blake2b(b"", digest_size=4).hexdigest()  # of a params.yaml that is not there


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder, on a machine that is called `here`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(timings, "_machine", lambda: "here")
    monkeypatch.setattr(timings, "_noted", {})  # a stage is a process of its own
    return tmp_path


def stored():
    return json.loads(timings.PATH.read_text())


def test_each_stage_keeps_its_last_seconds_and_its_machine_by_name():
    timings.record("score@round0", 2.0)
    timings.record("prepare", 1.239)
    timings.record("score@round0", 3.0)

    assert stored() == {
        "prepare": {"seconds": 1.24, "machine": "here", "params": EMPTY},
        "score@round0": {"seconds": 3.0, "machine": "here", "params": EMPTY},
    }
    assert list(stored()) == ["prepare", "score@round0"]


def test_a_file_that_was_cut_short_is_begun_again():
    timings.PATH.parent.mkdir()
    timings.PATH.write_text('{"prepare": ')

    timings.record("score@round0", 2.0)

    assert list(stored()) == ["score@round0"]


def test_an_empty_entry_drops_what_stood_there_and_writes_no_file_for_nothing():
    timings.store("speedups", {})
    assert not timings.PATH.exists()

    timings.record("prepare", 1.0)
    timings.store("speedups", {"resnet8": {"full": 3.0}})
    assert stored()["speedups"] == {"resnet8": {"full": 3.0}}

    timings.store("speedups", {})
    assert list(stored()) == ["prepare"]


def test_seconds_come_in_the_order_in_which_stages_are_named():
    timings.record("prepare", 1.0)
    timings.record("score@round0", 2.0)

    assert timings.seconds_of(["score@round0", "prepare"]) == [2.0, 1.0]


def test_there_are_no_seconds_where_a_stage_has_none_or_ran_elsewhere(monkeypatch):
    assert timings.seconds_of(["prepare"]) == []
    timings.record("prepare", 1.0)
    assert timings.seconds_of(["prepare", "score@round0"]) == []
    monkeypatch.setattr(timings, "_machine", lambda: "there")
    timings.record("score@round0", 2.0)

    assert timings.seconds_of(["prepare", "score@round0"]) == []
    assert timings.seconds_of(["score@round0"]) == [2.0]


def test_seconds_of_a_run_with_another_params_yaml_are_not_added():
    """The run cache may have had the outputs since, and the entry is that of the run before."""
    Path("params.yaml").write_text("members: 4\n")
    timings.record("train_ensemble@round0", 9.0)
    timings.record("score@round0", 1.0)
    assert timings.seconds_of(["train_ensemble@round0", "score@round0"]) == [9.0, 1.0]

    Path("params.yaml").write_text("members: 1\n")
    timings.record("score@round0", 1.0)
    assert timings.seconds_of(["train_ensemble@round0", "score@round0"]) == []


def test_a_stage_that_found_members_finished_has_no_seconds_to_add():
    timings.note_members_found(0)
    timings.record("train_ensemble@round0", 9.0)
    assert timings.seconds_of(["train_ensemble@round0"]) == [9.0]

    timings.note_members_found(2)
    timings.record("train_ensemble@round0", 9.0)
    assert stored()["train_ensemble@round0"]["members_found"] == 2
    assert timings.seconds_of(["train_ensemble@round0"]) == []
