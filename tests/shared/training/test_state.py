"""Saved states, in training and in members: a killed training goes on to the same bytes."""

import errno
import json
import os
import time
from dataclasses import replace

import interrupted
import pytest
import torch
import toy
from interrupted import KilledError
from safetensors.torch import load_file, save_file

from stages.shared import artifacts
from stages.shared.artifacts import Epoch
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.members import saved_states
from stages.shared.members.saved_states import SavedStates, load_state, save_state
from stages.shared.training.job import Job
from stages.shared.training.state import Saved, joined, part_of

ONE_CYCLE = {"name": "one_cycle", "peak_at": 0.25, "start": 0.1}
PLATEAU = {"name": "plateau", "patience": 1, "factor": 0.1}


@pytest.fixture(autouse=True)
def saved_after_each_epoch(monkeypatch):
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")


@pytest.fixture
def make_job(prepared):
    def make(index=range(30), track="none", **changes) -> Job:
        usual = {
            "length": {"epochs": 4},
            "batch_size": 16,
            "validations": 2,
            "checkpoints": {"last": 2, "every": 2, "best": True},
        }
        settings = toy.training(**usual | changes)
        return toy.job(prepared, settings, index, model="resnet8_quarter", member=1, track=track)

    return make


@pytest.fixture
def partial(tmp_path):
    return tmp_path / "partial"


SETTINGS = {
    "one cycle, gradient norms, duplicates, error of an early epoch": {
        "length": {"epochs": 3},
        "schedule": ONE_CYCLE,
        "track": "gradient_norm",
        "index": [*range(20), 3, 3, 7, 19],
        "el2n_epoch": 2,
    },
    "length in updates, whitened first layer, bf16": {
        "length": {"updates": 5},
        "first_layer": "whitened",
        "precision": "bf16",
    },
}


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=SETTINGS)
def test_a_training_killed_after_each_epoch_gives_the_bytes_of_an_undisturbed_one(
    make_job, tmp_path, changes
):
    assert interrupted.require_the_same_in_parts(make_job(**changes), tmp_path) == [1, 2, 3]


def test_a_plateau_that_was_waited_for_in_parts_ends_the_training_where_it_did(make_job, tmp_path):
    """Its schedule drops the rate and ends the training by what it saw in earlier epochs."""
    job = make_job(schedule=PLATEAU, validations="every_epoch", length={"epochs": 200})
    epochs = interrupted.require_the_same_in_parts(job, tmp_path)
    assert epochs == list(range(1, len(epochs) + 1))
    assert 4 < len(epochs) < 200


def test_a_fine_tuned_member_goes_on_from_its_own_weights(make_job, tmp_path):
    interrupted.train(make_job(length={"epochs": 1}), tmp_path / "source", None, lambda _: None)
    weights = sorted((tmp_path / "source").rglob("*.safetensors"))[-1]
    job = make_job(index=range(5, 35), length={"epochs": 2})
    job = replace(job, initial_weights=weights)
    assert interrupted.require_the_same_in_parts(job, tmp_path) == [1, 2]


def killed(job, folder, states, after=2):
    def die(epoch):
        if epoch.epoch == after:
            raise KilledError

    with pytest.raises(KilledError):
        interrupted.train(job, folder, states, die)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def without_a_tensor(folder):
    tensors = load_file(folder / saved_states.TENSORS)
    save_file(dict(list(tensors.items())[1:]), folder / saved_states.TENSORS)


def with_index(folder, **changes):
    content = artifacts.load_json(folder / saved_states.INDEX)
    artifacts.save_json(folder / saved_states.INDEX, content | changes)


DAMAGE = {
    "tensors cut short": lambda folder: truncate(folder / saved_states.TENSORS),
    "index cut short": lambda folder: truncate(folder / saved_states.INDEX),
    "index of another form": lambda folder: with_index(folder, files=3),
    "no history": lambda folder: with_index(folder, history=[]),
    "no index": lambda folder: (folder / saved_states.INDEX).unlink(),
    "a tensor is missing": without_a_tensor,
    "kept weights cut short": lambda folder: truncate(next(folder.glob("kept/*/*"))),
    "kept weights missing": lambda folder: next(folder.glob("kept/*/*")).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_state_is_dropped_with_one_line(make_job, tmp_path, partial, capsys, damage):
    killed(make_job(), tmp_path / "a", SavedStates(partial, "toy"))
    (folder,) = partial.iterdir()
    damage(folder)

    assert SavedStates(partial, "toy").newest is None

    assert not folder.exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(str(folder))
    assert "dropped" in line


def test_after_a_damaged_state_the_training_goes_on_from_the_one_before(
    make_job, tmp_path, partial, capsys
):
    killed(make_job(), tmp_path / "a", SavedStates(partial, "toy"), after=1)
    (first,) = partial.iterdir()
    kept_aside = tmp_path / "aside"
    first.rename(kept_aside)
    killed(make_job(), tmp_path / "b", SavedStates(partial, "toy"), after=3)
    truncate(partial / "toy-000003" / saved_states.TENSORS)
    kept_aside.rename(first)

    newest = SavedStates(partial, "toy").newest

    assert [epoch.epoch for epoch in newest.history] == [1]
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_damaged_state_leaves_the_bytes_as_they_are(make_job, tmp_path, partial):
    whole = interrupted.train(make_job(), tmp_path / "whole", None, lambda epoch: None)
    killed(make_job(), tmp_path / "a", SavedStates(partial, "toy"))
    truncate(next(partial.iterdir()) / saved_states.TENSORS)
    trained = []

    again = interrupted.train(
        make_job(), tmp_path / "b", SavedStates(partial, "toy"), trained.append
    )

    assert [epoch.epoch for epoch in trained] == [1, 2, 3, 4]
    interrupted.require_equal(whole, again)


def test_what_the_disk_does_not_take_stops_no_training(
    make_job, tmp_path, partial, monkeypatch, capsys
):
    def full(folder, saved, seconds):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved_states, "save_state", full)
    job = make_job(length={"epochs": 1}, validations=1)

    interrupted.train(job, tmp_path / "a", SavedStates(partial, "toy"), lambda epoch: None)

    assert "is not saved ([Errno 28] No space left" in capsys.readouterr().err
    assert not list(partial.iterdir())


def test_only_the_newest_state_is_kept_and_a_training_of_another_name_is_left_alone(
    make_job, tmp_path, partial
):
    killed(make_job(), tmp_path / "a", SavedStates(partial, "one"), after=1)
    killed(make_job(), tmp_path / "b", SavedStates(partial, "two"), after=3)

    assert {path.name for path in partial.iterdir()} == {"one-000001", "two-000003"}
    SavedStates(partial, "two").drop()
    assert {path.name for path in partial.iterdir()} == {"one-000001"}


def test_a_slower_process_removes_nothing_that_a_faster_one_saved(make_job, tmp_path, partial):
    slow, fast = SavedStates(partial, "toy"), SavedStates(partial, "toy")
    assert slow.newest is None, "it begins before anything is saved"
    killed(make_job(), tmp_path / "fast", fast, after=3)

    killed(make_job(), tmp_path / "slow", slow, after=2)
    assert len(SavedStates(partial, "toy").newest.history) == 3

    fast.drop()  # it is finished, and the slower one goes on
    before = make_job()
    interrupted.train(before, tmp_path / "slow again", slow, lambda epoch: None)
    assert {path.name for path in partial.iterdir()} == {"toy-000004"}


def test_a_state_that_vanishes_while_it_is_read_is_no_damage(
    make_job, tmp_path, partial, monkeypatch, capsys
):
    killed(make_job(), tmp_path / "a", SavedStates(partial, "toy"))
    (folder,) = partial.iterdir()

    def overtaken(found):
        if found == folder and found.exists():
            found.rename(partial / "toy-000003")  # as if another process had just saved it
        return load_state(found)

    monkeypatch.setattr(saved_states, "load_state", overtaken)

    assert len(SavedStates(partial, "toy").newest.history) == 2
    assert capsys.readouterr().err == ""


def test_a_state_that_cannot_be_linked_for_good_is_an_error_and_no_endless_loop(
    make_job, tmp_path, partial, monkeypatch
):
    killed(make_job(), tmp_path / "a", SavedStates(partial, "toy"))

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saved_states, "link", full)
    (tmp_path / "b").mkdir()

    with pytest.raises(OSError, match="No space left"):
        SavedStates(partial, "toy").take(tmp_path / "b")


def test_a_short_training_saves_nothing(make_job, tmp_path, partial, monkeypatch):
    monkeypatch.delenv("SUBSET_SAVE_EVERY_S")

    killed(make_job(), tmp_path / "a", SavedStates(partial, "toy"), after=3)

    assert not partial.exists()


def test_states_are_saved_so_many_seconds_apart(make_job, tmp_path, partial, monkeypatch):
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "2.5")
    clock = iter([0.0, 2.0, 3.0, 3.5, 5.0, 6.5, 7.0])  # begin; then each epoch, and after a state
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    states, saved = SavedStates(partial, "toy"), []

    def note(epoch):
        saved.extend(path.name for path in partial.glob("*") if path.name not in saved)

    interrupted.train(make_job(), tmp_path / "a", states, note)

    assert saved == ["toy-000002", "toy-000004"]


def test_the_seconds_of_a_training_that_goes_on_are_those_of_all_its_parts(
    make_job, tmp_path, partial, monkeypatch
):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def pass_and_die(epoch):
        clock[0] += 7.0  # after the state was saved: lost with the process
        raise interrupted.KilledError

    first = SavedStates(partial, "toy")
    clock[0] = 20.0
    with pytest.raises(interrupted.KilledError):
        interrupted.train(make_job(), tmp_path / "a", first, pass_and_die)
    clock[0] = 1000.0
    second = SavedStates(partial, "toy")
    interrupted.train(make_job(), tmp_path / "b", second, lambda epoch: None)
    clock[0] += 3.0

    assert second.seconds == 20.0 + 3.0


@pytest.mark.parametrize("text", ["-1", "soon", "nan", "1.2.3"])
def test_the_seconds_between_states_are_a_number(monkeypatch, partial, text):
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", text)

    with pytest.raises(ParamsError, match=r"SUBSET_SAVE_EVERY_S .* it must be a number"):
        SavedStates(partial, "toy")


def test_saving_shows_that_the_folder_of_a_training_is_in_use(make_job, tmp_path, partial):
    """So that it is not pruned as what a killed one left."""
    touched = []

    def note(epoch):
        touched.append((tmp_path / "a").stat().st_mtime)
        os.utime(tmp_path / "a", (0, 0))

    interrupted.train(make_job(), tmp_path / "a", SavedStates(partial, "toy"), note)

    assert min(touched) > 0


def test_states_hold_no_pickle_and_their_numbers_are_exact(make_job, tmp_path, partial):
    states = SavedStates(partial, "toy")
    killed(make_job(), tmp_path / "a", states)
    (folder,) = partial.iterdir()

    files = {path.relative_to(folder).parts[0] for path in folder.rglob("*") if path.is_file()}
    assert files == {saved_states.INDEX, saved_states.TENSORS, saved_states.KEPT}
    history = json.loads((folder / saved_states.INDEX).read_text())["history"]
    assert history == [vars(epoch) for epoch in load_state(folder).history]
    with pytest.raises(ArtifactError, match="missing"):
        load_state(tmp_path / "nothing")


def test_operations_that_no_float_holds_are_exact(tmp_path, partial):
    epoch = Epoch(0, 1, 3, 30, 2**60 + 1, 0.1 + 0.2, 1e-300, 1 / 3, None, None)
    partial.mkdir()

    save_state(partial, Saved({"x": torch.zeros(2)}, [epoch], tmp_path / "nothing kept"), 1.5)

    assert repr(load_state(partial).history) == repr([epoch])


def test_states_that_were_joined_come_apart_again():
    one, two = torch.ones(1), torch.zeros(2)
    parts = {"a": {"x": one, "b/y": two}, "a/b": {}, "b": {"x": two}}

    whole = joined(parts)

    assert set(whole) == {"a/x", "a/b/y", "b/x"}
    assert part_of(whole, "a") == {"x": one, "b/y": two}
    assert part_of(whole, "b") == {"x": two}
