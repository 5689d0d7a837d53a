"""The benchmark of the whole pipeline."""

from dataclasses import replace

import pipeline
import pytest

from benchmarks import bench_pipeline
from benchmarks.bench_pipeline import Run
from benchmarks.side_by_side import Seconds

STAGES = {
    "prepare": 1.0,
    "train_ensemble@round0": 6.0,
    "predict_pool@round0": 2.0,
    "score@round0": 0.5,
    "select@round0": 0.5,
    "train_subset_model@net-full": 8.0,
}


def run_of(seconds):
    return Run(Seconds(seconds, 20.0), Seconds(1.5, 1.0), STAGES, {"search": 30.0, "full": 60.0}, 2)


def test_what_no_stage_took_is_that_of_dvc():
    # The stages take 18 seconds.
    lines = bench_pipeline.pipeline_table([run_of(20.0), run_of(24.0), run_of(30.0)]).splitlines()
    assert lines[2:6] == [
        "| `dvc repro` | 24.0 (20.0 to 30.0) | 20.0 (20.0 to 20.0) |",
        "| its stages | 18.0 (18.0 to 18.0) | |",
        "| DVC itself | 6.0 (2.0 to 12.0) | |",
        "| again, nothing to do | 1.5 (1.5 to 1.5) | 1.0 (1.0 to 1.0) |",
    ]
    assert lines[-1] == "DVC's share: 25%"


def test_stages_stand_by_their_seconds_and_the_search_beside_one_full_training():
    stages = bench_pipeline.stage_table([run_of(20.0)]).splitlines()
    assert stages[2] == "| train_subset_model@net-full | 8.0 (8.0 to 8.0) |"
    assert len(stages) == 2 + len(STAGES)
    # The round took 6 + 2 + 1/2 + 1/2 seconds.
    assert bench_pipeline.cost_table([run_of(20.0)]).splitlines()[2:] == [
        "| FLOPs | 30 | 60 | 0.50 |",
        "| seconds | 9.0 (9.0 to 9.0) | 2.0 (2.0 to 2.0) | 4.5 (4.5 to 4.5) |",
    ]


def test_the_search_is_that_of_one_draw_as_its_flops_are():
    assert replace(run_of(20.0), num_draws=3).search == pytest.approx(9 / 3)


def test_finished_members_of_other_runs_are_not_taken(monkeypatch):
    monkeypatch.setenv("SUBSET_RESUME", "elsewhere")
    with pytest.raises(SystemExit, match="SUBSET_RESUME is set"):
        bench_pipeline.main([])


@pytest.mark.slow
def test_a_fresh_clone_is_run_and_measured(tmp_path, monkeypatch, capsys):
    checkout = pipeline.tiny_checkout(tmp_path)
    for name, value in checkout.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SUBSET_RESUME")
    monkeypatch.chdir(checkout.folder)

    smaller = (
        "random_seeds=1",
        "rounds=[{from: 0.0625, to: 0.125}]",
        "compare.subsets=[selected, full]",
    )
    bench_pipeline.main(["--repetitions=1", "--set", *smaller])

    shown = capsys.readouterr().out
    for row in ("| `dvc repro` |", "| DVC itself |", "| train_ensemble@round0 |", "| FLOPs |"):
        assert row in shown
