"""Tests for stages/shared/running/timings.py."""

import json
import math
import shutil
from pathlib import Path

import pytest

from stages.shared.running import timings
from stages.shared.running.timings import StageTiming, Timing


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder, on a machine that is called `here`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))
    monkeypatch.setattr(timings, "machine", lambda: "here")
    begin_a_stage(monkeypatch)
    return tmp_path


def begin_a_stage(monkeypatch):
    """As a process of its own would."""
    monkeypatch.setattr(timings, "_noted", timings._Noted())


def stored():
    return json.loads(timings.PATH.read_text())


def write_lock(**digests):
    """Write what DVC writes of stages with one output each."""
    text = "schema: '2.0'\nstages:\n"
    for stage, digest in digests.items():
        name = stage.replace("_at_", "@")
        text += f"  {name}:\n    cmd: python -m x\n    deps:\n    - path: a\n      md5: 0\n"
        text += "    params:\n      params.yaml:\n        select:\n          rule: top\n"
        text += f"    outs:\n    - path: data/{name}\n      hash: md5\n      md5: {digest}\n"
    timings.LOCK.write_text(text)


def test_each_stage_keeps_its_last_seconds_and_its_machine_by_name():
    timings.record("score@round0", 2.0)
    timings.record("prepare", 1.239)
    timings.record("score@round0", 3.0)

    assert stored() == {
        "prepare": {"seconds": 1.24, "machine": "here"},
        "score@round0": {"seconds": 3.0, "machine": "here"},
    }
    assert list(stored()) == ["prepare", "score@round0"]


@pytest.mark.parametrize("text", ['{"prepare": ', "[]", '{"speedups": {"resnet8": {"full": 1.0}}}'])
def test_a_file_that_was_cut_short_or_holds_other_things_is_begun_again(text):
    timings.PATH.parent.mkdir()
    timings.PATH.write_text(text)

    timings.record("score@round0", 2.0)

    assert list(stored()) == ["score@round0"]


# --- trainings -----------------------------------------------------------------------------------


def test_what_a_training_took_lies_beside_what_it_made(folder):
    timings.save(folder, 1.23456, 2)

    assert timings.load(folder) == Timing(1.235, 2, "here")
    assert timings.load(folder / "of an older version") is None


def test_a_stage_has_the_seconds_of_all_its_trainings_whenever_they_were_made():
    timings.note_trainings([Timing(4.0, 1, "here"), Timing(6.0, 1, "here")], 1, 6.5)
    timings.record("train_ensemble@round0", 9.0)

    entry = stored()["train_ensemble@round0"]
    assert entry["trainings"] == [4.0, 6.0]
    assert (entry["without_trainings"], entry["members_found"]) == (2.5, 1)
    found = timings.of_workspace()["train_ensemble@round0"]
    # 2.5 seconds to start and to write, 4 and 6 to train one after the other.
    assert (found.cost, found.training) == (12.5, 5.0)


def test_a_stage_may_train_in_several_goes():
    timings.note_trainings([Timing(4.0, 1, "here")], 0, 4.5)
    timings.note_trainings([Timing(6.0, 1, "here")], 0, 6.5)
    timings.record("race", 12.0)

    assert timings.of_workspace()["race"].cost == 1.0 + 4.0 + 6.0


def test_without_the_seconds_of_a_training_the_stage_has_no_cost():
    timings.note_trainings([Timing(4.0, 1, "here"), None], 2, 0.0)
    timings.record("train_ensemble@round0", 9.0)

    found = timings.of_workspace()["train_ensemble@round0"]
    assert math.isnan(found.cost)
    assert found.training == 4.0
    # As files of an older version say it.
    assert math.isnan(StageTiming(9.0, "here", members_found=2).cost)


def test_a_stage_names_all_machines_that_it_trained_on():
    timings.note_trainings([Timing(4.0, 1, "there"), Timing(4.0, 1, "here")], 1, 4.0)
    timings.record("train_ensemble@round0", 9.0)

    assert stored()["train_ensemble@round0"]["machine"] == "here; there"


# --- what was written in them --------------------------------------------------------------------


def test_seconds_are_of_the_outputs_that_the_stage_wrote_in_them(monkeypatch):
    """DVC may since have taken others from its cache, and these again."""
    timings.record("score@round0", 2.0)
    write_lock(score_at_round0="a")  # as DVC does when the stage has ended
    timings.record("select@round0", 1.0)
    timings.record("score@round0", 30.0)
    write_lock(score_at_round0="b", select_at_round0="c")
    timings.record("report", 5.0)
    assert timings.of_workspace()["score@round0"].seconds == 30.0

    write_lock(score_at_round0="a", select_at_round0="c")
    assert timings.of_workspace()["score@round0"].seconds == 2.0
    timings.record("report", 5.0)
    assert {name: entry["seconds"] for name, entry in stored().items()} == {
        "report": 5.0,
        "score@round0": 2.0,
        "select@round0": 1.0,
    }

    write_lock(score_at_round0="never seen here", select_at_round0="c")
    assert "score@round0" not in timings.of_workspace()


def write_run(evaluated, reported):
    """Write what DVC writes of an evaluation and of the report, which reads its folder."""
    timings.LOCK.write_text(
        "stages:\n  evaluate:\n    cmd: x\n    outs:\n    - path: data/evaluation/full\n"
        f"      hash: md5\n      md5: {evaluated}\n"
        "  report:\n    cmd: x\n    deps:\n    - path: data/evaluation\n      md5: 0\n"
        f"    outs:\n    - path: plots\n      md5: {reported}\n"
    )


def test_the_last_stages_seconds_are_of_no_other_run_that_is_checked_out_then():
    """Nothing has run since the report, so that its seconds had no name of its outputs yet."""
    write_run("a", "old")
    timings.record("report", 5.0)
    write_run("b", "of another run")
    assert timings.of_workspace() == {}
    write_run("a", "new")
    assert timings.of_workspace()["report"].seconds == 5.0
    write_run("b", "of another run")
    assert timings.of_workspace() == {}


def test_seconds_of_a_stage_that_reads_other_files_than_before_are_kept(monkeypatch):
    """As after another preset: until the stage has ended dvc.lock has what the last one read."""
    lock = (
        "stages:\n  prepare:\n    cmd: p\n    outs:\n    - path: data/{0}\n      md5: {0}\n"
        "  score@round0:\n    cmd: python -m stages.score\n      data/{0} out\n    deps:\n"
        "    - path: data/{0}\n      md5: {0}\n    outs:\n    - path: out\n      md5: {0}\n"
    )
    timings.LOCK.write_text(lock.format(1))
    timings.record("score@round0", 2.0, ["data/2", "out"])
    timings.LOCK.write_text(lock.format(2))
    timings.record("report", 1.0)
    assert timings.of_workspace()["score@round0"].seconds == 2.0
    begin_a_stage(monkeypatch)
    timings.record("score@round0", 3.0, ["data/2", "out"])
    timings.LOCK.write_text(lock.format(1))  # another run was checked out
    assert "score@round0" not in timings.of_workspace()


def test_an_experiment_in_a_folder_of_its_own_finds_them(folder, monkeypatch):
    timings.record("score@round0", 2.0)
    write_lock(score_at_round0="a")
    timings.record("report", 5.0)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(timings.LOCK, elsewhere)
    monkeypatch.chdir(elsewhere)

    assert timings.of_workspace() == timings.of_lock(Path("dvc.lock"))
    assert timings.of_workspace()["score@round0"] == StageTiming(2.0, "here")


def test_the_outputs_of_a_stage_are_the_lines_of_the_lock_and_nothing_else_of_it():
    write_lock(score_at_round0="a", select_at_round0="b")
    before = timings._written()
    assert before.keys() == {"score@round0", "select@round0"}

    timings.LOCK.write_text(timings.LOCK.read_text().replace("rule: top", "rule: k_centers"))
    assert timings._written() == before
    write_lock(score_at_round0="a", select_at_round0="c")
    assert timings._written()["score@round0"] == before["score@round0"]
    assert timings._written()["select@round0"] != before["select@round0"]


def test_the_machine_names_processor_cores_device_and_versions(monkeypatch):
    monkeypatch.undo()  # its own name
    monkeypatch.setenv("SUBSET_DEVICE", "cpu")
    monkeypatch.setenv("SUBSET_CORES", "3")

    processor, cores, device, python, torch = timings.machine().split(", ")

    assert processor
    assert (cores, device) == ("3 cores", "cpu")
    assert (python.split()[0], torch.split()[0]) == ("Python", "torch")
