"""Tests for benchmarks/coverage.py, and a small grid of it for the metrics that have no other."""

import json

import numpy as np
import pytest

from benchmarks import coverage
from stages.shared.samples.randomness import generator


def test_the_table_adds_up_all_blocks(tmp_path):
    for block, number in enumerate((18, 20)):
        path = tmp_path / f"classes-{block}.json"
        path.write_text(json.dumps({"macro_f1 rare;3;2": number, "accuracy even;1;8": 20}))
    first, second = coverage.table(tmp_path)
    assert first["metric"] == "accuracy even"
    assert (first["covered"], first["error"]) == (100, 0)
    assert (second["draws"], second["members"], second["simulations"]) == (3, 2, 40)
    assert second["covered"] == 95
    assert second["error"] == pytest.approx(100 * (0.95 * 0.05 / 40) ** 0.5, abs=0.01)


def test_finished_blocks_are_kept_and_equal_seeds_give_equal_blocks(tmp_path, monkeypatch):
    monkeypatch.setitem(coverage.BLOCKS, "classes", 2)
    monkeypatch.setattr(coverage, "DRAWS", (1, 2))
    monkeypatch.setattr(coverage, "MEMBERS", (2,))
    arguments = ["coverage", "--simulations", "4", "0", "--work", str(tmp_path / "work")]
    monkeypatch.setattr("sys.argv", [*arguments, "--out", str(tmp_path / "table.csv")])
    coverage.main()
    written = (tmp_path / "table.csv").read_text()
    assert written.count("\n") == 1 + 3 * 3 * 2  # head; kinds of classes, metrics, draws
    path = tmp_path / "work/classes-1.json"
    path.unlink()
    kept = tmp_path / "work/classes-0.json"
    kept.write_text(kept.read_text())
    coverage.main()
    assert (tmp_path / "table.csv").read_text() == written


@pytest.mark.parametrize("kind", ["classes", "scenes"])
def test_both_kinds_of_subset_are_equally_good(kind, monkeypatch):
    """Pseudo-values of each member have the metric as their mean; the sides differ by chance."""
    monkeypatch.setattr(coverage, "MEMBERS", (2,))
    first, second = coverage.KINDS[kind](generator(0, "test"), 2)
    assert first.keys() == second.keys()
    for metric, values_RMT in first.items():
        assert values_RMT.shape[:2] == (2, 2)
        assert 0.1 < values_RMT.mean() < 0.95, metric
        assert np.abs(values_RMT.mean() - second[metric].mean()) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classes", "scenes"])
def test_intervals_of_every_metric_cover(kind, monkeypatch):
    """The Monte Carlo error of 95 % is 1.1 points, and 2 of the scenes, which take longer."""
    num, least = {"classes": (400, 0.9), "scenes": (120, 0.89)}[kind]
    monkeypatch.setitem(coverage.BLOCKS, kind, num)
    monkeypatch.setattr(coverage, "DRAWS", (1, 3))
    monkeypatch.setattr(coverage, "MEMBERS", (2,))
    for cell, number in coverage.covered(kind, 0).items():
        assert number / num >= least, cell
