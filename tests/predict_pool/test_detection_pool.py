"""The signals of a pool of scenes: those of the maps that are never stored."""

import numpy as np
import pytest
import torch
import toy_scenes

from stages.predict_pool.pool import Pool
from stages.shared import artifacts, tasks
from stages.shared.artifacts import REDUCED_SIGNALS
from stages.shared.prediction import forward_passes
from stages.shared.settings.sections import GradientNorm, PredictPool, Voters
from stages.shared.tasks.object_detection import box_targets
from stages.shared.tasks.object_detection import map_signals as of_detection
from stages.shared.tasks.object_detection.highest_maps import NUM_IMAGES

pytestmark = pytest.mark.usefixtures("on_cpu")
TASK = tasks.load("object_detection")
SAMPLED = np.array([2, 11, 39])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """The prepared scenes, three detectors and all their maps of the train split."""
    folder = tmp_path_factory.mktemp("scenes")
    toy_scenes.write_prepared(folder / "prepared")
    voters = toy_scenes.write_ensemble(folder / "ensemble", 3)
    batches = forward_passes.forward_passes(
        folder / "ensemble", voters, folder / "prepared", "train", 40, "fp32"
    )
    ((_, maps_MNKHW),) = forward_passes.predict(TASK, batches, ["identity"])
    return folder, voters, maps_MNKHW


@pytest.fixture
def pool_of(scenes):
    def make(batch_size):
        folder, voters, _ = scenes
        settings = PredictPool(
            batch_size=batch_size,
            views=["identity"],
            precision="fp32",
            voters=Voters(members="all", checkpoints="last", count=1, stride=1),
            signals=[],
            gradient_norm=GradientNorm(norm="l2", parameters="last_layer_weights"),
        )
        meta = artifacts.load_meta(folder / "prepared")
        return Pool(folder / "prepared", meta, folder / "ensemble", voters, settings)

    return make


def test_signals_and_entropies_of_voters_are_those_of_the_maps(scenes, pool_of, tmp_path):
    maps_MNKHW = scenes[2]
    pool_of(16).write_signals(tmp_path, SAMPLED)
    boxes = box_targets.load(scenes[0] / "prepared", "train", torch.device("cpu"))
    expected = of_detection.signals(maps_MNKHW, boxes)
    for name in REDUCED_SIGNALS:
        found = artifacts.load_signal(tmp_path, name, 40)
        np.testing.assert_allclose(found, expected[name], atol=1e-5)
        # Of so many outputs one is always unsure, and shares of three votes are few.
        assert len(np.unique(found)) > 30 or "_max_" in name or name.startswith(("error", "var"))
    entropy_MS = np.load(tmp_path / "voter_entropy_MS.npy")
    assert entropy_MS.dtype == np.float32
    np.testing.assert_allclose(
        entropy_MS, of_detection.entropy(maps_MNKHW[:, SAMPLED].double()), atol=1e-5
    )


def test_heat_maps_lie_beside_the_signals_for_the_highest_scored_alone(scenes, pool_of, tmp_path):
    maps_MNKHW = scenes[2]
    pool_of(16).write_signals(tmp_path, SAMPLED)
    boxes = box_targets.load(scenes[0] / "prepared", "train", torch.device("cpu"))
    for name, maps_NCHW in of_detection.acquisition_maps(maps_MNKHW, boxes).items():
        score_N = artifacts.load_signal(tmp_path, f"{name}_max_N", 40)
        row_K = np.load(tmp_path / f"heat_rows_{name}_K.npy")
        assert (
            row_K.tolist() == sorted(range(40), key=lambda row: (-score_N[row], row))[:NUM_IMAGES]
        )
        map_KCHW = np.load(tmp_path / f"heat_maps_{name}_KCHW.npy")
        assert map_KCHW.dtype == np.float16
        np.testing.assert_allclose(map_KCHW, maps_NCHW[row_K], atol=1e-3)
    assert not (tmp_path / "votes_MN.npy").exists()


def test_shards_of_a_cluster_show_and_say_the_same(pool_of, in_shards, tmp_path):
    folders = [tmp_path / name for name in ("whole", "shards")]
    for folder in folders:
        folder.mkdir()
    pool_of(8).write_signals(folders[0], SAMPLED)
    accuracies = pool_of(5).write_validation(folders[0], flops=7)
    ran = in_shards(8)
    pool_of(8).write_signals(folders[1], SAMPLED)
    assert len(ran) == 5
    assert pool_of(5).write_validation(folders[1], flops=7) == accuracies
    expected, found = (
        {path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders
    )
    assert "heat_rows_entropy_K.npy" in expected
    assert found == expected


def test_validation_says_the_f1_of_each_voter_and_of_all(scenes, pool_of, tmp_path):
    folder, voters, _ = scenes
    found = pool_of(5).write_validation(tmp_path, flops=7)
    batches = forward_passes.forward_passes(
        folder / "ensemble", voters, folder / "prepared", "validation", 12, "fp32"
    )
    ((_, maps_MVKHW),) = forward_passes.predict(TASK, batches, ["identity"])
    boxes = TASK.load_targets(folder / "prepared", "validation", torch.device("cpu"))

    def f1(maps_VKHW):
        right, both = TASK.right_and_all_by_probability(maps_VKHW, boxes).tolist()
        return right / both

    assert found == pytest.approx([f1(maps_VKHW) for maps_VKHW in maps_MVKHW])
    result = artifacts.load_validation(tmp_path)
    assert result.ensemble_accuracy == pytest.approx(f1(maps_MVKHW.double().mean(dim=0)))
    assert (result.voter_accuracy, result.flops) == (found, 7)
    assert not (tmp_path / "validation_votes_MV.npy").exists()
    assert any(value > 0 for value in found)
