"""Tests for benchmarks/bench_recipe.py."""

import argparse
import sys

import in_process
import pytest
import toy

from benchmarks import bench_recipe, recipes
from benchmarks.recipes import Row
from commands.preset.presets import resolved
from stages.shared.errors import ParamsError
from stages.shared.settings.params import check_params

PRESET = toy.ROOT / "presets/cifar10_cpu.yaml"


def shown(accuracy, both=0.5, flops=100.0):
    return {
        "accuracy": {"identity": accuracy, "both": both},
        "images": 600,
        "flops": flops,
        "seconds": 2.0,
        "processor_seconds": 1.5,
    }


def seeds(*accuracies, **changes):
    return [shown(accuracy, **changes) for accuracy in accuracies]


def test_each_row_changes_one_setting_of_the_base_or_its_views():
    base = check_params(resolved(PRESET.stem)).train_ensemble
    arguments = argparse.Namespace(epochs=base.epochs, preset=PRESET, set=[])
    unchanged = bench_recipe.settings(arguments).model_dump()
    first, *others = recipes.rows(base)
    assert first == Row("base")
    for row in others:
        changed = bench_recipe.settings(arguments, row.changes).model_dump()
        different = [name for name, value in changed.items() if value != unchanged[name]]
        assert len(different) == (row.views == "identity"), row


def test_a_row_stands_beside_the_base_with_its_paired_difference():
    rows = [Row("base"), Row("other", ("precision=bf16",)), Row("mirrored", views="both")]
    found = {
        "base": seeds(0.70, 0.72),
        "other": seeds(0.71, 0.75),
        "mirrored": [shown(0.70, both=0.73), shown(0.72, both=0.77)],
    }

    lines = recipes.table(rows, found).splitlines()

    # Differences 1 and 3: mean 2, sd 1.414, error 1; t of one degree of freedom 12.706.
    assert lines[2:] == [
        "| base | 71.00 |  | 300 | 2.0 | 1.5 | 100 |",
        "| other | 73.00 | +2.00 ± 1.00 (95 %: ± 12.71) | 300 | 2.0 | 1.5 | 100 |",
        "| mirrored | 75.00 | +4.00 ± 1.00 (95 %: ± 12.71) | 300 | 2.0 | 1.5 | 100 |",
    ]


def test_what_wins_is_put_together():
    """Better for certain, or cheaper and as good; of one setting the better."""
    rows = [
        Row("base"),
        Row("smooth 0.1", ("label_smoothing=0.1",)),
        Row("smooth 0.2", ("label_smoothing=0.2",)),
        Row("unclear", ("first_layer=whitened",)),
        Row("worse and cheaper", ("optimizer.nesterov=false",)),
        Row("as good and cheaper", ("augmentation.crop_padding=0",)),
        Row("bf16", ("precision=bf16",)),
        Row("mirrored", views="both"),
    ]
    found = {
        "base": seeds(0.700, 0.720),
        "smooth 0.1": seeds(0.710, 0.730),
        "smooth 0.2": seeds(0.720, 0.740),
        "unclear": seeds(0.710, 0.720),
        "worse and cheaper": seeds(0.694, 0.714, flops=90.0),
        "as good and cheaper": seeds(0.696, 0.716, flops=90.0),
        "bf16": seeds(0.710, 0.730),
        "mirrored": seeds(0.700, 0.720, both=0.3),
    }

    winner = recipes.all_winners(rows, found)

    assert winner.changes == ("label_smoothing=0.2", "augmentation.crop_padding=0")
    assert winner.views == "identity"
    assert winner.name == "all of: smooth 0.2, as good and cheaper"


def test_a_single_winner_needs_no_row_of_its_own():
    rows = [Row("base"), Row("smooth", ("label_smoothing=0.1",))]
    found = {"base": seeds(0.70, 0.72), "smooth": seeds(0.71, 0.73)}
    assert recipes.all_winners(rows, found) is None


@pytest.fixture
def run(prepared, tmp_path, monkeypatch, capsys):
    """Run the benchmark at tiny size; return what it printed."""
    command = f"bench_recipe --prepared {prepared} --preset {PRESET} --work {tmp_path}/results"
    command += " --model resnet8 --samples 30 --epochs 1 --measured 20 --random-seeds 0 1"
    in_process.patch(monkeypatch)

    def run(*more):
        monkeypatch.setattr(sys, "argv", [*command.split(), *more])
        bench_recipe.main()
        return capsys.readouterr().out

    return run


def rows_of(printed):
    return [line for line in printed.splitlines() if line.startswith("| ")]


@pytest.mark.slow
def test_it_runs_and_goes_on_where_it_was_broken_off(run, tmp_path):
    arguments = ["--set", "augmentation.crop_padding=1", "--rows", "bf16", "mirrored views"]

    first = run(*arguments)
    kept = sorted((tmp_path / "results").iterdir())
    kept[0].unlink()
    again = run(*arguments)

    assert "resnet8, 30 samples, 1 epochs, random seeds [0, 1], 20 measured" in first
    names = [line.split(" | ")[0] for line in rows_of(first)]
    assert names[:4] == ["| recipe", "| base", "| mirrored views", "| bf16"]
    assert "FLOPs are those of training alone: mirrored views double" in first
    assert first.count(" of 4: ") >= 3, "base and bf16; the mirrored views are of the base"
    assert again.count(" of 4: ") == 1, "what was dropped"
    accuracies = [[line.split(" | ")[1:3] for line in rows_of(text)] for text in (first, again)]
    assert accuracies[0] == accuracies[1]


@pytest.mark.slow
def test_what_was_measured_by_other_code_is_measured_again(run, tmp_path, monkeypatch):
    arguments = ["--set", "augmentation.crop_padding=1", "--rows", "none", "--random-seeds", "0"]
    first = run(*arguments)
    again = run(*arguments)
    changed = tmp_path / "prediction.py"
    changed.write_text(bench_recipe.PREDICTION.read_text() + "\nOTHER = 1\n")
    monkeypatch.setattr(bench_recipe, "PREDICTION", changed)
    afterwards = run(*arguments)

    assert [text.count("1 of 1: ") for text in (first, again, afterwards)] == [1, 0, 1]


def test_a_misspelt_setting_is_refused(run):
    with pytest.raises(ParamsError, match="label_smoothing is 2; it must be"):
        run("--set", "label_smoothing=2")


def test_each_training_is_a_row_of_csv_and_mirrored_views_are_none_of_their_own():
    arguments = argparse.Namespace(model="m", samples=10, epochs=2, random_seeds=[3, 4])
    rows = [Row("base"), Row("fp32", ("precision=fp32",)), Row("mirrored", views="both")]
    found = {row.name: seeds(0.7, 0.72) for row in rows}

    assert bench_recipe.trainings(arguments, rows, found) == [
        ["m", 10, 2, name, seed, accuracy, 50.0, 600, 1.5]
        for name in ("base", "fp32")
        for seed, accuracy in ((3, 70.0), (4, 72.0))
    ]
