"""Tests for benchmarks/cifar10_table.py: what is counted, by hand, and what is not run again."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from benchmarks import cifar10_table, rows, stages_here
from benchmarks.cifar10_runs import PRETRAIN, RULES, SCHEMES, Cell, Found
from benchmarks.cifar10_table import (
    HEADER,
    as_good,
    cost,
    difference,
    lengths_of_everything,
    main,
    seconds_on_everything,
    table,
)
from stages.shared.artifacts import load_subset
from stages.shared.running import dispatch


def found(arm, seed, accuracy, training=10.0, **other):
    """Return a row of a target; `other` is what differs from half of the data in ten epochs."""
    of = {
        "preset": "cifar10_airbench_cpu",
        "changes": "",
        "model": "airbench",
        "epochs": 10,
        "budget": 0.5,
        "arm": arm,
        "proxy_epochs": 4 if arm == "selected" else 0,
        "length": "epochs",
        "seed": seed,
        "picks": 5,
        "updates": 2,
        "accuracy": accuracy,
        "ensemble_accuracy": accuracy,
        "training_seconds": training,
        "search_seconds": 0.0,
        "machine": "one",
        **other,
    }
    return dict(zip(HEADER, map(str, astuple(Found(**of))), strict=True))


def test_differences_are_paired_by_seed_and_costs_are_in_trainings_on_everything():
    """Selected minus random 1 and 2: mean 1.5, sd 0.7071, error 0.5, t 12.706. (10 + 4) / 20."""
    shown = table(
        [
            *(found("everything", seed, 95.0, 20.0, budget=1.0) for seed in (0, 1)),
            *(found("random", seed, 90.0 + seed) for seed in (1, 0)),
            found("selected", 0, 91.0, search_seconds=4.0),
            found("selected", 1, 93.0, search_seconds=4.0),
        ]
    ).splitlines()

    assert shown[2:] == [
        "| `airbench`, 10 | 50% | random |  | epochs | 2 | 90.50 |  | -4.50 ± 6.35 | 0.50 | <1.00 "
        "| 94.30; 93.1 |",
        "| `airbench`, 10 | 50% | selected | 4 | epochs | 2 | 92.00 | +1.50 ± 6.35 | -3.00 ± 12.71 "
        "| 0.70 | <1.00 | 96.30 |",
        "| `airbench`, 10 | 100% | everything |  | epochs | 2 | 95.00 |  |  | 1.00 |  | 96.18 |",
    ]


def test_everything_as_good_lies_between_the_lengths_that_were_trained():
    """80 % in 5 s and in 15 s (mean 10), 90 % in 40 s: 85 % in the geometric mean, half of one."""
    found_of = [
        found("everything", 0, 81.0, 5.0, budget=1.0, epochs=3),
        found("everything", 1, 79.0, 15.0, budget=1.0, epochs=3),
        found("everything", 0, 90.0, 40.0, budget=1.0, epochs=10),
        found("random", 0, 99.0),
    ]
    lengths = lengths_of_everything(found_of, {"one": 40.0})

    assert lengths == [(80.0, 0.25), (90.0, 1.0)]
    assert [as_good(points, lengths) for points in (85.0, 79.0, 90.1)] == ["0.50", "<0.25", ">1.00"]
    lost = found("everything", 2, 80.0, float("nan"), budget=1.0, epochs=3)
    assert lengths_of_everything([*found_of, lost], {"one": 40.0}) == lengths
    shown = table([*found_of, found("selected", 0, 85.0)])
    assert "| 85.00 | -14.00 | -5.00 | 0.25 | 0.50 |" in shown


def test_costs_are_in_seconds_of_the_same_machine():
    """On one machine everything takes 40 s, on another 10 s, on a third nobody knows."""
    everything = {"budget": 1.0, "epochs": 10}
    of_all = [
        found("everything", 0, 90.0, 40.0, **everything),
        found("everything", 1, 90.0, 10.0, machine="other", **everything),
    ]
    selected = [
        found("selected", 0, 80.0, 10.0),
        found("selected", 1, 80.0, 5.0, machine="other"),
        found("selected", 2, 80.0, 5.0, machine="third"),
    ]
    one = seconds_on_everything([*of_all, *selected])

    assert one == {"one": 40.0, "other": 10.0}
    assert [cost(row, one) for row in selected] == [0.25, 0.5, pytest.approx(np.nan, nan_ok=True)]
    assert "| 3 | 80.00 |  | -10.00 ± 0.00 | 0.38 |" in table([*of_all, *selected])


def test_changes_of_the_search_are_compared_with_the_same_random_subsets():
    """Others are of another target, which has its own random subsets and its own everything."""
    by_entropy, flat = "acquisition=entropy", "train_subset_model.label_smoothing=0.0"
    shown = table(
        [
            found("everything", 0, 95.0, 20.0, budget=1.0),
            found("random", 0, 90.0),
            found("selected", 0, 91.0),
            found("selected", 0, 92.0, changes=by_entropy),
            found("everything", 0, 85.0, 20.0, budget=1.0, changes=flat),
            found("random", 0, 80.0, changes=flat),
            found("selected", 0, 83.0, changes=f"{by_entropy}; {flat}"),
        ]
    ).splitlines()[2:]

    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in shown]
    assert [(row[0], row[2], *row[6:9]) for row in cells] == [
        ("`airbench`, 10", "random", "90.00", "", "-5.00"),
        ("`airbench`, 10", "selected", "91.00", "+1.00", "-4.00"),
        ("`airbench`, 10", f"selected, {by_entropy}", "92.00", "+2.00", "-3.00"),
        ("`airbench`, 10", "everything", "95.00", "", ""),
        (f"`airbench`, 10, {flat}", "random", "80.00", "", "-5.00"),
        (f"`airbench`, 10, {flat}", f"selected, {by_entropy}; {flat}", "83.00", "+3.00", "-2.00"),
        (f"`airbench`, 10, {flat}", "everything", "85.00", "", ""),
    ]


def test_where_targets_have_several_members_their_ensembles_have_lines_of_their_own():
    shown = table(
        [
            found("random", 0, 90.0, ensemble_accuracy=92.0),
            found("selected", 0, 91.0, ensemble_accuracy=92.5),
        ]
    )
    assert "| random, ensemble |  | epochs | 1 | 92.00 |" in shown
    assert "| selected | 4 | epochs | 1 | 91.00 | +1.00 |" in shown
    assert "| selected, ensemble | 4 | epochs | 1 | 92.50 | +0.50 |" in shown


def test_a_seed_without_its_pair_has_no_difference():
    here = {"0": found("selected", 0, 91.0), "1": found("selected", 1, 80.0)}

    assert difference(here, {"0": found("random", 0, 90.5)}) == "+0.50"
    assert difference(here, {}) == ""


@pytest.fixture
def series(tmp_path, monkeypatch):
    """Return the command's arguments, and what it trains."""
    trained = []

    def target(cell, arm, length):
        trained.append((cell.seed, cell.budget, arm, length))
        budget = 1.0 if arm == "everything" else cell.budget
        of = (
            cell.preset,
            cell.changes_of(arm),
            cell.model,
            cell.epochs,
            budget,
            arm,
            0,
            length,
            cell.seed,
        )
        return Found(
            *of,
            picks=1,
            updates=1,
            accuracy=50.0,
            ensemble_accuracy=50.0,
            training_seconds=1.0,
            search_seconds=0.0,
            machine="one",
        )

    monkeypatch.setattr(Cell, "target", target)
    monkeypatch.setattr(stages_here, "enter", lambda *_: None)
    return ["--out", str(tmp_path / "out.csv"), "--budgets", "0.5", "0.1"], trained


def test_rows_are_added_as_they_are_finished_and_not_made_again(series):
    arguments, trained = series
    asked = ["--arms", "random", "--lengths", "epochs"]

    main([*arguments, *asked, "--seeds", "0"])
    assert trained == [(0, 0.5, "everything", "epochs"), *_random(0)]
    main([*arguments, *asked, "--seeds", "0", "1"])

    assert trained[3:] == [(1, 0.5, "everything", "epochs"), *_random(1)]
    kept = rows.load(cifar10_table._parse(arguments).out)
    assert [(row["seed"], row["budget"]) for row in kept] == [
        (seed, budget) for seed in "01" for budget in ("1.0", "0.5", "0.1")
    ]


def test_a_change_of_the_search_trains_no_random_subset_again(series):
    arguments, trained = series
    asked = ["--arms", "random", "selected", "--lengths", "epochs", "--seeds", "0"]
    main([*arguments, *asked])
    before = len(trained)
    main([*arguments, *asked, "--set", "acquisition=entropy"])

    assert trained[before:] == [(0, budget, "selected", "epochs") for budget in (0.5, 0.1)]
    kept = rows.load(cifar10_table._parse(arguments).out)
    assert [row["changes"] for row in kept[before:]] == ["acquisition=entropy"] * 2


def _random(seed):
    return [(seed, budget, "random", "epochs") for budget in (0.5, 0.1)]


def test_what_there_is_can_be_shown_alone(series, capsys):
    arguments, trained = series
    main([*arguments, "--show"])
    assert trained == []
    assert capsys.readouterr().out.startswith("| target, epochs |")


def test_a_race_that_hands_on_what_was_selected_needs_no_target_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = Cell("cifar10_airbench_cpu", "airbench", 1, 1, 0.5, 0)
    for arm, subset in (("random", "1"), ("selected", "2"), ("race", "2")):
        path = cell._subset(arm)
        path.parent.mkdir(parents=True)
        path.write_text(subset)
    arms = ("random", "selected", "race")
    assert [*map(cell._first_with_the_subset_of, arms)] == ["random", "selected", "selected"]
    cell._subset("race").write_text("3")
    assert cell._first_with_the_subset_of("race") == "race"


@pytest.mark.slow
def test_each_arm_chooses_as_many_and_rules_from_one_training_for_all_budgets(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", "")
    monkeypatch.setattr(dispatch, "map_pieces", dispatch.map_pieces)  # the benchmark sets its own
    rng = np.random.default_rng(0)
    for place in range(120):
        file = tmp_path / f"raw/cifar10/{'test' if place < 40 else 'train'}/{place % 2}/{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(file)
    arguments = ["--model", "airbench_quarter", "--epochs", "10", "--proxy-epochs", "1"]
    arguments += ["--lengths", "epochs", "--seeds", "0", "--raw", str(tmp_path / "raw")]
    arguments += ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out.csv")]
    arguments += ["--set", "dataset.validation_fraction=0.2", "train_ensemble.batch_size=32"]
    arms = ["random", "selected", "race", *SCHEMES, *RULES]

    main([*arguments, "--budgets", "0.5", "--arms", *arms])
    searched = Path("signals-target.txt").read_text(encoding="utf-8")
    main([*arguments, "--budgets", "0.25", "--arms", "dual", "race"])

    found = rows.load(tmp_path / "out.csv")
    assert Path("signals-target.txt").read_text(encoding="utf-8") == searched
    assert {(row["arm"], row["budget"]): row["picks"] for row in found} == {
        ("everything", "1.0"): "64",
        **{(arm, "0.5"): "32" for arm in arms},
        **{(arm, "0.25"): "16" for arm in ("dual", "race")},
    }
    files = Path("data/comparison").glob("*/seed-0.csv")
    picked = {file.parent.name: tuple(sorted(load_subset(file, 64).index_P)) for file in files}
    assert picked["selected-0.5-pretrain"] == picked["0.5-compress"]
    at_once = [*SCHEMES.keys() - {PRETRAIN}, *RULES]
    assert len({picked[f"0.5-{arm}"] for arm in at_once}) == len(at_once)
    # Ten updates at a rate of 0.001 leave the proxies' weights nearly as they were.
    assert 0 < from_proxies("0.5-pretrain-epochs") < 0.1 * from_proxies("0.5-compress-epochs")


def from_proxies(target):
    """Return how far a target's weights are from those of the first proxy on everything."""
    at = ("ensembles/proxies/1.0", f"subset_models/{target}")
    files = [sorted(Path("data").glob(f"{folder}/seed-0/member-00/*"))[-1] for folder in at]
    first, last = map(load_file, files)
    trained = [name for name in first if name.endswith((".weight", ".bias"))]
    return sum(float((first[name] - last[name]).square().sum()) for name in trained)


def test_fine_tuning_needs_targets_of_the_proxies_network():
    cell = Cell("cifar10_airbench_cpu", "airbench", 1, 1, 0.5, 0)
    with pytest.raises(SystemExit, match="pretrain starts from airbench_quarter; --model is airb"):
        cell.target("pretrain", "epochs")
