"""A detector on toy scenes: its network, and that it learns."""

import dataclasses

import interrupted
import numpy as np
import pytest
import torch
import toy
import toy_scenes
from torch.utils.flop_counter import FlopCounterMode

from stages.shared import artifacts, models, tasks
from stages.shared.prediction.flops import forward_flops
from stages.shared.tasks.object_detection import task as of_detection
from stages.shared.training import loop

CPU = torch.device("cpu")
TASK = tasks.load("object_detection")


def job(prepared, index=range(40), member=0, epochs=30, **changes):
    usual = {
        "model": "unet_detector_small",
        "length": {"epochs": epochs},
        "batch_size": 8,
        "label_smoothing": 0.0,
        "augmentation": {
            "crop_padding": 2,
            "border": "black",
            "horizontal_flip": True,
            "scale": [1.0, 1.0],
        },
    }
    return toy.job(
        prepared,
        toy.training(**usual | changes),
        index,
        model="unet_detector_small",
        learning_rate=0.03,
        random_seed=0,
        member=member,
    )


def train(one, folder):
    return loop.train(one, folder, CPU, lambda epoch, images: None)


@pytest.mark.parametrize("name", models.names("object_detection"))
def test_models_have_maps_of_a_position_for_each_square_of_pixels(name):
    torch.manual_seed(0)
    model = models.build(name, 5, [70, 45, 3]).eval()
    images = torch.randn(2, 3, 70, 45)
    with torch.inference_mode():
        outputs = model(images)
        # More pixels below and on the right are what a model adds by itself.
        padded = model(torch.nn.functional.pad(images, (0, 3, 0, 2)))
    assert outputs.shape == (2, 5 + 4, 9, 6)
    torch.testing.assert_close(outputs, padded)
    # Untrained, it says of every class and position that it is unlikely.
    probs = TASK.probabilities(outputs)[:, :5]
    assert probs.min() > 0.001
    assert probs.max() < 0.1


def test_flops_of_a_detector_are_those_that_torch_counts():
    meta = dataclasses.replace(toy_scenes.meta(), input_shape=[96, 96, 1])
    model = models.build("unet_detector_small", 2, meta.input_shape).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(TASK.example(meta))
    assert forward_flops("unet_detector_small", meta) == counter.get_total_flops()


@pytest.mark.parametrize("most", [1, 3 * 44 * 52, 2**20])
def test_a_model_looks_at_as_many_images_together_as_memory_should_hold(most, monkeypatch):
    torch.manual_seed(0)
    model = models.build("unet_detector_small", 2, [44, 52, 1]).eval()
    images = torch.randn(7, 1, 44, 52)
    with torch.inference_mode():
        expected = model(images)
        monkeypatch.setattr(of_detection, "MOST_PIXELS", most)
        nothing, found = TASK.forward(model, images, "fp32")
    assert nothing is None
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_probabilities_leave_the_values_of_boxes_as_they_are():
    outputs = torch.randn(2, 3 + 4, 4, 5)
    found = TASK.probabilities(outputs)
    assert torch.equal(found[:, :3], outputs[:, :3].sigmoid())
    assert torch.equal(found[:, 3:], outputs[:, 3:])


def test_samples_are_images_with_their_boxes(prepared):
    rows = np.array([30, 4, 4])
    samples = TASK.load_samples(prepared, "train", CPU, rows)
    whole = TASK.load_targets(prepared, "train", CPU)
    assert len(samples) == 3
    (images,) = samples.in_batches([torch.tensor([0, 2])])
    inputs = artifacts.load_inputs(prepared, "train")
    np.testing.assert_array_equal(images, inputs[[30, 4]])
    found = samples.targets_N[torch.tensor([0, 2])]
    assert torch.equal(found.is_there_NG.sum(1), whole.is_there_NG[[30, 4]].sum(1))
    assert len(TASK.load_samples(prepared, "validation", CPU)) == 12


@pytest.mark.slow
def test_a_detector_learns(prepared, tmp_path):
    history = train(job(prepared, epochs=60), tmp_path).history
    assert history[0].train_accuracy < 0.1
    assert history[-1].train_accuracy > 0.8
    assert history[-1].train_loss < history[0].train_loss / 3
    assert history[-1].validation_accuracy > 0.5


def test_the_order_of_the_picks_decides_nothing_and_their_number_does(prepared, tmp_path):
    weights = []
    for number, index in enumerate(([1, 2, 3, 3, 9, 12], [3, 12, 2, 1, 9, 3], [1, 2, 3, 9, 12])):
        (tmp_path / str(number)).mkdir()
        trained = train(job(prepared, index, epochs=2), tmp_path / str(number))
        weights.append((tmp_path / str(number) / trained.checkpoints[-1].path).read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_nothing_is_noted_of_single_samples_however_many_members(prepared, tmp_path):
    members = [
        train(job(prepared, range(8), member=member, epochs=1), tmp_path) for member in (0, 1)
    ]
    stacked = artifacts.stack_dynamics([member.dynamics for member in members])
    artifacts.save_dynamics(tmp_path / "dynamics", stacked)
    assert not len(artifacts.load_dynamics(tmp_path / "dynamics", 40).row_R)


def test_every_batch_of_an_epoch_may_be_without_objects(prepared, tmp_path):
    counts = artifacts.load_boxes(prepared, "train").count_N
    empty = np.flatnonzero(counts == 0)
    assert len(empty) > 3
    history = train(job(prepared, empty, epochs=2), tmp_path).history
    assert np.isfinite(history[-1].train_loss)
    assert history[-1].train_accuracy == 0


def test_a_detector_killed_after_each_epoch_gives_the_same_bytes(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")
    one = job(prepared, range(20), epochs=2)
    assert interrupted.require_the_same_in_parts(one, tmp_path) == [1, 2]
