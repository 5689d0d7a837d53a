"""Tests for stages/shared/{engine,members,resume}.py: members train side by side, each once."""

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import in_process
import numpy as np
import pytest
import toy
from shared import called

import commands.resume
from stages.shared import artifacts
from stages.shared.artifacts import tracking
from stages.shared.errors import ParamsError, TrainingError
from stages.shared.members import fingerprints, members
from stages.shared.members.job_fingerprints import COST, ROOMS, SHARED, job_fingerprint
from stages.shared.members.members import Plan
from stages.shared.running import dispatch, engine
from stages.shared.running import resume_folder as resume_names
from stages.shared.running.progress import MemberProgress
from stages.shared.settings.params import Params, check_params
from stages.shared.training.job import Job, Parallel

map_in_workers = dispatch.map_pieces
ADAMW = {"name": "adamw", "learning_rate": 0.1, "backbone": 1.0, "weight_decay": 0.1}


def ignore(number: int, message: object) -> None:
    """Take a report."""


def tiny_params(num_members: int = 2, **changes: object) -> Params:
    content = toy.default_params()
    content["acquisition"] = "entropy"
    content["train_ensemble"].update(
        {"members": num_members, "length": {"epochs": 1}, "batch_size": 8, **changes}
    )
    return check_params(content)


def plan_of(prepared: Path, params: Params, index: range) -> Plan:
    return Plan(
        params=params,
        model=params.train_ensemble.model,
        settings=params.train_ensemble,
        learning_rate=0.1,
        prepared=prepared,
        meta=artifacts.load_meta(prepared),
        subset=toy.picks(list(index)),
        initial_weights=None,
        track=params.train_ensemble.track,
    )


def train(prepared: Path, folder: Path, params: Params, index: range = range(20)) -> None:
    plan = plan_of(prepared, params, index)
    members.train_members([plan], folder / "ensemble", folder / "history", folder / "dynamics")


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(autouse=True)
def resume_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))
    in_process.patch(monkeypatch)
    return tmp_path / "resume"


@pytest.fixture
def in_workers(resume_folder, monkeypatch):
    monkeypatch.setattr(dispatch, "map_pieces", map_in_workers)


def test_reports_are_read_to_the_end_after_a_failure(monkeypatch):
    monkeypatch.setenv("SUBSET_WORKERS", "2")

    with pytest.raises(TrainingError, match="member 0"):
        map_in_workers(
            called.fail_first_beside_a_talker, [0, 1], threads_per_piece=1, on_report=ignore
        )


@pytest.mark.parametrize("text", ["0", "-1", "two"])
def test_workers_must_be_a_positive_integer(monkeypatch, text):
    monkeypatch.setenv("SUBSET_WORKERS", text)

    with pytest.raises(ParamsError, match="SUBSET_WORKERS"):
        engine.num_workers(1)


def test_workers_fill_the_cores_with_threads(monkeypatch):
    monkeypatch.delenv("SUBSET_WORKERS", raising=False)
    monkeypatch.setattr(engine, "num_cores", lambda: 8)

    assert engine.num_workers(2) == 4
    assert engine.num_workers(16) == 1


@pytest.mark.usefixtures("in_workers")
def test_one_or_two_workers_give_the_same_bytes(prepared, tmp_path, monkeypatch):
    for workers in ("1", "2"):
        monkeypatch.setenv("SUBSET_WORKERS", workers)
        monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / f"resume-{workers}"))
        train(prepared, tmp_path / workers, tiny_params())

    assert content_of(tmp_path / "1") == content_of(tmp_path / "2")


def test_more_members_train_only_the_missing_ones(prepared, tmp_path, resume_folder):
    train(prepared, tmp_path / "two", tiny_params(2))
    before = {path: path.stat().st_mtime_ns for path in (resume_folder / "members").iterdir()}

    train(prepared, tmp_path / "three", tiny_params(3))

    after = {path: path.stat().st_mtime_ns for path in (resume_folder / "members").iterdir()}
    assert len(after) == 3
    assert before.items() <= after.items()
    two, three = content_of(tmp_path / "two"), content_of(tmp_path / "three")
    assert {name for name in two if name.endswith("safetensors")} < set(three)
    assert all(three[name] == two[name] for name in two if name.endswith("safetensors"))


def test_a_member_that_was_not_finished_leaves_nothing_that_looks_finished(
    prepared, tmp_path, resume_folder
):
    with pytest.raises(TrainingError, match="finite"):
        train(prepared, tmp_path / "a", tiny_params(1, optimizer=_exploding()))

    assert not list((resume_folder / "members").iterdir())


def _exploding() -> dict[str, object]:
    optimizer = toy.default_params()["train_ensemble"]["optimizer"]
    return {**optimizer, "weight_decay": 1e30}


def job_of(prepared: Path, params: Params, index: range = range(20)) -> Job:
    return members.job_of(plan_of(prepared, params, index), 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 9},
        {"length": {"epochs": 2}},
        {"num_threads": 2},
        {"deterministic": True},
        {"precision": "bf16"},
        {"label_smoothing": 0.2},
        {"first_layer": "whitened"},
        {"optimizer": ADAMW},
        {"checkpoints": {"last": 2, "every": 1, "best": True}},
    ],
)
def test_whatever_decides_the_bytes_changes_the_fingerprint(prepared, changes):
    base = job_fingerprint(job_of(prepared, tiny_params()), "cpu")

    assert job_fingerprint(job_of(prepared, tiny_params(**changes)), "cpu") != base


def test_processes_that_share_a_training_change_the_fingerprint(prepared):
    job = job_of(prepared, tiny_params())
    prints = [
        job_fingerprint(replace(job, parallel=how), "cpu")
        for how in (Parallel(), Parallel(1), Parallel(2), Parallel(2, sync_batch_norm=True))
    ]

    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_each_member_of_a_bootstrap_draws_as_many_of_the_picks_with_replacement(prepared):
    whole = tiny_params(3)
    drawn = whole.train_ensemble.model_copy(update={"bootstrap": True})
    plan = replace(plan_of(prepared, whole, range(20)), settings=drawn)
    picks = [np.sort(members.job_of(plan, member).index_P) for member in range(3)]
    assert all(len(index_P) == 20 and set(index_P) < set(range(20)) for index_P in picks)
    assert len({tuple(index_P) for index_P in picks}) == 3
    assert np.array_equal(picks[1], np.sort(members.job_of(plan, 1).index_P))
    other = replace(plan, subset=toy.picks(list(range(19, -1, -1))))  # in another order
    assert np.array_equal(picks[1], np.sort(members.job_of(other, 1).index_P))


def test_members_of_a_bootstrap_leave_no_dynamics(prepared, tmp_path):
    params = tiny_params(2)
    drawn = params.train_ensemble.model_copy(update={"bootstrap": True})
    plan = replace(plan_of(prepared, params, range(20)), settings=drawn)
    members.train_members([plan], *(tmp_path / name for name in ("e", "h", "d")))
    assert artifacts.load_ensemble(tmp_path / "e/seed-0").num_members == 2
    assert len(artifacts.load_dynamics(tmp_path / "d/seed-0", 60).row_R) == 0


def test_number_of_members_and_stage_do_not_change_the_fingerprint(prepared):
    params = tiny_params(2)
    of_ensemble = job_of(prepared, params)
    fields = {
        name: getattr(params.train_ensemble, name)
        for name in type(of_ensemble.settings).model_fields
    }
    for name in ("bootstrap", "model", "track"):
        del fields[name]
    target = params.train_subset_model.model_copy(update={**fields, "members": 5})

    found = job_fingerprint(replace(of_ensemble, settings=target), "cpu")

    assert found == job_fingerprint(of_ensemble, "cpu")


def test_subset_rate_device_data_and_tracking_change_the_fingerprint(prepared):
    job = job_of(prepared, tiny_params())
    prints = {
        job_fingerprint(job, "cpu"),
        job_fingerprint(job, "cuda"),
        job_fingerprint(job_of(prepared, tiny_params(), range(21)), "cpu"),
        job_fingerprint(replace(job, meta=replace(job.meta, fingerprint="other")), "cpu"),
        job_fingerprint(replace(job, learning_rate=0.5), "cpu"),
        job_fingerprint(replace(job, track="gradient_norm"), "cpu"),
    }

    assert len(prints) == 6


def test_other_sample_ids_change_the_fingerprint(prepared, tmp_path):
    """They decide which samples are looked at epoch by epoch."""
    job = job_of(prepared, tiny_params())
    shutil.copytree(prepared, tmp_path / "copy")
    copied = replace(job, prepared=tmp_path / "copy")
    same = job_fingerprint(copied, "cpu")
    artifacts.save_sample_ids(tmp_path / "copy", "train", [f"other-{row}" for row in range(60)])

    assert same == job_fingerprint(job, "cpu")
    assert job_fingerprint(copied, "cpu") != same


def test_a_member_that_was_tracked_is_not_trained_again_without(prepared, resume_folder):
    job = job_of(prepared, tiny_params())
    tracked = members.train_once(replace(job, track="gradient_norm"), lambda message: None)

    assert members.train_once(job, lambda message: None) == tracked
    assert len(list((resume_folder / "members").iterdir())) == 1


def test_a_member_that_another_run_has_finished_meanwhile_stays(prepared, monkeypatch):
    job = job_of(prepared, tiny_params())
    folder, _ = members._folders(job, "cpu")
    save = members.timings.save

    def save_as_the_other_ends(temporary, *arguments):
        save(temporary, *arguments)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "of the other").touch()

    monkeypatch.setattr(members.timings, "save", save_as_the_other_ends)
    assert members.train_once(job, lambda *message: None) == folder
    assert [path.name for path in folder.iterdir()] == ["of the other"]


def test_the_ensembles_dynamics_are_those_of_its_members(prepared, tmp_path, resume_folder):
    params = tiny_params(2, track="gradient_norm", length={"epochs": 2})

    train(prepared, tmp_path, params, range(5, 25))

    found = artifacts.load_dynamics(tmp_path / "dynamics/seed-0", 60)
    tracked = tracking.load_tracked(tmp_path / "dynamics/seed-0")
    assert found.row_R.tolist() == tracked.row_S.tolist() == list(range(5, 25))
    assert found.aum_MR.shape == (2, 20)
    assert tracked.gradient_norm_MES.shape == (2, 3, 20)
    assert found.sampled_S.tolist() == list(range(5, 25))
    assert sorted(set(found.kept_member_E.tolist())) == [0, 1]
    for member in range(2):
        job = members.job_of(plan_of(prepared, params, range(5, 25)), member)
        folder = resume_folder / "members" / job_fingerprint(job, "cpu") / "dynamics"
        alone = artifacts.load_dynamics(folder, 60)
        assert (found.aum_MR[member] == alone.aum_MR[0]).all()
        assert (found.forgetting_events_MR[member] == alone.forgetting_events_MR[0]).all()
        kept = found.kept_member_E == member
        assert found.kept_epoch_E[kept].tolist() == alone.kept_epoch_E.tolist()
        assert (found.kept_events_ES[kept] == alone.kept_events_ES).all()
        norms_ES = tracking.load_tracked(folder).gradient_norm_MES[0]
        assert (tracked.gradient_norm_MES[member] == norms_ES).all()


def test_nothing_is_tracked_unless_it_is_named(prepared, tmp_path):
    train(prepared, tmp_path, tiny_params(1))

    written = {path.stem for path in (tmp_path / "dynamics/seed-0").iterdir()}
    assert written == set(vars(artifacts.no_dynamics()))


def test_a_stage_without_dynamics_finds_the_members_of_one_with_them(
    prepared, tmp_path, resume_folder
):
    params = tiny_params(1)
    train(prepared, tmp_path / "a", params)
    (before,) = (resume_folder / "members").iterdir()
    mtime_ns = before.stat().st_mtime_ns

    plan = plan_of(prepared, params, range(20))
    members.train_members([plan], tmp_path / "b/ensemble", tmp_path / "b/history")

    assert [path.name for path in (resume_folder / "members").iterdir()] == [before.name]
    assert before.stat().st_mtime_ns == mtime_ns
    assert not (tmp_path / "b/dynamics").exists()
    a, b = content_of(tmp_path / "a"), content_of(tmp_path / "b")
    assert b == {name: a[name] for name in a if not name.startswith("dynamics/")}


@pytest.mark.usefixtures("in_workers")
def test_a_killed_worker_takes_no_finished_epoch_along(
    prepared, tmp_path, resume_folder, monkeypatch
):
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")
    params = tiny_params(1, length={"epochs": 3}, track="gradient_norm")
    plan = plan_of(prepared, params, range(20))
    monkeypatch.setattr(members, "train_once", called.train_and_die_at_two)
    out = [tmp_path / "a" / name for name in ("ensemble", "history", "dynamics")]
    with pytest.raises(TrainingError, match="a worker process was killed"):
        members.train_members([plan], *out)
    assert len(list((resume_folder / "partial").iterdir())) == 1
    noted, epochs = [], []
    monkeypatch.setattr(members.MemberProgress, "update", lambda _, __, event: epochs.append(event))
    monkeypatch.setattr(members.timings, "note_trainings", lambda *found: noted.append(found))

    members.train_members([plan], *out)

    assert [event[0].epoch for event in epochs] == [2, 3], "it shows where it goes on, and trains 3"
    [([timing], num_found, _)] = noted
    assert timing.seconds > 0
    assert num_found == 1, "it was not trained from the start"
    assert not list((resume_folder / "partial").iterdir())
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/killed").touch()
    train(prepared, tmp_path / "b", params)
    assert content_of(tmp_path / "a") == content_of(tmp_path / "b")


def test_a_member_that_goes_on_is_none_that_was_trained_from_the_start(prepared, tmp_path):
    train(prepared, tmp_path, tiny_params(1, length={"epochs": 2}))
    first, second = artifacts.load_history(tmp_path / "history/seed-0.csv")

    with MemberProgress(3) as progress:
        progress.update(1, None)
        progress.update(1, (first, 40))
        progress.update(2, (first, None))
        progress.update(2, (second, 40))

    assert progress.num_started == 1


def test_the_seconds_of_a_member_are_there_when_it_is_found_finished(
    prepared, tmp_path, resume_folder, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    def recorded() -> dict[str, object]:
        monkeypatch.setattr(members.timings, "_noted", members.timings._Noted())
        train(prepared, tmp_path / "a", tiny_params(2))
        members.timings.record("train_ensemble@round0", 100.0)
        return json.loads((tmp_path / "metrics/timings.json").read_text())["train_ensemble@round0"]

    first, again = recorded(), recorded()

    assert len(first["trainings"]) == 2
    assert all(seconds > 0 for seconds in first["trainings"])
    assert again["trainings"] == first["trainings"]
    assert "members_found" not in first
    assert again["members_found"] == 2
    assert first["without_trainings"] < again["without_trainings"] == 100.0
    kept = [members.timings.load(path) for path in (resume_folder / "members").iterdir()]
    assert sorted(timing.seconds for timing in kept) == sorted(first["trainings"])
    assert {timing.threads for timing in kept} == {1}
    # Equal members have equal outputs, whatever they took.
    assert not list((tmp_path / "a").rglob("timing.json"))


def test_two_processes_may_train_the_same_member_at_the_same_time(
    prepared, tmp_path, resume_folder, monkeypatch
):
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")
    monkeypatch.setenv("SUBSET_WORKERS", "2")
    job = job_of(prepared, tiny_params(length={"epochs": 3}))

    one, other = map_in_workers(
        members.train_once, [job, job], threads_per_piece=1, on_report=ignore
    )

    assert one == other
    assert [path.name for path in (resume_folder / "members").iterdir()] == [one.name]
    assert not list((resume_folder / "partial").iterdir())


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return fingerprints.code_fingerprint([path])


def test_only_what_code_does_changes_its_fingerprint(tmp_path):
    path = tmp_path / "code.py"
    base = write(path, '"""Doc."""\n\ndef f(x):\n    """Say."""\n    return x + 1\n')

    assert write(path, "def f(x):\n    # why\n    return (x + 1)\n") == base
    assert write(path, "def f(x):\n    return x + 2\n") != base


def test_experiments_in_dvcs_workspaces_share_the_resume_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("SUBSET_RESUME")
    workspace = tmp_path / ".dvc/tmp/exps/tmp123"
    workspace.mkdir(parents=True)

    for here in (tmp_path, workspace):
        monkeypatch.chdir(here)
        assert resume_names.folder() == tmp_path / ".resume"


def test_the_fingerprint_covers_all_code_that_the_training_imports():
    import ast

    plumbing = {"artifacts", "errors", "members", "running", "settings"}
    chosen = [path for name in ("models", "tasks") for path in (SHARED / name).rglob("*.py")]
    chosen = [path for path in chosen if path.name != "rules.py"]
    todo, seen = [SHARED / "training/loop.py", *chosen], {SHARED / "training/__init__.py"}
    while todo:
        path = todo.pop()
        if path in seen or path.relative_to(SHARED).parts[0].removesuffix(".py") in plumbing:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages.shared"):
                module = SHARED.joinpath(*node.module.split(".")[2:])
                if module.with_suffix(".py").exists():
                    todo.append(module.with_suffix(".py"))
                else:
                    named = [module / f"{alias.name}.py" for alias in node.names]
                    todo += [path for path in named if path.exists()]

    # What is chosen by name is hashed where it is chosen.
    reached = {path for path in seen - set(chosen) if path.name != "__init__.py"}
    rooms = {path for room in ROOMS for path in (SHARED / room).glob("*.py")}
    cost = {SHARED / name for name in COST}
    assert reached - cost <= rooms
    whole = {path for path in rooms if path.name != "__init__.py"}
    assert whole | cost <= reached


def write_entry(folder: Path, age_days: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(bytes(200_000))
    then = time.time() - age_days * 86400
    os.utime(folder, (then, then))
    return folder


def run_resume(monkeypatch, capsys, *arguments: str) -> list[str]:
    monkeypatch.setattr("sys.argv", ["resume", *arguments])
    commands.resume.main()
    return capsys.readouterr().out.splitlines()


def test_the_resume_folder_is_listed_by_kind(resume_folder, monkeypatch, capsys):
    for name in ("members/one", "members/two", "members/.three.x", "partial/.four-000002.x"):
        write_entry(resume_folder / name, 0)
    write_entry(resume_folder / "partial/three-000012", 90 / 1440)

    assert run_resume(monkeypatch, capsys) == [
        f"{resume_folder}/members: 2 finished members, 0.4 MB",
        f"{resume_folder}/partial: 1 states of unfinished members, 0.2 MB",
        "  three: after epoch 12, 90 minutes old, 0.2 MB",
        f"{resume_folder}/embeddings: 0 networks whose embeddings are kept, 0.0 MB",
        f"{resume_folder}/checksums: 0 lists of checksums of your files, 0.0 MB",
        f"{resume_folder}/stages: 0 stages' seconds, 0.0 MB",
        "half-written: 2, 0.4 MB",
    ]


def test_pruning_the_resume_folder_drops_old_entries_of_all_kinds(
    resume_folder, monkeypatch, capsys
):
    old = [
        write_entry(resume_folder / name, 8)
        for name in ("members/a", "members/.b.x", "partial/b-000003", "partial/.c-000001.x")
    ]
    old.append(write_entry(resume_folder / "members/.g.x", 2))  # what is unfinished, after a day
    new = [
        write_entry(resume_folder / name, 0.5)
        for name in ("members/d", "members/.e.x", "partial/e-000003", "partial/.f-000001.x")
    ]

    lines = run_resume(monkeypatch, capsys, "--prune", "7")

    assert lines[-1] == "dropped 5"
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in new)


def test_an_empty_resume_folder_is_listed_and_pruned(resume_folder, monkeypatch, capsys):
    *kinds, half_written, dropped = run_resume(monkeypatch, capsys, "--prune", "7")
    assert len(kinds) == 5
    assert all(": 0 " in line and line.endswith(", 0.0 MB") for line in kinds)
    assert (half_written, dropped) == ("half-written: 0, 0.0 MB", "dropped 0")
