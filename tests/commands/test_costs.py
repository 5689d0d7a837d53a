"""The costs of a real run: fastText chooses toy reviews for a VDCNN-9, in seconds and in FLOPs."""

import json
import math
import re

import dag
import in_process
import pytest
import toy
import toy_texts

from commands.costs import lines, require_baseline
from stages.report.numbers.own_proxy import COSTLY
from stages.report.numbers.seconds import Seconds
from stages.report.numbers.speedups import Budget, budgets
from stages.report.run.reading import Folders, load_draws
from stages.shared.errors import DataError
from stages.shared.running import timings
from stages.shared.settings.params import load_params

ROUND = (
    "train_ensemble@round0",
    "predict_pool@round0",
    "score@round0",
    "select@round0",
    "race@round0",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A finished run of two proxies and one target member."""
    folder = tmp_path_factory.mktemp("costs")
    for split, num in (("train", 120), ("test", 30)):
        toy_texts.write_csv(folder / f"texts/{split}.csv", toy_texts.reviews(num, num))
    content = toy_texts.params(folder / "texts")
    content["random_seeds"] = 1
    content["compare"]["models"] = ["vdcnn9"]
    content["train_ensemble"]["members"] = 2
    content["train_subset_model"]["optimizer"] |= {"learning_rate": 0.01, "momentum": 0.9}
    (folder / "project").mkdir()
    toy.write_pipeline(folder / "project", content)
    with pytest.MonkeyPatch.context() as patch:
        in_folder(patch, folder / "project")
        # A table of two million rows is more than all else here.
        patch.setattr("stages.shared.models.text_classification.fasttext.NUM_BUCKETS", 1000)
        dag.run(folder / "project")
    return folder / "project"


@pytest.fixture
def here(project, monkeypatch):
    in_folder(monkeypatch, project)
    return project


def in_folder(patch, project):
    patch.chdir(project)
    in_process.patch(patch)
    patch.setenv("SUBSET_RESUME", str(project / "resume"))


def budget_of(project) -> Budget:
    params = load_params()
    draws = load_draws(params, Folders.below(project / "data"))
    (found,) = budgets(draws[0], Seconds(timings.of_workspace(), 1))
    return found


@pytest.mark.slow
def test_fasttext_is_tens_of_times_as_fast_as_a_vdcnn_not_millions(here):
    found = budget_of(here)
    assert found.flops.ratios["selection"] > 10_000
    assert 1 < found.seconds.ratios["selection"] < 1000
    assert 1 < found.seconds.ratios["total"] < found.seconds.ratios["selection"]
    assert not found.is_measured


@pytest.mark.slow
def test_the_seconds_of_every_stage_and_training_are_gathered(here):
    content = json.loads((here / "metrics/timings.json").read_text())
    assert content.keys() == {stage.name for stage in dag.stages(here)}
    assert len(content["train_ensemble@round0"]["trainings"]) == 2
    parts = [timings.of_workspace()[name].cost for name in (*ROUND, "embed")]
    assert parts[0] > 0
    assert not any(math.isnan(seconds) for seconds in parts)
    assert budget_of(here).seconds.selection == pytest.approx(sum(parts))


@pytest.mark.slow
def test_the_command_shows_stages_and_budgets_with_seconds_before_flops(here):
    shown = "\n".join(lines(None))
    assert shown.startswith("on ")
    stage = r"train_subset_model@vdcnn9-full +[0-9.]+ s +1 of [0-9.]+ s +[0-9.]+e\+\d+"
    assert re.search(stage, shown)
    assert re.search(r"select@round0 +[0-9.]+ s", shown)
    assert re.search(r"vdcnn9 +\d+ +[0-9.]+ s +[0-9.]+ s estimated ", shown)
    assert re.search(r" [0-9.]+ \([0-9.e+]+ in FLOPs\)", shown)


# --- the baseline --------------------------------------------------------------------------------


def with_proxy(params, **changes):
    """Return the settings of a run whose proxy is the target, but for some changes."""
    own = {name: getattr(params.train_subset_model, name) for name in COSTLY}
    ensemble = params.train_ensemble.model_copy(update={"model": "resnet8", **own, **changes})
    return params.model_copy(update={"train_ensemble": ensemble})


def test_a_baseline_is_the_same_search_with_the_target_as_its_proxy():
    params = load_params(toy.DEFAULT)
    require_baseline("exp-a", with_proxy(params), params)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"model": "resnet20"},
            "exp-a: its proxy resnet20 must be one of resnet8, and train, ",
        ),
        ({"stop_after": 1}, "exp-a: its proxy resnet8 must be one of resnet8, and train, batch_si"),
        ({"members": 3}, "exp-a: has another train_ensemble.members; it must be that of params"),
    ],
    ids=["another model", "shorter", "fewer members"],
)
def test_a_run_that_is_no_baseline_is_refused(changes, line):
    params = load_params(toy.DEFAULT)
    with pytest.raises(DataError, match=line):
        require_baseline("exp-a", with_proxy(params, **changes), params)
