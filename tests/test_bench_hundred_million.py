"""The benchmark of a hundred million samples, at tiny size."""

import subprocess
import sys

import numpy as np
import pytest
from toy import ROOT

from benchmarks import bench_hundred_million
from benchmarks.bench_hundred_million import PLAIN, Step
from benchmarks.side_by_side import Seconds


def test_every_function_is_measured(capfd):
    bench_hundred_million.main(["--train=2000"])

    shown = capfd.readouterr().out
    assert "2,000 samples, 5 voters, 10 classes; 200 in the subset, 400 added" in shown
    names = [line.split(" | ")[0][2:] for line in shown.splitlines() if line.startswith("| ")]
    assert names == [
        "function",
        "score: entropy",
        "score: mutual_information",
        "score: variation_ratios",
        "random numbers by id",
        "select: top, outliers, balanced, by variation_ratios",
        "select: proportional, by mutual_information",
        "all",
    ]


def test_more_data_than_the_limit_is_an_error():
    with pytest.raises(MemoryError):
        bench_hundred_million.main(["--train=1_000_000_000", "--limit-gb=1"])


def test_the_highest_scored_outside_the_subset_are_added_and_equals_by_their_random_number():
    score_N = np.repeat([1.0, 3.0, 2.0], 10)  # rows 0, 10 and 20 are in the subset
    tie_N = np.linspace(1, 0, 30)
    targets_N = np.zeros(30, dtype=np.int64)
    picks = bench_hundred_million.select(PLAIN, score_N, targets_N, tie_N)
    assert picks.tolist() == [19, 18, 17, 16, 15, 14]


@pytest.mark.parametrize("picks", [[1, 2, 2, 3], [1, 2, 3, 10], [1, 2, 3]])
def test_a_pick_that_is_missing_or_in_the_subset_already_is_noticed(picks):
    bench_hundred_million.require_all_different(np.array([1, 2, 3, 4]), 20)
    with pytest.raises(SystemExit):
        bench_hundred_million.require_all_different(np.array(picks), 20)


TWO_STEPS = """
import numpy as np
from benchmarks.bench_hundred_million import Steps
steps = Steps()
steps.run("large", lambda: np.ones(50_000_000).sum())
assert steps.run("small", lambda: 7) == 7
print(*(step.peak_gb for step in steps.taken))
"""


@pytest.mark.slow
def test_the_peak_of_a_step_is_that_of_the_step_alone():
    # A process of its own: another's may keep what it once had.
    shown = subprocess.run(
        [sys.executable, "-c", TWO_STEPS], check=True, capture_output=True, text=True, cwd=ROOT
    )
    large, small = map(float, shown.stdout.split())
    assert 0.3 < large - small < 0.45  # 0.37 GB in one array


def test_the_table_adds_seconds_and_takes_the_highest_peak():
    steps = [Step("one", Seconds(3.0, 2.0), 1.25), Step("other", Seconds(1.0, 0.5), 7.75)]
    assert bench_hundred_million.table(steps, 1_000_000).splitlines()[2:] == [
        "| one | 3.0 | 2.0 | 2000 | 1.2 |",
        "| other | 1.0 | 0.5 | 500 | 7.8 |",
        "| all | 4.0 | 2.5 | 2500 | 7.8 |",
    ]
