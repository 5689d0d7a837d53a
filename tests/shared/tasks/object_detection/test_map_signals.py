"""Tests for map_signals.py and highest_maps.py of stages/shared/tasks/object_detection."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared import tasks
from stages.shared.artifacts import REDUCED_ACQUISITIONS, REDUCED_SIGNALS
from stages.shared.tasks.object_detection import map_signals as of_detection
from stages.shared.tasks.object_detection.box_targets import Boxes
from stages.shared.tasks.object_detection.highest_maps import NUM_IMAGES, HeatMaps
from stages.shared.tasks.object_detection.map_signals import TOP_K, acquisition_maps, entropy
from stages.shared.tasks.object_detection.maps import STRIDE

TASK = tasks.load("object_detection")


def maps_of(num_voters=4, num=30, num_classes=3, scale=4.0, seed=0):
    """Return probabilities of all sizes, and values of boxes that no signal may look at."""
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(num_voters, num, num_classes + 4, 3, 5, generator=generator) * scale
    return torch.stack([TASK.probabilities(part) for part in outputs])


def signals(maps_MBKHW, boxes=None):
    return of_detection.signals(maps_MBKHW, nothing(maps_MBKHW) if boxes is None else boxes)


def nothing(maps_MBKHW):
    """Return images without any object, of the size that the maps are of."""
    return objects([[]] * maps_MBKHW.shape[1], maps_MBKHW.shape[-2:])


def objects(images, map_size):
    """Return small boxes around the middle of positions: (class, row, column), of each image."""
    most = max(map(len, images))
    corners_NG4 = torch.zeros(len(images), most, 4)
    classes_NG = torch.zeros(len(images), most, dtype=torch.int64)
    for place, entries in enumerate(images):
        for number, (label, row, column) in enumerate(entries):
            x, y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
            corners_NG4[place, number] = torch.tensor([x - 2, y - 3, x + 2, y + 3])
            classes_NG[place, number] = label
    counts = torch.tensor([len(entries) for entries in images])
    is_there_NG = torch.arange(most) < counts[:, None]
    height, width = map_size
    return Boxes(corners_NG4, classes_NG, is_there_NG, (height * STRIDE, width * STRIDE))


def placed(num=30, num_classes=3, seed=0):
    """Return up to three objects of each image, for maps of 3 x 5 positions."""
    rng = np.random.default_rng(seed)
    return [
        [tuple(map(int, rng.integers((num_classes, 3, 5)))) for _ in range(rng.integers(4))]
        for _ in range(num)
    ]


def binary(p):
    return -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)


def plain_signals(maps_MBKHW, images):
    """The definitions, output by output, in Python's floats."""
    probs_MBL = maps_MBKHW[:, :, :-4].flatten(2).double().tolist()
    found = {name: [] for name in REDUCED_SIGNALS}
    for image in range(len(probs_MBL[0])):
        values = {name: [] for name in REDUCED_ACQUISITIONS}
        is_there = {label * 15 + row * 5 + column for label, row, column in images[image]}
        for place, p_M in enumerate(zip(*(voter[image] for voter in probs_MBL), strict=True)):
            num, yes = len(p_M), sum(p > 0.5 for p in p_M)
            together = binary(sum(p_M) / num)
            values["entropy"].append(together)
            values["mutual_information"].append(together - sum(map(binary, p_M)) / num)
            values["variation_ratios"].append(1 - max(yes, num - yes) / num)
            values["error_count"].append(sum((p > 0.5) != (place in is_there) for p in p_M) / num)
        for name, values_L in values.items():
            best = sorted(values_L)[-TOP_K:]
            found[f"{name}_max_N"].append(max(values_L))
            found[f"{name}_mean_N"].append(sum(values_L) / len(values_L))
            found[f"{name}_top_k_mean_N"].append(sum(best) / len(best))
    return found


def test_signals_are_those_of_the_definitions():
    maps_MBKHW, images = maps_of(), placed()
    found = signals(maps_MBKHW, objects(images, (3, 5)))
    expected = plain_signals(maps_MBKHW, images)
    assert sorted(found) == sorted(REDUCED_SIGNALS)
    for name, values in expected.items():
        assert found[name].dtype == torch.float32
        np.testing.assert_allclose(found[name], values, atol=1e-6)


def test_the_largest_mutual_information_is_not_the_difference_of_the_largest_entropies():
    """One output on which all are unsure, another on which sure voters disagree."""
    maps_MBKHW = torch.zeros(2, 1, 1 + 4, 1, 2)
    maps_MBKHW[:, 0, 0, 0, 0] = 0.5
    maps_MBKHW[0, 0, 0, 0, 1], maps_MBKHW[1, 0, 0, 0, 1] = 0.9, 0.1
    found = float(signals(maps_MBKHW)["mutual_information_max_N"])
    assert found == pytest.approx(math.log(2) - binary(0.9))
    largest = math.log(2) - math.log(2)  # of the mean, and the mean of the voters'
    assert found > largest + 0.3


@settings(max_examples=30)
@given(st.integers(0, 1000), st.sampled_from([0.1, 5.0, 100.0]), st.integers(1, 5))
def test_signals_are_in_their_range(seed, scale, num_voters):
    found = signals(maps_of(num_voters, 5, scale=scale, seed=seed))
    most = {
        "entropy": math.log(2),
        "mutual_information": math.log(2),
        "variation_ratios": 0.5,
        "error_count": 1,
    }
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
    found = signals(maps_MBKHW)
    half = np.float32(math.log(2))
    np.testing.assert_array_equal(found["entropy_max_N"], [half, 0])
    np.testing.assert_array_equal(found["mutual_information_max_N"], [half, 0])
    np.testing.assert_array_equal(found["variation_ratios_max_N"], [0.5, 0])


def test_the_error_count_is_the_share_that_is_wrong_where_an_object_is_and_where_none_is():
    """One class, four positions, three voters; two objects, the second in another image."""
    maps_MBKHW = torch.zeros(3, 2, 1 + 4, 1, 4)
    maps_MBKHW[0, 0, 0, 0] = torch.tensor([0.9, 0.9, 0.1, 0.5])
    maps_MBKHW[1, 0, 0, 0] = torch.tensor([0.2, 0.9, 0.1, 0.1])
    boxes = objects([[(0, 0, 0)], [(0, 0, 2)]], (1, 4))
    found = acquisition_maps(maps_MBKHW, boxes)["error_count"]
    np.testing.assert_allclose(found[:, 0, 0], [[2 / 3, 2 / 3, 0, 0], [0, 0, 1, 0]])
    mean_B = signals(maps_MBKHW, boxes)["error_count_mean_N"]
    np.testing.assert_allclose(mean_B, [1 / 3, 1 / 4], rtol=1e-6)


def test_one_voter_has_entropy_alone():
    found = signals(maps_of(1))
    assert found["entropy_max_N"].min() > 0
    assert not found["mutual_information_max_N"].any()
    assert not found["variation_ratios_max_N"].any()


@pytest.mark.parametrize("most", [1, 500])
def test_signals_depend_on_no_batch_and_no_part_of_it(most, monkeypatch):
    maps_MBKHW, boxes = maps_of(), objects(placed(), (3, 5))
    expected = signals(maps_MBKHW, boxes)
    monkeypatch.setattr(of_detection, "MOST_OUTPUTS", most)
    parts = [signals(maps_MBKHW[:, rows], boxes[rows]) for rows in (slice(0, 7), slice(7, 30))]
    for name, values in expected.items():
        assert torch.equal(torch.cat([part[name] for part in parts]), values)


def test_a_voters_own_entropy_is_that_of_an_ensemble_of_it_alone():
    maps_MBKHW = maps_of()
    found = entropy(maps_MBKHW.double())
    assert found.shape == (4, 30)
    for voter in range(4):
        alone = signals(maps_MBKHW[voter : voter + 1])["entropy_max_N"]
        np.testing.assert_allclose(found[voter], alone, atol=1e-7)


def written(folder, maps_MBKHW, step):
    heat = HeatMaps()
    for start in range(0, maps_MBKHW.shape[1], step):
        rows = slice(start, min(start + step, maps_MBKHW.shape[1]))
        part, boxes = maps_MBKHW[:, rows], objects(placed(50)[rows], (3, 5))
        found = {name: values.numpy() for name, values in signals(part, boxes).items()}
        heat.add(rows, part, boxes, found)
    folder.mkdir()
    heat.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_heat_maps_are_those_of_the_highest_scored_images(tmp_path):
    maps_MBKHW = maps_of(num=50)
    written(tmp_path / "heat", maps_MBKHW, 7)
    boxes = objects(placed(50), (3, 5))
    everything = signals(maps_MBKHW, boxes)
    for name, maps_BCHW in acquisition_maps(maps_MBKHW, boxes).items():
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
