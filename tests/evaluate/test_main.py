"""The stage as a whole: folders in, a folder out."""

from pathlib import Path

import numpy as np
import pytest
import torch
import toy

from stages.evaluate.__main__ import main, one_for_each_member
from stages.shared import artifacts, models, tasks
from stages.shared.artifacts import Checkpoint, Ensemble, Meta
from stages.shared.artifacts.shown_images import load_shown
from stages.shared.artifacts.weights import save_weights
from stages.shared.networks.preprocessing import IMAGENET
from stages.shared.prediction import forward_passes

ROOT = Path(__file__).parents[2]
SHAPE = [8, 8, 1]
CHECKPOINTS = [
    Checkpoint(member, epoch, 0.5, is_best=epoch == 3, is_last=epoch == 4)
    for member in (0, 1)
    for epoch in (3, 4)
]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A prepared data set of 8x8 images and a model of two members with two checkpoints each."""
    monkeypatch.chdir(tmp_path)
    toy.write_params(tmp_path, toy.default_params())
    rng = np.random.default_rng(0)
    sizes = {"train": 5, "validation": 20, "test": 30}
    prepared = tmp_path / "prepared"
    meta = Meta("image_classification", "toy", ["a", "b", "c"], SHAPE, [0.5], [0.25], sizes, "0")
    artifacts.save_meta(prepared, meta)
    for split in ("validation", "test"):
        images = rng.integers(0, 256, (sizes[split], *SHAPE)).astype(np.uint8)
        artifacts.save_array(prepared / split / "inputs.npy", images)
        artifacts.save_targets(prepared, split, rng.integers(0, 3, sizes[split]))
    torch.manual_seed(0)
    for checkpoint in CHECKPOINTS:
        save_weights(tmp_path / "model/seed-0" / checkpoint.path, models.build("resnet8", 3, SHAPE))
    artifacts.save_ensemble(tmp_path / "model/seed-0", Ensemble("resnet8", 3, SHAPE, CHECKPOINTS))
    return tmp_path


def run(workspace):
    main(*(workspace / name for name in ("prepared", "none", "model", "evaluation")))
    return artifacts.load_evaluation(workspace / "evaluation/seed-0", ["accuracy"], {"test": 30})


def test_a_model_is_measured_on_test_and_on_validation(workspace):
    found = run(workspace)
    meta = artifacts.load_meta(workspace / "prepared")
    for split, name in (("test", "accuracy"), ("validation", "validation_accuracy")):
        targets = torch.from_numpy(np.array(artifacts.load_targets(workspace / "prepared", split)))
        last = [checkpoint for checkpoint in CHECKPOINTS if checkpoint.epoch == 4]
        batches = forward_passes.forward_passes(
            workspace / "model/seed-0", last, workspace / "prepared", split, 500, "fp32"
        )
        ((_, probs_MBC),) = forward_passes.predict(tasks.load(meta.task), batches, ["identity"])
        shares = (torch.as_tensor(probs_MBC).argmax(2) == targets).double().mean(1)
        assert [values[name] for values in found.members] == pytest.approx(shares.tolist())


def test_what_is_measured_counts_whole_groups_where_samples_have_some(workspace):
    alone = run(workspace)
    assert alone.values["accuracy"].dtype == np.bool_
    group_T = np.arange(30) // 5
    for split, num in (("validation", 20), ("test", 30)):
        numbers = (np.arange(num) // 5).tolist()
        artifacts.save_groups(workspace / "prepared", split, [f"video {n}" for n in numbers])
    found = run(workspace)
    assert found.members == alone.members
    assert found.values["accuracy"].shape == (2, 6)
    # Groups of one size: a group's value is its accuracy.
    wanted = [alone.values["accuracy"][:, group_T == group].mean(axis=1) for group in range(6)]
    np.testing.assert_allclose(found.values["accuracy"], np.transpose(wanted))
    folder = workspace / "evaluation/seed-0/values"
    assert np.load(folder / "ensemble_macro_f1.npy").shape == (1, 6)
    assert np.load(folder / "validation_accuracy.npy").shape == (2, 4)


def test_weights_chooses_which_epoch_stands_for_a_member(workspace):
    assert [values["epoch"] for values in run(workspace).members] == [4, 4]
    content = toy.default_params()
    content["evaluate"]["weights"] = "best_validation"
    toy.write_params(workspace, content)
    assert [values["epoch"] for values in run(workspace).members] == [3, 3]


def test_of_an_ensemble_every_kept_checkpoint_is_measured(workspace):
    names = ("prepared", "none", "model", "evaluation")
    main(*(workspace / name for name in names), "kept")
    found = artifacts.load_evaluation(workspace / "evaluation/seed-0", ["accuracy"], {"test": 30})
    of_last = run(workspace)

    assert [(values["member"], values["epoch"]) for values in found.members] == [
        (0, 3),
        (0, 4),
        (1, 3),
        (1, 4),
    ]
    assert [found.members[place] for place in (1, 3)] == of_last.members


def test_equal_inputs_give_equal_bytes_and_nothing_else_lies_in_the_folder(workspace):
    written = []
    for _ in range(2):
        run(workspace)
        files = (workspace / "evaluation/seed-0").rglob("*.*")
        written.append({path.name: path.read_bytes() for path in files})
    first, second = written
    assert first == second
    of_test = ("accuracy", "balanced_accuracy", "macro_f1")
    names = (*of_test, *(f"ensemble_{name}" for name in of_test))
    names += ("above_chance", "validation_accuracy")
    assert sorted(first) == sorted(["metrics.json", *(f"{name}.npy" for name in names)])


def test_a_network_with_preprocessing_of_its_own_is_told_of(workspace):
    build = models.build
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "build", lambda *given: shows(build(*given)))
        run(workspace)
    shown = load_shown(workspace / "evaluation/seed-0")
    assert (shown.model, shown.stored, shown.size, shown.resize) == ("resnet8", [8, 8], 224, 256)


def shows(network):
    network.preprocessing = IMAGENET
    return network


def test_members_come_in_order_whatever_the_order_of_the_file():
    ensemble = Ensemble("resnet8", 3, SHAPE, CHECKPOINTS[::-1])
    assert one_for_each_member(ensemble, "last") == [CHECKPOINTS[1], CHECKPOINTS[3]]
    assert one_for_each_member(ensemble, "best_validation") == [CHECKPOINTS[0], CHECKPOINTS[2]]
