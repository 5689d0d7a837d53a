"""What the search saves, by hand."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import dag
import pytest
import torch
import toy
from toy import ROOT, picks

from stages.report.speedups import (
    seconds_in_words,
    speedups,
    speedups_in_seconds,
    training_passes,
)
from stages.shared import artifacts
from stages.shared.artifacts import Epoch
from stages.shared.prediction.flops import forward_flops
from stages.shared.running import timings
from stages.shared.settings.params import load_params
from stages.shared.settings.training_sections import EpochLength, UpdateLength
from stages.shared.training import loop
from stages.shared.training.job import Job

ROUND = 3e6 + 1e5  # three members of a million FLOPs in the mean, and the prediction


def column(rows, name):
    return [row[name] for row in rows]


def test_a_budget_costs_the_rounds_up_to_it_and_one_target_model(run):
    rows = speedups(run.results())
    assert column(rows, "model") == ["resnet8"] * 2
    assert column(rows, "size") == [10, 20]
    assert column(rows, "fraction") == [0.125, 0.25]
    assert column(rows, "selection_flops") == [ROUND, 2 * ROUND]
    # Members at 0.9, 1.0 and 1.1 times 1e4 FLOPs for each of 20 picks, and of all 80 samples.
    assert column(rows, "target_flops") == [None, 2e5]
    assert column(rows, "total_flops") == [None, 2 * ROUND + 2e5]
    assert column(rows, "full_flops") == [8e5, 8e5]
    assert column(rows, "total_speedup") == [None, 0.125]  # 0.8 / (6.2 + 0.2)


def test_a_compared_part_of_the_last_subset_has_the_rounds_that_its_picks_come_from(
    run, add_compared
):
    add_compared("selected-0.15", 12)
    subset = run.results().subsets["0.25"].first(12)
    artifacts.save_subset(run.folders.comparison / "selected-0.15/seed-0.csv", subset)
    rows = speedups(run.results())
    assert column(rows, "size") == [10, 12, 20]
    assert column(rows, "selection_flops") == [ROUND, 2 * ROUND, 2 * ROUND]
    assert column(rows, "target_flops") == [None, 1.2e5, 2e5]


def test_without_full_there_is_no_total_speedup(run):
    run.set(compare__subsets=["selected"])
    rows = speedups(run.results())
    assert column(rows, "full_flops") == [None, None]
    assert column(rows, "total_speedup") == [None, None]


# --- the target as its own proxy -----------------------------------------------------------------


def history(flops_per_pass, picks, epochs, validations, members=2):
    """Members that pass over their picks so often, and over 40 images to validate."""
    return [
        Epoch(
            member=member,
            epoch=epoch,
            updates=epoch,
            images_seen=epoch * picks,
            flops=flops_per_pass * (3 * epoch * picks + 40 * min(epoch, validations)),
            learning_rate=0.1,
            train_loss=1.0,
            train_accuracy=0.5,
            validation_loss=0.5 if epoch <= validations else None,
            validation_accuracy=0.5 if epoch <= validations else None,
        )
        for member in range(members)
        for epoch in range(1, epochs + 1)
    ]


def with_proxy(run, epochs, validations, flops_per_pass, predicted=0.0):
    """Return the results of a run whose targets train 4 epochs with 2 validations, at 100 a pass.

    Its rounds' ensembles have two members, on 5 and on 10 picks; they predict so many passes.
    """
    run.set(
        train_subset_model__length={"epochs": 4},
        train_subset_model__validations=2,
        train_subset_model__batch_size=4,
    )
    results = run.results()
    rounds = [
        replace(
            entry,
            history=history(flops_per_pass, num_picks, epochs, validations),
            validation=replace(entry.validation, flops=predicted * flops_per_pass),
        )
        for entry, num_picks in zip(results.rounds, (5, 10), strict=True)
    ]
    targets = {
        key: replace(target, history=history(100.0, 20, 4, 2))
        for key, target in results.targets.items()
    }
    return replace(results, rounds=rounds, targets=targets)


def test_a_target_that_is_its_own_proxy_has_the_speedup_1(run):
    rows = speedups(with_proxy(run, 4, 2, 100.0, predicted=120.0))
    assert column(rows, "selection_speedup") == [1.0, 1.0]
    # Two members: 3 * 4 * 5 + 2 * 40 passes each, in the second round 3 * 4 * 10 + 2 * 40.
    assert column(rows, "selection_flops") == [100 * (280 + 120), 100 * (280 + 120 + 400 + 120)]


def test_a_smaller_proxy_is_faster_by_what_an_image_costs_less(run):
    rows = speedups(with_proxy(run, 4, 2, 40.0, predicted=120.0))
    assert column(rows, "selection_speedup") == [2.5, 2.5]


def test_a_proxy_of_the_same_model_that_stops_early_has_a_speedup(run):
    rows = speedups(with_proxy(run, 1, 1, 100.0, predicted=120.0))
    # One epoch and validation of each member: 3 * 5 + 40 = 55 passes instead of 140, and
    # 3 * 10 + 40 = 70 instead of 200; the predictions are the same.
    first = (2 * 140 + 120) / (2 * 55 + 120)
    both = (2 * (140 + 200) + 240) / (2 * (55 + 70) + 240)
    assert column(rows, "selection_speedup") == [round(first, 3), round(both, 3)] == [1.739, 1.878]


def test_a_small_proxy_that_stops_early_saves_both(run):
    rows = speedups(with_proxy(run, 1, 1, 40.0))
    assert column(rows, "selection_speedup") == [
        pytest.approx(2.5 * 140 / 55, abs=5e-4),
        pytest.approx(2.5 * 340 / 125, abs=5e-4),
    ]


def test_the_target_would_stop_early_as_its_own_proxy_too(run):
    results = with_proxy(run, 1, 1, 40.0)
    settings = results.params.train_subset_model.model_copy(
        update={"stop_after": 1, "validations": 1}
    )
    params = results.params.model_copy(update={"train_subset_model": settings})
    rows = speedups(replace(results, params=params))
    assert column(rows, "selection_speedup") == [2.5, 2.5]


def test_a_proxy_that_was_not_trained_has_no_selection_speedup(run):
    results = with_proxy(run, 4, 2, 100.0, predicted=120.0)
    untrained = [replace(entry, history=[]) for entry in results.rounds]
    rows = speedups(replace(results, rounds=untrained))
    assert column(rows, "selection_speedup") == [None, None]
    assert column(rows, "selection_flops") == [12000.0, 24000.0]


def test_nobody_knows_when_the_plateau_of_a_target_would_end(run):
    run.set(
        train_subset_model__schedule={"name": "plateau", "patience": 3, "factor": 0.1},
        train_subset_model__length={"epochs": 300},
        train_subset_model__validations="every_epoch",
    )
    assert column(speedups(run.results()), "selection_speedup") == [None, None]


# Of 10 picks, with 40 images to validate on.
BY_HAND = {
    "4 epochs, 2 validations": ({"length": EpochLength(epochs=4), "validations": 2}, 3 * 40 + 80),
    "each epoch validated": (
        {"length": EpochLength(epochs=4), "validations": "every_epoch"},
        3 * 40 + 160,
    ),
    "more validations than epochs": (
        {"length": EpochLength(epochs=4), "validations": 9},
        3 * 40 + 160,
    ),
    "stopped early": (
        {"length": EpochLength(epochs=4), "stop_after": 3, "validations": "every_epoch"},
        3 * 30 + 120,
    ),
    # Batches of 3, 3 and 4: an epoch and a batch, validated after both.
    "updates that end within an epoch": (
        {"length": UpdateLength(updates=4), "batch_size": 4, "validations": 5},
        3 * 13 + 80,
    ),
}


@pytest.mark.parametrize(("changes", "passes"), BY_HAND.values(), ids=BY_HAND)
def test_the_passes_of_a_training_are_those_done_by_hand(changes, passes):
    settings = load_params(toy.DEFAULT).train_subset_model.model_copy(update=changes)
    assert training_passes(settings, num_picks=10, num_validation=40) == passes


@pytest.mark.parametrize("changes", [found for found, _ in BY_HAND.values()], ids=BY_HAND)
def test_the_passes_of_a_training_are_those_that_one_makes(prepared, tmp_path, changes):
    params = load_params(toy.DEFAULT)
    job = Job(
        task=params.task,
        model="resnet8",
        settings=params.train_subset_model.model_copy(update=changes),
        learning_rate=0.01,
        random_seed=0,
        member=0,
        index_P=picks(list(range(10))).index_P,
        prepared=prepared,
        meta=artifacts.load_meta(prepared),
        initial_weights=None,
        track="none",
    )

    made = loop.train(job, tmp_path, torch.device("cpu"), lambda epoch, images: None)

    passes = training_passes(job.settings, 10, job.meta.num_samples["validation"])
    assert made.history[-1].flops == passes * forward_flops("resnet8", job.meta)


# --- seconds -------------------------------------------------------------------------------------

SECONDS = {
    **{f"train_ensemble@round{number}": 20.0 for number in range(2)},
    **{f"predict_pool@round{number}": 3.0 for number in range(2)},
    **{f"score@round{number}": 0.5 for number in range(2)},
    **{f"select@round{number}": 1.0 for number in range(2)},
    **{f"race@round{number}": 0.5 for number in range(2)},
    "train_subset_model@resnet8-selected": 30.0,
    "train_subset_model@resnet8-full": 300.0,
    "prepare": 7.0,
}


@pytest.fixture
def in_epochs(run):
    """The finished run under equal epochs: only then does a subset save time."""
    run.set(train_subset_model__length={"epochs": 12})
    return run


def write_timings(changes=()):
    entries = {
        stage: {"seconds": seconds, "machine": "2 cores", "params": timings._params()}
        for stage, seconds in {**SECONDS, **dict(changes)}.items()
    }
    Path("metrics").mkdir(exist_ok=True)
    timings.PATH.write_text(json.dumps(entries))


def test_seconds_are_those_of_the_stages_of_all_rounds_and_of_one_member_of_a_target(in_epochs):
    write_timings()
    found = speedups_in_seconds(in_epochs.results().params)
    # Two rounds of 25 s; 30 s and 300 s of three members.
    assert found == {
        "resnet8": {
            "selection": 50.0,
            "target": 10.0,
            "total": 60.0,
            "full": 100.0,
            "total_speedup": 1.667,
        }
    }
    assert list(seconds_in_words(found)) == [
        "resnet8, seconds: selection 50 and one training 10, on full 100; speed-up 1.667"
    ]


@pytest.mark.parametrize("stage", [stage for stage in SECONDS if stage != "prepare"])
def test_without_the_seconds_of_a_stage_there_are_none(in_epochs, stage):
    write_timings()
    entries = json.loads(timings.PATH.read_text())
    del entries[stage]
    timings.PATH.write_text(json.dumps(entries))
    assert speedups_in_seconds(in_epochs.results().params) == {}


def test_seconds_of_what_is_no_longer_compared_are_not_used(in_epochs):
    write_timings()
    in_epochs.set(compare__subsets=["selected", "random"])
    assert speedups_in_seconds(in_epochs.results().params) == {}


def test_no_time_is_claimed_under_equal_updates(run):
    run.set(train_subset_model__length={"updates": 300})
    write_timings()
    assert speedups_in_seconds(run.results().params) == {}


def test_the_stages_whose_seconds_are_read_are_stages_of_dvc_yaml(in_epochs, monkeypatch):
    asked = []
    monkeypatch.setattr(timings, "seconds_of", lambda stages: asked.extend(stages) or [])
    speedups_in_seconds(in_epochs.results().params)
    assert len(asked) == 2 * 5 + 2
    shutil.copy(ROOT / "dvc.yaml", in_epochs.root)
    assert set(asked) <= {stage.name for stage in dag.stages(in_epochs.root)}


def test_report_stores_the_seconds_beside_those_of_the_stages_and_prints_them(
    in_epochs, capsys, monkeypatch
):
    monkeypatch.setattr("stages.report.__main__.save_pictures", lambda *_: None)  # they take long
    write_timings()
    before = in_epochs.report()
    content = json.loads(timings.PATH.read_text())
    assert content["speedups"]["resnet8"]["total_speedup"] == 1.667
    assert set(content) == {*SECONDS, "speedups"}
    assert "resnet8, seconds: selection 50 " in capsys.readouterr().out

    write_timings({"train_subset_model@resnet8-full": 600.0})
    after = in_epochs.report()
    assert json.loads(after.pop("metrics/timings.json"))["speedups"]["resnet8"]["full"] == 200.0
    del before["metrics/timings.json"]
    assert after == before  # declared outputs hold no seconds
