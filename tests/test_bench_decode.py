"""Tests for benchmarks/bench_decode.py."""

import pytest

from benchmarks import bench_decode


@pytest.mark.slow
@pytest.mark.parametrize("has_folder", [False, True])
def test_all_ways_decode_the_same_files(tmp_path, monkeypatch, capsys, has_folder):
    monkeypatch.setenv("SUBSET_LOADERS", "1")
    folder = []
    if has_folder:
        bench_decode._generate(tmp_path, 5)
        folder = ["--folder", str(tmp_path)]

    bench_decode.main(["--images", "4", "--image-size", "8", "--repetitions", "1", *folder])

    shown = capsys.readouterr().out
    assert shown.startswith("# decode")
    assert "4 JPEGs" in shown
    for row in ("loader", "plain loops", "torchvision's", "loader : plain loops"):
        assert f"\n| {row} |" in shown
