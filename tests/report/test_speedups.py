"""What the search saves, by hand."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import dag
import pytest
import torch
import toy
from toy import ROOT

from stages.report.numbers.own_proxy import COSTLY, is_proxy, training_passes
from stages.report.numbers.seconds import Seconds, in_words
from stages.report.numbers.speedups import budgets, ratio_in_words, speedups
from stages.shared import artifacts
from stages.shared.artifacts import Epoch
from stages.shared.prediction.flops import forward_flops
from stages.shared.running import timings
from stages.shared.running.timings import StageTiming
from stages.shared.settings.params import load_params
from stages.shared.settings.training_sections import EpochLength, UpdateLength
from stages.shared.training import loop

ROUND = 3e6 + 1e5  # three members of a million FLOPs in the mean, and the prediction


def column(rows, name):
    return [row[name] for row in rows]


def test_a_budget_costs_the_rounds_up_to_it_and_one_target_model(finished):
    rows = speedups(finished.results())
    assert column(rows, "model") == ["resnet8"] * 2
    assert column(rows, "size") == [10, 20]
    assert column(rows, "fraction") == [0.125, 0.25]
    assert column(rows, "selection_flops") == [ROUND, 2 * ROUND]
    # Members at 0.9, 1.0 and 1.1 times 1e4 FLOPs for each of 20 picks, and of all 80 samples.
    assert column(rows, "target_flops") == [None, 2e5]
    assert column(rows, "total_flops") == [None, 2 * ROUND + 2e5]
    assert column(rows, "full_flops") == [8e5, 8e5]
    assert column(rows, "full_ratio") == [None, 0.125]  # 0.8 / (6.2 + 0.2)
    assert not [name for name in rows[0] if "speedup" in name]  # that is one of seconds


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


def test_the_embedding_is_a_cost_of_the_search(finished):
    plain, embedded = finished.results(), replace(finished.results(), embedding_flops=1e6)
    for name in ("selection_flops", "total_flops"):
        before, after = column(speedups(plain), name), column(speedups(embedded), name)
        assert after[-1] == before[-1] + 1e6
    for name in ("own_proxy_flops", "target_flops", "full_flops"):
        assert column(speedups(embedded), name) == column(speedups(plain), name)


def test_without_full_there_is_no_total_speedup(run):
    run.set(compare__subsets=["selected"])
    rows = speedups(run.results())
    assert column(rows, "full_flops") == [None, None]
    assert column(rows, "full_ratio") == [None, None]


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


def test_a_target_that_is_its_own_proxy_has_the_ratio_1(run):
    rows = speedups(with_proxy(run, 4, 2, 100.0, predicted=120.0))
    assert column(rows, "selection_ratio") == [1.0, 1.0]
    assert column(rows, "total_ratio") == [None, 1.0]
    # Two members: 3 * 4 * 5 + 2 * 40 passes each, in the second round 3 * 4 * 10 + 2 * 40.
    assert column(rows, "selection_flops") == [100 * (280 + 120), 100 * (280 + 120 + 400 + 120)]
    assert column(rows, "own_proxy_flops") == column(rows, "selection_flops")


def test_a_smaller_proxy_is_faster_by_what_an_image_costs_less(run):
    rows = speedups(with_proxy(run, 4, 2, 40.0, predicted=120.0))
    assert column(rows, "selection_ratio") == [2.5, 2.5]


def test_a_proxy_of_the_same_model_that_stops_early_costs_less(run):
    rows = speedups(with_proxy(run, 1, 1, 100.0, predicted=120.0))
    # One epoch and validation of each member: 3 * 5 + 40 = 55 passes instead of 140, and
    # 3 * 10 + 40 = 70 instead of 200; the predictions are the same.
    first = (2 * 140 + 120) / (2 * 55 + 120)
    both = (2 * (140 + 200) + 240) / (2 * (55 + 70) + 240)
    assert column(rows, "selection_ratio") == [round(first, 3), round(both, 3)] == [1.739, 1.878]


def test_the_target_would_stop_early_as_its_own_proxy_too(run):
    results = with_proxy(run, 1, 1, 40.0)
    settings = results.params.train_subset_model.model_copy(
        update={"stop_after": 1, "validations": 1}
    )
    params = results.params.model_copy(update={"train_subset_model": settings})
    rows = speedups(replace(results, params=params))
    assert column(rows, "selection_ratio") == [2.5, 2.5]


def test_a_proxy_that_was_not_trained_has_no_ratio(run):
    results = with_proxy(run, 4, 2, 100.0, predicted=120.0)
    untrained = [replace(entry, history=[]) for entry in results.rounds]
    rows = speedups(replace(results, rounds=untrained))
    assert column(rows, "selection_ratio") == [None, None]
    assert column(rows, "selection_flops") == [12000.0, 24000.0]


def test_nobody_knows_when_the_plateau_of_a_target_would_end(run):
    run.set(
        train_subset_model__schedule={"name": "plateau", "patience": 3, "factor": 0.1},
        train_subset_model__length={"epochs": 300},
        train_subset_model__validations="every_epoch",
    )
    assert column(speedups(run.results()), "selection_ratio") == [None, None]


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
    settings = load_params(toy.DEFAULT).train_subset_model.model_copy(update=changes)
    job = toy.job(prepared, settings, range(10), learning_rate=0.01)

    made = loop.train(job, tmp_path, torch.device("cpu"), lambda epoch, images: None)

    passes = training_passes(job.settings, 10, job.meta.num_samples["validation"])
    assert made.history[-1].flops == passes * forward_flops("resnet8", job.meta)


# --- seconds -------------------------------------------------------------------------------------

HERE = "2 cores"


def stage(seconds, *trainings, machine=HERE):
    """A stage; it starts and writes for its seconds, and trains one member after the other."""
    if not trainings:
        return StageTiming(seconds, machine)
    return StageTiming(seconds + sum(trainings), machine, trainings, 0, seconds)


# Of the run `with_proxy`: a proxy's pass takes 1 ms, the target's 10 ms.
STAGES = {
    "prepare": stage(7.0),
    "seed_subset": stage(1.0),
    # Two members on 5 picks: 3 * 5 + 40 = 55 passes; on 10 picks 70.
    "train_ensemble@round0": stage(3.0, 0.055, 0.055),
    "predict_pool@round0": stage(2.0),
    "score@round0": stage(0.5),
    "select@round0": stage(1.0),
    "race@round0": stage(0.5),
    "train_ensemble@round1": stage(3.0, 0.07, 0.07),
    "predict_pool@round1": stage(2.0),
    "score@round1": stage(0.5),
    "select@round1": stage(1.0),
    "race@round1": stage(0.5),
    "comparison_subsets": stage(1.0),
    # Four epochs of 20 picks as `history` has them, and two validations: 320 passes.
    "train_subset_model@resnet8-selected": stage(3.0, 3.0, 3.4),
    "train_subset_model@resnet8-random": stage(3.0, 3.2, 3.2),
    "train_subset_model@resnet8-full": stage(3.0, 3.2, 3.2),
    "evaluate@resnet8-selected": stage(2.0),
    "report": stage(9.0),
}
ROUNDS = (0.11 + 7.0, 0.14 + 7.0)  # seconds of the first and the second


def seconds_of(changes=(), num_draws=1):
    return Seconds({**STAGES, **dict(changes)}, num_draws)


def of_budgets(found, name):
    return [getattr(budget.seconds, name) for budget in found]


def test_selection_is_all_stages_of_the_rounds_that_lead_to_a_budget():
    assert seconds_of().selection(1) == pytest.approx(ROUNDS[0])
    assert seconds_of().selection(2) == pytest.approx(sum(ROUNDS))
    assert seconds_of(num_draws=3).selection(2) == pytest.approx(sum(ROUNDS) / 3)


@pytest.mark.parametrize("kind", ["train_ensemble", "predict_pool", "score", "select"])
def test_a_slow_stage_of_a_round_makes_the_selection_slow(kind):
    """Choosing k centers takes no floating-point operations that are counted, but time."""
    slow = seconds_of({f"{kind}@round1": stage(100.0)})
    assert slow.selection(1) == pytest.approx(ROUNDS[0])
    assert slow.selection(2) > 100


def test_whatever_else_searches_counts_for_every_budget():
    with_race = seconds_of({"race": stage(1.0, 10.0, 20.0), "race@round5": stage(50.0)})
    assert with_race.selection(1) == pytest.approx(ROUNDS[0] + 31)
    assert with_race.selection(2) == pytest.approx(sum(ROUNDS) + 31)


@pytest.mark.parametrize("missing", [name for name in STAGES if "@round" in name])
def test_without_the_seconds_of_a_stage_the_selection_has_none(missing):
    stages = {name: found for name, found in STAGES.items() if name != missing}
    assert math.isnan(Seconds(stages, 1).selection(2))


def test_seconds_of_another_machine_are_not_added():
    moved = seconds_of({"select@round1": stage(1.5, machine="a laptop")})
    assert moved.machine == HERE
    assert moved.selection(1) == pytest.approx(ROUNDS[0])
    assert math.isnan(moved.selection(2))


def test_speedups_are_those_of_the_targets_seconds_for_a_forward_pass(run):
    results = with_proxy(run, 1, 1, 40.0, predicted=120.0)
    first, both = budgets(results, seconds_of())

    # As its own proxy the target trains members of 140 and 200 passes and predicts 120, of 10 ms;
    # the proxy's pass takes 1 ms. All else stays as it is.
    own = (
        7.0 + 2 * 140 * 0.01 + 120 * 0.009,
        14.0 + 2 * (140 + 200) * 0.01 + 240 * 0.009,
    )
    assert of_budgets([first, both], "selection") == pytest.approx([ROUNDS[0], sum(ROUNDS)])
    assert of_budgets([first, both], "own_proxy") == pytest.approx(own)
    assert of_budgets([first, both], "target") == [None, pytest.approx(3.2)]
    assert of_budgets([first, both], "full") == pytest.approx([3.2, 3.2])
    assert not both.is_measured
    assert both.seconds.ratios == {
        "selection": pytest.approx(own[1] / sum(ROUNDS)),
        "total": pytest.approx((own[1] + 3.2) / (sum(ROUNDS) + 3.2)),
        "full": pytest.approx(3.2 / (sum(ROUNDS) + 3.2)),
    }
    # A stage takes time to start, which no FLOPs tell.
    assert both.flops.ratios["selection"] == pytest.approx(92_000 / 19_600)


def test_a_run_with_the_target_as_its_proxy_is_the_measured_baseline(run):
    results = with_proxy(run, 1, 1, 40.0)
    slow = {f"train_ensemble@round{number}": stage(3.0, 40.0, 40.0) for number in range(2)}
    (_, both) = budgets(results, seconds_of(), {"resnet8": seconds_of(slow)})
    assert both.is_measured
    assert both.seconds.own_proxy == pytest.approx(2 * (80 + 7))

    elsewhere = {name: replace(found, machine="a laptop") for name, found in STAGES.items()}
    (_, both) = budgets(results, seconds_of(), {"resnet8": Seconds(elsewhere, 1)})
    assert both.seconds.own_proxy is None


def test_a_run_whose_proxy_is_the_target_is_its_own_baseline(run):
    results = with_proxy(run, 4, 2, 100.0)
    target = results.params.train_subset_model
    own = results.params.train_ensemble.model_copy(
        update={"model": "resnet8", **{name: getattr(target, name) for name in COSTLY}}
    )
    results = replace(results, params=results.params.model_copy(update={"train_ensemble": own}))
    assert is_proxy(own, target)
    for budget in budgets(results, seconds_of()):
        assert budget.is_measured
        assert budget.seconds.ratios["selection"] == 1

    early = own.model_copy(update={"stop_after": 1})
    assert not is_proxy(early, target)


def test_what_is_not_known_has_no_speedup(run):
    found = budgets(with_proxy(run, 1, 1, 40.0))
    assert of_budgets(found, "selection") == of_budgets(found, "own_proxy") == [None, None]
    stages = {name: one for name, one in STAGES.items() if "train_subset_model" not in name}
    found = budgets(with_proxy(run, 1, 1, 40.0), Seconds(stages, 1))
    assert found[1].seconds.ratios == {"selection": None, "total": None, "full": None}


def test_seconds_come_first_and_flops_beside(run):
    last = budgets(with_proxy(run, 1, 1, 40.0, predicted=120.0), seconds_of())[-1]
    told = {name: ratio_in_words(last, name) for name in ("selection", "total", "full")}
    assert told == {
        "selection": "1.61 (4.69 in FLOPs)",
        "total": "1.5 (2.4 in FLOPs)",
        "full": "0.183 (0.62 in FLOPs)",
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (0.0123, "0.012 s"), (0.5, "0.500 s"), (12.34, "12.3 s"), (4210.4, "4,210 s")],
)
def test_seconds_in_words_have_three_digits(seconds, words):
    assert in_words(seconds) == words


def test_the_stages_whose_seconds_are_read_are_stages_of_dvc_yaml(run):
    shutil.copy(ROOT / "dvc.yaml", run.root)
    there = {found.name for found in dag.stages(run.root)}
    # A round's, a target's, and those that are known to be no search.
    assert {name for name in STAGES if name != "evaluate@resnet8-selected"} <= there


def test_the_report_prints_seconds_and_its_outputs_hold_none(run, capsys):
    def report(seconds):
        entries = {
            name: vars(replace(found, trainings=[seconds] * len(found.trainings)))
            for name, found in STAGES.items()
        }
        Path("metrics").mkdir(exist_ok=True)
        timings.PATH.write_text(json.dumps(entries))
        written = run.report(draw=False)
        del written["metrics/timings.json"]
        return written, capsys.readouterr().out

    (quick, told_quick), (slow, told_slow) = report(1.0), report(50.0)
    assert quick == slow
    assert "- The search took 18.0 s, as long as 18 full trainings (7.75 in FLOPs), " in told_quick
    assert "- The search took 214 s, as long as 4.28 full trainings (7.75 in FLOPs)" in told_slow
    assert "The search cost 7.75 full trainings in FLOPs" in slow["metrics/verdict.txt"].decode()
    assert b"python -m commands.costs" in slow["plots/report.html"]
