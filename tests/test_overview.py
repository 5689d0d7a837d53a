"""Tests for benchmarks/overview.py."""

import numpy as np
import pipeline

from benchmarks import overview


def test_the_accuracies_are_those_of_the_first_table():
    text = (
        "| points | mean | error |\n|---|---|---|\n| selected | 9.5 | 0.5 |\n"
        "| random | 8.25 | 0.1 |\n| full | 10 | 0.25 |\n\n| selected | 1.0 | 0.1 |\n"
    )
    found = overview.measured_in(text)
    assert found == {"selected": (9.5, 0.5), "random": (8.25, 0.1), "full": (10.0, 0.25)}


def test_the_results_have_the_accuracies_of_the_picture():
    found = overview.measured_in(overview.MEASURED.read_text())
    shown = " | ".join(f"{found[kind][0]:.2f}" for kind in ("selected", "random", "full"))
    [row] = [
        line
        for line in (pipeline.ROOT / "docs/results.md").read_text().splitlines()
        if shown in line
    ]
    assert "presets/digits.yaml" in row


def test_a_montage_has_the_images_in_reading_order():
    num = overview.SIDE**2
    image_PHW = np.arange(num)[:, None, None] * np.ones((num, 2, 2))
    grid = overview.montage(image_PHW)
    assert grid.shape == (overview.SIDE * 4, overview.SIDE * 4)
    np.testing.assert_array_equal(grid[1::4, 1::4].ravel(), np.arange(num))
    assert not grid[::4].any()
