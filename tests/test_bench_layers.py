"""Tests for benchmarks/bench_layers.py."""

import pytest
import torch

from benchmarks import bench_layers
from benchmarks.bench_layers import Layer


def test_each_layer_stands_beside_the_ceiling_that_is_its_own():
    """Three passes of 2e6 in 0.01 s are 6e8 of 1e9; 2 x 4 bytes x 1e5 in 0.004 s are 2e8 of 1e9."""
    found = [
        Layer("0 Conv2d", "a to b", 2e6, 100, 0.004, 0.006),
        Layer("1 GELU", "b to b", 0, 100_000, 0.001, 0.003),
    ]

    lines = bench_layers.table(found, (0.005, 0.02), 10, torch.float32, 1e9, 1e9).splitlines()

    assert lines[4:6] == [
        "| 0 Conv2d | a to b | 0.2 | 10.0 | 71% | 60% of products |",
        "| 1 GELU | b to b | 0.0 | 4.0 | 29% | 20% of copies |",
    ]
    assert lines[-1] == (
        "Training: 500 images/s, 30% of products; its layers take 70% of it. "
        "Prediction: 2,000 images/s, 40%."
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_layers_do_the_operations_of_the_network(dtype):
    """The last convolution has 64 channels: 2 x 64 x 64 x 9 for its only position."""
    found = bench_layers.layers("airbench_quarter", 16, 2, dtype, 1)

    first, *_, last = [layer for layer in found if layer.flops]
    assert (first.flops, last.flops) == (2 * 2 * 12 * 24 * 15 * 15, 2 * 2 * 64 * 64 * 9 * 1)
    assert first.backward == pytest.approx(0, abs=0.01)  # it is frozen, on inputs without gradient
    assert len(found) == 1 + 1 + 3 * 9 + 1
    assert all(layer.seconds > 0 for layer in found[1:])
