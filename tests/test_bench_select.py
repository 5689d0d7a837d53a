"""The benchmark of scoring and selecting, at tiny size."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from benchmarks import bench_select
from benchmarks.bench_select import Usage
from benchmarks.generated import Scale, write_round
from benchmarks.side_by_side import Seconds
from stages.shared import artifacts

TINY = "--train 200 --classes 3 7 --members 2 --checkpoints 2 --points 90 --features 6 --picks 30"


@pytest.mark.slow
def test_both_stages_and_both_ways_of_k_centers_are_measured(capfd):
    bench_select.main([*TINY.split(), "--loop-share=3", "--repetitions=1"])

    shown = capfd.readouterr().out
    rows = [line.split(" | ")[:2] for line in shown.splitlines() if line.startswith("| ")]
    stages = [[f"| {num}", stage] for num in (3, 7) for stage in ("score", "select", "both")]
    assert [row for row in rows if row in stages] == stages
    assert "200 samples, 4 voters, variation_ratios" in shown
    assert "30 of 90 points with 6 features; the loop made 1/3 of the picks" in shown
    assert "| ours : loop |" in shown


def test_seconds_of_both_stages_are_added_run_by_run():
    runs = [
        {"score": Usage(Seconds(2.0, 1.0), 100.4), "select": Usage(Seconds(5.0, 4.0), 50.0)},
        {"score": Usage(Seconds(4.0, 3.0), 200.0), "select": Usage(Seconds(1.0, 1.0), 50.0)},
    ]

    assert bench_select.stage_table({10: runs}).splitlines()[2:] == [
        "| 10 | score | 3.0 (2.0 to 4.0) | 2.0 (1.0 to 3.0) | 150 (100 to 200) |",
        "| 10 | select | 3.0 (1.0 to 5.0) | 2.5 (1.0 to 4.0) | 50 (50 to 50) |",
        "| 10 | both | 6.0 (5.0 to 7.0) | 4.5 (4.0 to 5.0) |  |",
    ]


def test_the_generated_round_is_one_that_the_stages_accept(tmp_path):
    scale = Scale(300, 2, 3, num_classes=5, from_size=0.25, to_size=0.5)
    write_round(tmp_path, scale)

    signals = artifacts.load_signals(tmp_path / "data/signals/0.25/seed-0", 300)
    assert signals["votes_MN"].shape == (6, 300)
    assert set(np.unique(signals["votes_MN"])) <= set(range(5))
    assert (signals["expected_entropy_N"] <= signals["predictive_entropy_N"]).all()
    subset = artifacts.load_subset(tmp_path / "data/subsets/0.25/seed-0.csv", 300)
    dynamics = artifacts.load_dynamics(tmp_path / "data/dynamics/0.25/seed-0", 300)
    assert sorted(subset.index_P) == dynamics.row_R.tolist()
    assert len(subset) == 75


def test_a_generated_round_is_the_same_each_time(tmp_path):
    written = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_round(tmp_path / name, Scale(50, 2, 2, num_classes=3))
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        written.append(
            {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}
        )
    assert written[0] == written[1]


def test_the_loop_keeps_to_the_definition_of_k_centers():
    points_ND = bench_select.clusters(60, 6)
    distance_NN = cdist(points_ND, points_ND)

    picks = bench_select.pick_in_a_loop(points_ND, 7, 20).tolist()

    assert picks[0] == 7
    for number in range(1, 20):
        to_nearest_N = distance_NN[picks[:number]].min(axis=0)
        assert to_nearest_N[picks[number]] == to_nearest_N.max()
