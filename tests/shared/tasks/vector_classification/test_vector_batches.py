"""Tests for stages/shared/tasks/vector_classification and its heads."""

from dataclasses import replace
from functools import partial

import interrupted
import numpy as np
import pytest
import torch
import toy
import toy_vectors

from stages.prepare import __main__ as prepare
from stages.shared import artifacts, models, tasks
from stages.shared.artifacts import Meta
from stages.shared.networks import vector_batches
from stages.shared.settings.training_sections import EpochLength
from stages.shared.training import loop

CPU = torch.device("cpu")
HEADS = models.names("vector_classification")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    toy_vectors.write(folder / "data", 120)
    toy_vectors.write_params(folder, folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        prepare.main(folder / "prepared", folder / "scratch")
    return folder / "prepared"


def meta_of(mean: list[float], std: list[float]) -> Meta:
    names = ["a", "b"]
    return Meta("vector_classification", "toy", names, [len(mean)], mean, std, {}, "0")


def test_standardised_by_hand_and_what_never_changes_is_0():
    vectors = torch.tensor([[3.0, 5.0], [1.0, 5.0]], dtype=torch.float16)
    found = vector_batches.standardise(vectors, meta_of([2.0, 5.0], [0.5, 0.0]))
    assert found.dtype == torch.float32
    assert found.tolist() == [[2.0, 0.0], [-2.0, 0.0]]


@pytest.mark.parametrize("most_resident", [0, 2**30])
def test_where_the_vectors_lie_changes_nothing(prepared, monkeypatch, most_resident):
    monkeypatch.setattr(vector_batches, "MOST_RESIDENT", most_resident)
    rows = np.array([5, 3, 40])
    samples = vector_batches.load_samples(prepared, "train", CPU, rows)
    assert isinstance(samples.vectors_ND, torch.Tensor) == (most_resident > 0)
    (found,) = samples.in_batches([torch.tensor([2, 0])])
    vectors = artifacts.load_vectors(prepared, "train")
    np.testing.assert_array_equal(found.numpy(), vectors[[40, 5]])
    targets = artifacts.load_targets(prepared, "train")
    assert samples.targets_N.tolist() == targets[rows].tolist()


def test_prediction_reads_what_training_does(prepared):
    meta, task = artifacts.load_meta(prepared), tasks.load("vector_classification")
    (trained,) = task.load_samples(prepared, "train", CPU).in_batches([torch.arange(4)])
    (read,) = task.read_batches(prepared, "train", [slice(0, 4)], meta, CPU)
    torch.testing.assert_close(task.as_inputs(trained, meta), read, rtol=0, atol=0)


@pytest.fixture
def make_job(prepared):
    return partial(toy.job_of_params, prepared, toy_vectors.params(prepared), range(60))


@pytest.mark.parametrize("model", HEADS)
def test_a_head_learns_and_gives_the_same_bytes_twice(make_job, tmp_path, model):
    job = make_job(model, length=EpochLength(epochs=8))
    trained = [loop.train(job, tmp_path / str(n), CPU, lambda *_: None) for n in range(2)]
    weights = [
        (tmp_path / str(n) / each.checkpoints[-1].path).read_bytes()
        for n, each in enumerate(trained)
    ]
    assert weights[0] == weights[1]
    assert trained[0].history[-1].validation_accuracy > 0.6  # a third by guessing
    assert np.isfinite(trained[0].tracked.gradient_norm_MES).all()


def test_a_head_killed_after_each_epoch_gives_the_same_bytes(make_job, tmp_path, monkeypatch):
    """Its dropout has a stream for each epoch."""
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")
    job = make_job("mlp_probe", length=EpochLength(epochs=3))
    assert interrupted.require_the_same_in_parts(job, tmp_path) == [1, 2, 3]


def test_members_drop_different_units(make_job, tmp_path):
    job = make_job("mlp_probe")
    losses = [
        loop.train(replace(job, member=member), tmp_path / str(member), CPU, lambda *_: None)
        .history[-1]
        .train_loss
        for member in range(2)
    ]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("model", HEADS)
def test_a_head_has_a_logit_for_each_class(model):
    head = models.build(model, 7, [12]).eval()
    assert head(torch.randn(3, 12)).shape == (3, 7)
