"""Trainings that start from given weights: what of them changes, and what images are shown."""

import dataclasses

import pytest
import torch
import toy

from stages.shared import artifacts, models
from stages.shared.artifacts.weights import load_tensors, save_tensors
from stages.shared.members import members
from stages.shared.members.job_fingerprints import job_fingerprint
from stages.shared.networks.batches import normalise
from stages.shared.prediction.flops import forward_flops
from stages.shared.settings.training_sections import AdamW, Augmentation, EpochLength
from stages.shared.training import loop

CPU = torch.device("cpu")


@pytest.fixture
def job(prepared, tmp_path):
    """A training of ten images that starts from the backbone of a file."""
    torch.manual_seed(3)
    tensors = models.build("resnet8", 3, [8, 8, 1]).state_dict()
    tensors = {name: x for name, x in tensors.items() if not name.startswith("classifier.")}
    save_tensors(tmp_path / "weights.safetensors", tensors)
    settings = toy.training(
        length=EpochLength(epochs=2),
        batch_size=5,
        augmentation=Augmentation(
            crop_padding=0, border="black", horizontal_flip=False, scale=[1.0, 1.0]
        ),
        optimizer=AdamW(name="adamw", learning_rate=0.1, backbone=0.5, weight_decay=0.0),
    )
    weights = tmp_path / "weights.safetensors"
    return toy.job(prepared, settings, range(10), learning_rate=0.1, initial_weights=weights)


def trained(job, folder, train):
    settings = job.settings.model_copy(update={"train": train})
    done = loop.train(
        dataclasses.replace(job, settings=settings), folder, CPU, lambda epoch, images: None
    )
    return load_tensors(folder / done.checkpoints[-1].path), done.history


def test_only_the_last_layer_is_trained_and_the_statistics_of_batches_stay(job, tmp_path):
    given = load_tensors(job.initial_weights)
    head, _ = trained(job, tmp_path / "head", "head")
    everything, _ = trained(job, tmp_path / "all", "all")
    first = loop.initial_model(job).state_dict()
    assert all(torch.equal(head[name], tensor) for name, tensor in given.items())
    assert not torch.equal(head["classifier.weight"], first["classifier.weight"])
    learnt = [name for name, tensor in given.items() if tensor.is_floating_point()]
    assert not any(torch.equal(everything[name], given[name]) for name in learnt)


def test_statistics_of_frozen_batch_norms_stay_and_all_else_is_trained(job, tmp_path):
    given = load_tensors(job.initial_weights)
    settings = job.settings.model_copy(update={"batch_norm": "frozen"})
    found, _ = trained(dataclasses.replace(job, settings=settings), tmp_path / "all", "all")
    statistics = [name for name in given if "running_" in name or "num_batches" in name]
    assert statistics
    for name in given:
        assert torch.equal(found[name], given[name]) == (name in statistics), name


def test_an_image_costs_one_forward_pass_where_only_the_last_layer_is_trained(job, tmp_path):
    of_pass, validated = forward_flops(job.model, job.meta), toy.NUM_SAMPLES["validation"]
    for train, cost in (("head", 1), ("all", 3)):
        _, history = trained(job, tmp_path / train, train)
        assert history[-1].flops == (20 * cost + 2 * validated) * of_pass


def test_members_share_the_given_weights_and_draw_a_last_layer_each(job):
    one, other = (loop.initial_model(dataclasses.replace(job, member=m)) for m in (0, 1))
    given = load_tensors(job.initial_weights)
    for model in (one, other):
        assert all(torch.equal(model.state_dict()[name], x) for name, x in given.items())
    assert not torch.equal(one.classifier.weight, other.classifier.weight)


def test_a_librarys_network_is_shown_images_as_it_normalises_them(job):
    settings = job.settings.model_copy(update={"train": "all"})
    library = dataclasses.replace(
        job, model="efficientnet_lite0", initial_weights=None, settings=settings
    )
    trainer = loop._Trainer(library, CPU)
    rows_B, inputs_B, _ = next(trainer.epoch_batches.of(1))
    images = artifacts.load_inputs(job.prepared, "train")[:10][rows_B.numpy()]
    wanted = dataclasses.replace(job.meta, mean=[0.5] * 3, std=[0.5] * 3)
    assert torch.equal(inputs_B, normalise(torch.from_numpy(images), wanted))
    assert inputs_B.shape == (5, 3, 8, 8)


def test_an_empty_file_gives_no_weights_and_another_gives_all_members_the_same(job, tmp_path):
    (tmp_path / "empty").touch()
    assert members.given_weights(tmp_path / "empty", job.settings) is None
    assert members.given_weights(job.initial_weights, job.settings) == [job.initial_weights] * 4


def test_given_weights_are_part_of_the_fingerprint(job, tmp_path):
    other = {name: tensor + 1 for name, tensor in load_tensors(job.initial_weights).items()}
    save_tensors(tmp_path / "other.safetensors", other)
    prints = {
        job_fingerprint(dataclasses.replace(job, initial_weights=weights), "cpu")
        for weights in (None, job.initial_weights, tmp_path / "other.safetensors")
    }
    assert len(prints) == 3
