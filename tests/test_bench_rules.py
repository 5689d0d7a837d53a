"""The benchmark of the selection rules, at tiny size."""

import pytest

from benchmarks import bench_rules

TINY = "--train 120 --classes 3 --features 4 --points 100 200 --rules class_quotas moderate"


@pytest.mark.slow
def test_rules_are_measured_in_the_stage_and_herding_by_its_growth(capfd):
    bench_rules.main(TINY.split())

    lines = capfd.readouterr().out.splitlines()
    rows = [line.removeprefix("| ").split(" | ") for line in lines if " | " in line]
    assert [row[0] for row in rows[1:3]] == ["class_quotas", "moderate"]
    assert [row[:2] for row in rows[-4:]] == [
        ["100", "1"],
        ["100", "25"],
        ["200", "2"],
        ["200", "50"],
    ]
