"""Tests for map_signals.py and highest_maps.py of stages/shared/tasks/object_detection."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stages.shared import tasks
from stages.shared.artifacts import REDUCED_SIGNALS
from stages.shared.tasks.object_detection import map_signals as of_detection
from stages.shared.tasks.object_detection.highest_maps import NUM_IMAGES, HeatMaps
from stages.shared.tasks.object_detection.map_signals import (
    TOP_K,
    acquisition_maps,
    entropy,
    signals,
)

TASK = tasks.load("object_detection")


def maps_of(num_voters=4, num=30, num_classes=3, scale=4.0, seed=0):
    """Return probabilities of all sizes, and values of boxes that no signal may look at."""
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(num_voters, num, num_classes + 4, 3, 5, generator=generator) * scale
    return torch.stack([TASK.probabilities(part) for part in outputs])


def binary(p):
    return -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)


def plain_signals(maps_MBKHW):
    """The definitions, output by output, in Python's floats."""
    probs_MBL = maps_MBKHW[:, :, :-4].flatten(2).double().tolist()
    found = {name: [] for name in REDUCED_SIGNALS}
    for image in range(len(probs_MBL[0])):
        values = {"entropy": [], "mutual_information": [], "variation_ratios": []}
        for p_M in zip(*(voter[image] for voter in probs_MBL), strict=True):
            num, yes = len(p_M), sum(p > 0.5 for p in p_M)
            together = binary(sum(p_M) / num)
            values["entropy"].append(together)
            values["mutual_information"].append(together - sum(map(binary, p_M)) / num)
            values["variation_ratios"].append(1 - max(yes, num - yes) / num)
        for name, values_L in values.items():
            best = sorted(values_L)[-TOP_K:]
            found[f"{name}_max_N"].append(max(values_L))
            found[f"{name}_mean_N"].append(sum(values_L) / len(values_L))
            found[f"{name}_top_k_mean_N"].append(sum(best) / len(best))
    return found


def test_signals_are_those_of_the_definitions():
    maps_MBKHW = maps_of()
    found, expected = signals(maps_MBKHW, None), plain_signals(maps_MBKHW)
    assert sorted(found) == sorted(REDUCED_SIGNALS)
    for name, values in expected.items():
        assert found[name].dtype == torch.float32
        np.testing.assert_allclose(found[name], values, atol=1e-6)


def test_the_largest_mutual_information_is_not_the_difference_of_the_largest_entropies():
    """One output on which all are unsure, another on which sure voters disagree."""
    maps_MBKHW = torch.zeros(2, 1, 1 + 4, 1, 2)
    maps_MBKHW[:, 0, 0, 0, 0] = 0.5
    maps_MBKHW[0, 0, 0, 0, 1], maps_MBKHW[1, 0, 0, 0, 1] = 0.9, 0.1
    found = float(signals(maps_MBKHW, None)["mutual_information_max_N"])
    assert found == pytest.approx(math.log(2) - binary(0.9))
    largest = math.log(2) - math.log(2)  # of the mean, and the mean of the voters'
    assert found > largest + 0.3


@given(st.integers(0, 1000), st.sampled_from([0.1, 5.0, 100.0]), st.integers(1, 5))
def test_signals_are_in_their_range(seed, scale, num_voters):
    found = signals(maps_of(num_voters, 5, scale=scale, seed=seed), None)
    most = {"entropy": math.log(2), "mutual_information": math.log(2), "variation_ratios": 0.5}
    for name, largest in most.items():
        mean, top, best = (
            found[f"{name}_{reduction}_N"] for reduction in ("mean", "top_k_mean", "max")
        )
        assert (mean >= 0).all()
        assert (mean <= top + 1e-6).all()
        assert (top <= best + 1e-6).all()
        assert (best <= largest + 1e-6).all()
        assert best.isfinite().all()


def test_sure_voters_have_no_entropy_and_those_that_disagree_have_that_of_their_votes():
    """p = 0 and p = 1 are finite, exactly."""
    maps_MBKHW = torch.zeros(2, 2, 1 + 4, 1, 1)
    maps_MBKHW[0] = 1.0
    maps_MBKHW[1, 1] = 1.0
    found = signals(maps_MBKHW, None)
    half = np.float32(math.log(2))
    np.testing.assert_array_equal(found["entropy_max_N"], [half, 0])
    np.testing.assert_array_equal(found["mutual_information_max_N"], [half, 0])
    np.testing.assert_array_equal(found["variation_ratios_max_N"], [0.5, 0])


def test_one_voter_has_entropy_alone():
    found = signals(maps_of(1), None)
    assert found["entropy_max_N"].min() > 0
    assert not found["mutual_information_max_N"].any()
    assert not found["variation_ratios_max_N"].any()


@given(st.permutations(range(4)))
def test_the_order_of_the_voters_changes_nothing(order):
    maps_MBKHW = maps_of(num=5)
    found, expected = signals(maps_MBKHW[order], None), signals(maps_MBKHW, None)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-7)


@pytest.mark.parametrize("most", [1, 500, 2**20])
def test_signals_depend_on_no_batch_and_no_part_of_it(most, monkeypatch):
    maps_MBKHW = maps_of()
    expected = signals(maps_MBKHW, None)
    monkeypatch.setattr(of_detection, "MOST_OUTPUTS", most)
    parts = [signals(maps_MBKHW[:, rows], None) for rows in (slice(0, 7), slice(7, 30))]
    for name, values in expected.items():
        assert torch.equal(torch.cat([part[name] for part in parts]), values)


def test_a_voters_own_entropy_is_that_of_an_ensemble_of_it_alone():
    maps_MBKHW = maps_of()
    found = entropy(maps_MBKHW.double())
    assert found.shape == (4, 30)
    for voter in range(4):
        alone = signals(maps_MBKHW[voter : voter + 1], None)["entropy_max_N"]
        np.testing.assert_allclose(found[voter], alone, atol=1e-7)


def written(folder, maps_MBKHW, step):
    heat = HeatMaps()
    for start in range(0, maps_MBKHW.shape[1], step):
        rows = slice(start, min(start + step, maps_MBKHW.shape[1]))
        part = maps_MBKHW[:, rows]
        found = {name: values.numpy() for name, values in signals(part, None).items()}
        heat.add(rows, part, found)
    folder.mkdir()
    heat.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_heat_maps_are_those_of_the_highest_scored_images(tmp_path):
    maps_MBKHW = maps_of(num=50)
    written(tmp_path / "heat", maps_MBKHW, 7)
    everything = signals(maps_MBKHW, None)
    for name, maps_BCHW in acquisition_maps(maps_MBKHW).items():
        score_N = everything[f"{name}_max_N"].numpy()
        # By score, equal ones (there are few different variation ratios) by row.
        rows = sorted(range(50), key=lambda row: (-score_N[row], row))[:NUM_IMAGES]
        found = np.load(tmp_path / f"heat/heat_rows_{name}_K.npy")
        assert found.dtype == np.int64
        assert found.tolist() == rows
        np.testing.assert_array_equal(
            np.load(tmp_path / f"heat/heat_maps_{name}_KCHW.npy"),
            maps_BCHW[rows].numpy().astype(np.float16),
        )


def test_heat_maps_depend_on_no_batch(tmp_path):
    maps_MBKHW = maps_of(num=50)
    expected = written(tmp_path / "at once", maps_MBKHW, 50)
    for step in (1, 9):
        assert written(tmp_path / str(step), maps_MBKHW, step) == expected


def test_heat_maps_of_a_pool_of_few_images_are_all_there_are(tmp_path):
    written(tmp_path / "heat", maps_of(num=3), 2)
    rows = np.load(tmp_path / "heat/heat_rows_entropy_K.npy")
    assert sorted(rows.tolist()) == [0, 1, 2]
