"""Tests for stages/shared/running/whole_run.py: DVC's order, and seconds that are known."""

import math
import shutil
from itertools import pairwise

import pytest
import toy
from ruamel.yaml import YAML

from commands.preset.presets import resolved
from stages.shared.running import timings, whole_run
from stages.shared.running.whole_run import Place

PIPELINE = YAML(typ="safe").load((toy.ROOT / "dvc.yaml").read_text())
STAGE = "train_ensemble@round1"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in what DVC imports
def test_the_order_is_that_in_which_dvc_runs_the_stages(tmp_path, monkeypatch):
    from dvc.repo import Repo  # here: it takes a second
    from dvc.repo.reproduce import plan_repro

    content = resolved("default")
    content["evaluate"]["ensembles"] = [0.125]
    content["compare"]["models"] = ["resnet8", "resnet20"]
    shutil.copy(toy.ROOT / "dvc.yaml", tmp_path)
    toy.write_params(tmp_path, content)
    monkeypatch.chdir(tmp_path)
    with Repo(uninitialized=True) as repo:
        expected = [stage.addressing for stage in plan_repro(repo.index.graph)]

    assert whole_run.order(whole_run.expanded(PIPELINE, content)) == expected
    assert len(expected) > 10


@pytest.fixture
def finished(written, tmp_path, monkeypatch):
    """A project in which each stage has taken a second, but 8 s for each training stage."""
    shutil.copytree(written, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(timings, "machine", lambda: "here")
    return tmp_path / "project"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(timings, "machine", lambda: "here")
        write_finished(folder, patch)
    return folder


def write_finished(folder, patch):
    shutil.copy(toy.ROOT / "dvc.yaml", folder)
    content = resolved("default")
    content["seed_size"], content["rounds"] = 0.0625, rounds(0.0625, 0.125, 0.25)
    content["compare"] = {"models": ["resnet8"], "subsets": ["selected", "random", "full"]}
    content["train_ensemble"]["length"] = {"updates": 150}
    toy.write_params(folder, content)
    entries = {}
    for name, spec in whole_run.expanded(PIPELINE, content).items():
        patch.setattr(timings, "_noted", timings._Noted())
        timings.record(name, 8.0 if name.startswith("train") else 1.0)
        found = {key: whole_run._at(key, content) for key in spec.params}
        outs = [{"path": path, "md5": "0"} for path in spec.outs]
        entries[name] = {"cmd": spec.command, "params": {"params.yaml": found}, "outs": outs}
    with (folder / "dvc.lock").open("w") as file:
        YAML().dump({"schema": "2.0", "stages": entries}, file)


def rounds(*sizes):
    """Return the rounds that lead from one size to the next."""
    return [{"from": size, "to": larger} for size, larger in pairwise(sizes)]


def set_params(folder, **changes):
    """Change settings; two underscores stand for a dot."""
    content = YAML(typ="safe").load((folder / "params.yaml").read_text())
    toy.set_values(content, changes)
    toy.write_params(folder, content)


def test_a_stage_knows_its_number_and_the_seconds_of_those_after_it(finished):
    # The rest of a round and comparison_subsets, three targets, three to evaluate, report.
    assert whole_run.place_of(STAGE) == Place(12, 24, 8.0, 5 + 3 * 8 + 3 + 1)
    assert whole_run.place_of("report") == Place(24, 24, 1.0, 0.0)


def test_what_is_left_is_the_rest_of_this_stage_and_the_others():
    place = Place(9, 21, 8.0, 33.0)
    assert place.seconds_left(elapsed=2.0, of_stage=1.0) == 39.0  # as the earlier run says
    assert place.seconds_left(elapsed=2.0, of_stage=20.0) == 53.0  # it goes slower now
    assert place.seconds_left(elapsed=9.0, of_stage=0.0) == 33.0
    assert math.isnan(Place(9, 21, 8.0, math.nan).seconds_left(2.0, 1.0))
    assert math.isnan(Place(9, 21, math.nan, 33.0).seconds_left(2.0, 1.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"train_subset_model__length": {"updates": 7}},  # a stage after it has other settings
        {"dataset__validation_fraction": 0.2},  # all have other data
    ],
)
def test_seconds_of_other_settings_are_no_seconds(finished, changes):
    set_params(finished, **changes)
    place = whole_run.place_of(STAGE)
    assert (place.number, place.most) == (12, 24)
    assert math.isnan(place.others)


def test_seconds_of_another_machine_are_no_seconds(finished, monkeypatch):
    monkeypatch.setattr(timings, "machine", lambda: "there")
    assert math.isnan(whole_run.place_of(STAGE).others)


def test_a_new_item_takes_as_long_as_its_siblings_with_as_many_updates(finished):
    set_params(finished, rounds=rounds(0.0625, 0.125, 0.25, 0.5))
    assert whole_run.place_of("train_ensemble@round2").own == 8.0
    set_params(finished, train_ensemble__length={"epochs": 3})
    assert math.isnan(whole_run.place_of("train_ensemble@round2").own)


@pytest.mark.parametrize("lock", [None, "{", "stages: [1]", "stages:\n  report: 7\n"])
def test_where_nothing_is_known_only_the_number_is_said(finished, lock):
    (finished / "dvc.lock").unlink()
    if lock is not None:
        (finished / "dvc.lock").write_text(lock)
    place = whole_run.place_of(STAGE)
    assert (place.number, place.most) == (12, 24)
    assert math.isnan(place.own)
    assert math.isnan(place.others)


def test_without_a_project_or_such_a_stage_there_is_no_place(finished):
    assert whole_run.place_of("mine") is None
    for text in ("{", "stages: 7", "stages: {a: {cmd: b, matrix: {c: [1]}}}"):
        (finished / "dvc.yaml").write_text(text)
        assert whole_run.place_of(STAGE) is None
    (finished / "dvc.yaml").unlink()
    assert whole_run.place_of(STAGE) is None
