"""Tests for stages/shared/training/parallel.py: several processes train what one would."""

import gc
import os
import signal
from dataclasses import replace

import interrupted
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import toy
import toy_scenes

from stages.shared import tasks
from stages.shared.artifacts.weights import load_tensors
from stages.shared.errors import ParamsError, TrainingError
from stages.shared.members.saved_states import SavedStates
from stages.shared.running.processes import Process
from stages.shared.settings.params import check_params
from stages.shared.tasks.object_detection.loss import loss as detection_loss
from stages.shared.training import parallel
from stages.shared.training.job import Job, Parallel
from stages.shared.training.parallel import Group

CPU = torch.device("cpu")


@pytest.fixture
def make_job(prepared):
    def make(processes=2, sync_batch_norm=False, index=range(31), **changes) -> Job:
        usual = {
            "length": {"epochs": 3},
            "batch_size": 16,  # 15 and 16 of 31 samples: shares of 7 and 8
            "validations": 2,
            "label_smoothing": 0.1,
        }
        return toy.job(
            prepared,
            toy.training(**usual | changes),
            index,
            model="cnn5",  # without batch normalisation
            learning_rate=0.5,
            member=3,
            parallel=Parallel(processes, sync_batch_norm),
        )

    return make


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("num", [10, 11, 13])
def test_shares_are_the_batch_and_differ_by_one_sample_at_most(size, num):
    shares = [Group(size, rank).share(slice(100, 100 + num)) for rank in range(size)]

    assert [row for share in shares for row in range(100 + num)[share]] == list(
        range(100, 100 + num)
    )
    lengths = [share.stop - share.start for share in shares]
    assert max(lengths) - min(lengths) <= 1


def mean_of_shares(loss_of, num, size):
    """Return what the average over processes of their weighted losses is."""
    total = 0.0
    for rank in range(size):
        group = Group(size, rank)
        own = group.share(slice(0, num))
        total = total + loss_of(own) * group.weight(own.stop - own.start, num) / size
    return total


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_averaged_gradient_is_that_of_the_mean_loss_of_the_batch(size):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    targets = torch.arange(7) % 3

    (wanted,) = torch.autograd.grad(F.cross_entropy(logits, targets), logits)
    shared = mean_of_shares(lambda own: F.cross_entropy(logits[own], targets[own]), 7, size)
    (found,) = torch.autograd.grad(shared, logits)

    torch.testing.assert_close(found, wanted)


def test_the_averaged_gradient_of_a_detector_is_that_of_the_batch(tmp_path):
    """Its loss has weights of the whole subset and is a mean over images, some without objects."""
    toy_scenes.write_prepared(tmp_path)
    boxes = tasks.load("object_detection").load_targets(tmp_path, "train", CPU)[:7]
    outputs = torch.randn(7, 6, 6, 7, generator=torch.Generator().manual_seed(0))
    outputs.requires_grad_(True)
    weights = torch.tensor([0.3, 1.7])

    def loss_of(own):
        return detection_loss(outputs[own], boxes[own], weights)

    (wanted,) = torch.autograd.grad(loss_of(slice(0, 7)), outputs)
    (found,) = torch.autograd.grad(mean_of_shares(loss_of, 7, 2), outputs)

    torch.testing.assert_close(found, wanted)


def tensors_in(folder):
    return load_tensors(next(folder.rglob("*.safetensors")))


@pytest.mark.slow
def test_two_processes_train_what_one_does(make_job, tmp_path):
    one, two = (
        interrupted.train(make_job(processes), tmp_path / str(processes), None, lambda _: None)
        for processes in (1, 2)
    )

    for alone, shared in zip(one.history, two.history, strict=True):
        assert shared.train_loss == pytest.approx(alone.train_loss, rel=1e-4)
        if alone.validation_loss is not None:
            assert shared.validation_loss == pytest.approx(alone.validation_loss, rel=1e-4)
        assert replace(shared, train_loss=0.0, validation_loss=None) == replace(
            alone, train_loss=0.0, validation_loss=None
        )
    assert one.history[-1].train_loss < one.history[0].train_loss - 0.01
    for name, tensor in tensors_in(tmp_path / "1").items():
        torch.testing.assert_close(
            tensors_in(tmp_path / "2")[name], tensor, rtol=1e-3, atol=1e-5, msg=name
        )
    assert (one.dynamics.row_R == two.dynamics.row_R).all()
    assert (one.dynamics.forgetting_events_MR == two.dynamics.forgetting_events_MR).all()
    np.testing.assert_allclose(one.dynamics.aum_MR, two.dynamics.aum_MR, rtol=1e-3, atol=1e-5)
    for name in ("el2n_MR", "label_probability_MR", "dual_MR"):
        first, second = getattr(one.dynamics, name), getattr(two.dynamics, name)
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_two_processes_killed_after_an_epoch_go_on_to_the_same_bytes(
    make_job, tmp_path, monkeypatch
):
    """Momentum reaches the second process too, and the plateau that the first one sees."""
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")
    job = make_job(
        schedule={"name": "plateau", "patience": 1, "factor": 0.1}, validations="every_epoch"
    )

    whole = interrupted.train(job, tmp_path / "whole", None, lambda _: None)

    def die(epoch):
        if epoch.epoch == 2:
            raise interrupted.KilledError

    with pytest.raises(interrupted.KilledError):
        interrupted.train(job, tmp_path / "a", SavedStates(tmp_path / "partial", "toy"), die)
    states = SavedStates(tmp_path / "partial", "toy")
    last = interrupted.train(job, tmp_path / "b", states, lambda _: None)
    interrupted.require_equal(whole, last)
    assert interrupted.weights(tmp_path / "whole") == interrupted.weights(tmp_path / "b") != {}


def start_a_process_too(job, device, group):
    """As one does that decodes images."""
    process = Process([], gc.collect)
    assert process.call(abs, -2).result() == 2
    process.end()
    group.told(None)


@pytest.mark.slow
def test_each_process_of_a_training_may_decode_images_in_others(make_job):
    with parallel.started(make_job(), CPU, start_a_process_too) as group:
        assert group.told("done") == "done"


@pytest.mark.slow
def test_a_killed_process_of_a_training_is_one_line_and_what_was_saved_is_kept(
    make_job, tmp_path, monkeypatch
):
    monkeypatch.setenv("SUBSET_SAVE_EVERY_S", "0")
    states = SavedStates(tmp_path / "partial", "toy")

    def kill_the_other(epoch):
        for process in torch.multiprocessing.active_children():
            os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(TrainingError, match="member 3: one of its 2 processes ended"):
        interrupted.train(make_job(), tmp_path / "a", states, kill_the_other)

    assert [path.name for path in (tmp_path / "partial").iterdir()] == ["toy-000001"]
    assert not torch.multiprocessing.active_children()


@pytest.mark.slow
def test_an_error_of_the_first_process_is_not_blamed_on_the_others(make_job, tmp_path):
    def fail(epoch):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        interrupted.train(make_job(), tmp_path / "a", None, fail)

    assert not torch.multiprocessing.active_children()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"processes": 0}, "processes is 0; it must be greater than 0"),
        ({"processes": 17}, "batch_size is 64; it must be at least 68 with processes: 17"),
        ({"sync_batch_norm": True}, "sync_batch_norm is true; it must be false with processes: 1"),
    ],
)
def test_settings_that_no_batch_fits_are_refused(changes, line):
    content = toy.default_params()
    content["train_subset_model"] |= changes

    with pytest.raises(ParamsError, match=line):
        check_params(content)


def test_what_machine_and_subset_do_not_fit_is_refused(make_job, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    with pytest.raises(ParamsError, match="sync_batch_norm is true; it must be false on a proc"):
        parallel.check(make_job(sync_batch_norm=True), CPU)
    with pytest.raises(ParamsError, match="processes is 2; a subset of 3 picks allows 1 at most"):
        parallel.check(make_job(index=range(3)), CPU)
    with pytest.raises(ParamsError, match="processes is 2; this machine has 1 GPUs"):
        parallel.check(make_job(), torch.device("cuda"))
    parallel.check(make_job(processes=1, index=range(3)), torch.device("cuda"))
