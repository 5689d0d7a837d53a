"""Tests for stages/shared/{dynamics,tracking}.py: what training shows of each sample."""

import dataclasses
import math
import statistics

import interrupted
import numpy as np
import pytest
import torch
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared import artifacts, models, tasks
from stages.shared.artifacts import Checkpoint, tracking
from stages.shared.artifacts.tracking import Tracked
from stages.shared.artifacts.weights import load_weights
from stages.shared.errors import ArtifactError
from stages.shared.networks.batches import normalise
from stages.shared.settings.training_sections import (
    Augmentation,
    Checkpoints,
    EpochLength,
    Plateau,
    UpdateLength,
)
from stages.shared.training import dynamics, gradient_norm_tracker, loop
from stages.shared.training.dynamics import Recorder, sampled_rows
from stages.shared.training.gradient_norm_tracker import GradientNormTracker, tracked_rows
from stages.shared.training.job import Job

CPU = torch.device("cpu")
TASK = tasks.load("image_classification")
NEVER_EL2N = 10**6
few_examples = settings(max_examples=20)  # torch takes a while
# Logits whose largest is that of the given class, for targets of class 0 of three.
RIGHT, WRONG = [2.0, 0.0, -1.0], [0.0, 3.0, 1.0]


def recorder_of(copies, el2n_epoch=NEVER_EL2N):
    """Return a recorder that notes the events of all samples epoch by epoch."""
    return Recorder(TASK, torch.tensor(copies), torch.arange(len(copies)), 3, el2n_epoch)


def checkpoints(*epochs):
    return [Checkpoint(0, epoch, None, is_best=False, is_last=True) for epoch in epochs]


def record(copies, epochs, el2n_epoch=NEVER_EL2N):
    """Return the dynamics of batches [(rows, logits), ...] in epochs; every target is class 0.

    All epochs are kept.
    """
    recorder, numbers = recorder_of(copies, el2n_epoch), range(1, len(epochs) + 1)
    for number, batches in enumerate(epochs, start=1):
        for rows, logits in batches:
            targets_B = torch.zeros(len(rows), dtype=torch.int64)
            recorder.add(number, torch.tensor(rows), torch.tensor(logits), targets_B)
        recorder.end_epoch(number, numbers[:number])
    return recorder.finish(np.arange(len(copies)), len(epochs), checkpoints(*numbers))


def seen(text):
    """Return the epochs of one sample that is right (R) or wrong (W) in them."""
    return [[([0], [RIGHT if letter == "R" else WRONG])] for letter in text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R", 0),
        ("RRR", 0),
        ("RW", 1),
        ("WRW", 1),  # wrong at the start is not forgotten
        ("RWRWR", 2),
        ("RWWW", 1),
        ("WWW", 3),  # never right: as many as epochs
        ("W", 1),
    ],
)
def test_a_forgetting_event_is_right_that_becomes_wrong(text, expected):
    assert record([1], seen(text)).forgetting_events_MR.tolist() == [[expected]]


def test_aum_is_the_mean_margin_over_the_epochs():
    found = record([1, 1], [[([1, 0], [RIGHT, WRONG])], [([0, 1], [RIGHT, RIGHT])]])

    # RIGHT: 2 - 0; WRONG: 0 - 3.
    assert found.aum_MR.tolist() == [[(-3 + 2) / 2, (2 + 2) / 2]]
    assert found.aum_MR.dtype == np.float32


def error_of(logits):
    exps = [math.exp(logit) for logit in logits]
    probs = [value / sum(exps) for value in exps]
    return math.sqrt((probs[0] - 1) ** 2 + probs[1] ** 2 + probs[2] ** 2)


@pytest.mark.parametrize(
    ("el2n_epoch", "expected"), [(1, WRONG), (2, RIGHT), (3, WRONG), (9, WRONG)]
)
def test_el2n_is_the_error_in_its_epoch_or_in_the_last_before_it(el2n_epoch, expected):
    found = record([1], seen("WRW"), el2n_epoch)

    assert found.el2n_MR.tolist() == [[pytest.approx(error_of(expected))]]


def test_an_error_near_nothing_keeps_its_digits():
    logits = torch.tensor([[30.0, 0.0, 0.0]])

    found = float(TASK.error_length(logits, torch.tensor([0])))

    assert found == pytest.approx(math.sqrt(6) * math.exp(-30), rel=1e-5)


def test_draws_in_one_batch_see_the_same_state_and_the_worst_is_kept():
    epochs = [[([0, 0], [RIGHT, RIGHT])], [([0, 0], [WRONG, WRONG])], [([0, 0], [RIGHT, WRONG])]]
    once_more = [*epochs, [([0, 0], [WRONG, WRONG])]]

    # Both draws of the second batch were right before; the third leaves the sample wrong.
    assert record([2], epochs).forgetting_events_MR.tolist() == [[2]]
    assert record([2], once_more).forgetting_events_MR.tolist() == [[2]]
    assert record([2], epochs).el2n_MR.tolist() == [[pytest.approx(error_of(WRONG))]]


def test_samples_that_a_cut_last_epoch_does_not_reach_keep_their_state():
    found = record([1, 1], [[([0, 1], [RIGHT, WRONG])], [([0], [WRONG])]])

    assert found.forgetting_events_MR.tolist() == [[1, 2]]
    assert found.aum_MR.tolist() == [[-0.5, -3.0]]
    assert found.el2n_MR.tolist() == [[pytest.approx(error_of(WRONG))] * 2]


def test_a_sample_that_was_never_drawn_counts_as_one_of_equal_logits():
    found = record([1, 1], [[([0], [RIGHT])]])

    assert found.forgetting_events_MR[0, 1] == 0
    assert found.aum_MR[0, 1] == 0
    assert found.el2n_MR[0, 1] == pytest.approx(error_of([0.0, 0.0, 0.0]))


# --- epoch by epoch ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RWRRW", [0, 1, 1, 1, 2]),
        ("WWRWR", [1, 2, 0, 1, 1]),  # never right so far: as many as epochs so far
    ],
)
def test_events_are_counted_up_to_each_kept_epoch(text, expected):
    found = record([1], seen(text))

    assert found.kept_epoch_E.tolist() == [1, 2, 3, 4, 5]
    assert found.kept_events_ES.tolist() == [[count] for count in expected]


def test_events_are_returned_of_the_epochs_that_are_kept_in_the_end():
    recorder = recorder_of([1])
    for number, kept in enumerate([[1], [1, 2], [2, 3], [2, 3, 4]], start=1):
        logits = torch.tensor([RIGHT if number % 2 else WRONG])
        recorder.add(number, torch.tensor([0]), logits, torch.tensor([0]))
        recorder.end_epoch(number, kept)
        assert {name for name in recorder.state() if "noted" in name} == {
            f"noted/{n}" for n in kept
        }

    found = recorder.finish(np.array([8]), 4, checkpoints(2, 4))

    assert found.sampled_S.tolist() == [8]
    assert found.kept_member_E.tolist() == [0, 0]
    assert found.kept_epoch_E.tolist() == [2, 4]
    assert found.kept_events_ES.tolist() == [[1], [2]]
    assert (found.kept_epoch_E.dtype, found.kept_events_ES.dtype) == (np.int64, np.int32)


# --- the label's probability ---------------------------------------------------------------------


def dual(values):
    """Cho et al. 2025, eq. 3 and 4: the mean over windows of deviation x (1 - mean)."""
    window = min(10, len(values))
    if window < 2:
        return 0.0
    each = [values[first : first + window] for first in range(len(values) - window + 1)]
    return statistics.mean(statistics.stdev(some) * (1 - statistics.mean(some)) for some in each)


def logits_of(probability):
    """Return logits of three classes that give class 0 this probability."""
    return [math.log(probability), *[math.log((1 - probability) / 2)] * 2]


def test_dual_is_the_deviation_times_what_the_mean_lacks():
    # Twice 0.25 and 0.75: a mean of 0.5, and a variance of 4 / 16 / 3 by its unbiased estimate.
    values = [0.25, 0.75, 0.25, 0.75]
    found = record([1], [[([0], [logits_of(value)])] for value in values])
    assert found.label_probability_MR.tolist() == [[pytest.approx(0.5)]]
    assert found.dual_MR.tolist() == [[pytest.approx(math.sqrt(1 / 12) / 2)]]
    assert (found.dual_MR.dtype, found.label_probability_MR.dtype) == (np.float32, np.float32)


def test_a_sample_never_drawn_has_the_probability_of_chance_and_one_drawn_once_no_deviation():
    found = record([1, 1], [[([0], [logits_of(0.25)])]])
    assert found.label_probability_MR.tolist() == [[pytest.approx(0.25), pytest.approx(1 / 3)]]
    assert found.dual_MR.tolist() == [[0, 0]]


# --- against a plain count -----------------------------------------------------------------------


class PlainCount:
    """Algorithm 2 and the means, sample by sample; the same state for the draws of one batch."""

    def __init__(self, copies):
        self.copies = copies
        self.was_right = [False] * len(copies)
        self.events = [0] * len(copies)
        self.margins = [[] for _ in copies]
        self.ever_right = [False] * len(copies)
        self.errors = [None] * len(copies)
        self.least = {}
        self.probabilities = [[] for _ in copies]

    def add(self, rows, logits, targets):
        now, worst = {}, {}
        for row, values, target in zip(rows, logits, targets, strict=True):
            is_right = max(range(len(values)), key=lambda number: values[number]) == target
            self.events[row] += self.was_right[row] and not is_right
            self.ever_right[row] |= is_right
            others = [value for number, value in enumerate(values) if number != target]
            self.margins[row].append(values[target] - max(others))
            exps = np.exp(np.float64(values) - max(values))
            error = np.linalg.norm(exps / exps.sum() - np.eye(len(values))[target])
            now[row] = now.get(row, True) and is_right
            worst[row] = max(worst.get(row, 0.0), error)
            self.least[row] = min(self.least.get(row, 1.0), exps[target] / exps.sum())
        for row in now:
            self.was_right[row], self.errors[row] = now[row], worst[row]

    def end_epoch(self):
        for row, value in self.least.items():
            self.probabilities[row].append(value)
        self.least = {}

    def events_so_far(self, num_epochs):
        return [
            count if ever else copies * num_epochs
            for count, ever, copies in zip(self.events, self.ever_right, self.copies, strict=True)
        ]

    def check(self, found, num_epochs):
        assert found.forgetting_events_MR.tolist() == [self.events_so_far(num_epochs)]
        aum = [sum(margins) / len(margins) for margins in self.margins]
        assert found.aum_MR[0] == pytest.approx(np.array(aum), rel=1e-5, abs=1e-5)
        assert found.el2n_MR[0] == pytest.approx(np.array(self.errors), rel=1e-5, abs=1e-6)
        means = [sum(values) / len(values) for values in self.probabilities]
        assert found.label_probability_MR[0] == pytest.approx(np.array(means), rel=1e-5)
        duals = [dual(values) for values in self.probabilities]
        assert found.dual_MR[0] == pytest.approx(np.array(duals), rel=1e-4, abs=1e-6)


@few_examples
@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.integers(1, 14), st.data())
def test_any_draws_in_any_batches_are_those_of_a_plain_count(copies, num_epochs, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    picks = np.repeat(np.arange(len(copies)), copies)
    recorder, plain, events = recorder_of(copies), PlainCount(copies), []
    target_R = rng.integers(0, 3, len(copies))
    for number in range(1, num_epochs + 1):
        for rows in np.array_split(rng.permutation(picks), rng.integers(1, len(picks) + 1)):
            logits = rng.normal(size=(len(rows), 3)).astype(np.float32)
            recorder.add(
                number,
                torch.from_numpy(rows),
                torch.from_numpy(logits),
                torch.from_numpy(target_R[rows]),
            )
            plain.add(rows.tolist(), logits.tolist(), target_R[rows].tolist())
        recorder.end_epoch(number, range(1, number + 1))
        plain.end_epoch()
        events.append(plain.events_so_far(number))

    kept = checkpoints(*range(1, num_epochs + 1))
    found = recorder.finish(np.arange(len(copies)), num_epochs, kept)
    plain.check(found, num_epochs)
    assert found.kept_events_ES.tolist() == events


# --- in a training -------------------------------------------------------------------------------


@pytest.fixture
def make_job(prepared):
    def make(index, track="none", **changes) -> Job:
        base = {
            "length": EpochLength(epochs=4),
            "batch_size": 8,
            "augmentation": Augmentation(
                crop_padding=0, border="black", horizontal_flip=False, scale=[1.0, 1.0]
            ),
            "checkpoints": Checkpoints(last=1, every=1, best=False),
            "validations": "every_epoch",
        }
        settings = toy.training(**base | changes)
        return toy.job(prepared, settings, index, track=track)

    return make


def train(job, folder):
    return loop.train(job, folder, CPU, lambda epoch, images: None)


@pytest.fixture
def recorded(monkeypatch):
    """Every batch of a training: its inputs, logits and targets."""
    batches, update = [], loop._Trainer._update

    def record_update(self, inputs_BKHW, targets_B, rate):
        loss, logits_BC = update(self, inputs_BKHW, targets_B, rate)
        batches.append((inputs_BKHW, logits_BC, targets_B))
        return loss, logits_BC

    monkeypatch.setattr(loop._Trainer, "_update", record_update)
    return batches


@pytest.mark.parametrize(
    "index", [range(3, 43), [*range(3, 30), 8, 8, 17]], ids=["distinct", "multiset"]
)
def test_a_trainings_dynamics_are_those_of_a_plain_count(
    make_job, recorded, tmp_path, monkeypatch, index
):
    """The samples of a batch are found again by their pixels."""
    monkeypatch.setattr(dynamics, "NUM_SAMPLED", 11)
    job = make_job(index, checkpoints=Checkpoints(last=2, every=2, best=False))

    found = train(job, tmp_path).dynamics

    row_R, copies = np.unique(list(index), return_counts=True)
    pixels = np.array(artifacts.load_inputs(job.prepared, "train"))[row_R]
    known = {bytes(image): row for row, image in enumerate(normalised(pixels, job))}
    plain, events = PlainCount(copies.tolist()), {}
    batches_per_epoch = len(recorded) // 4
    for number, (inputs, logits, targets) in enumerate(recorded, start=1):
        rows = [known[bytes(image.contiguous().numpy())] for image in inputs]
        plain.add(rows, logits.tolist(), targets.tolist())
        epoch, rest = divmod(number, batches_per_epoch)
        if not rest:
            plain.end_epoch()
            so_far = plain.events_so_far(epoch)
            events[epoch] = dict(zip(row_R.tolist(), so_far, strict=True))
    assert found.row_R.tolist() == row_R.tolist()
    assert len(found.sampled_S) == 11
    assert found.kept_epoch_E.tolist() == [2, 4]
    assert found.kept_events_ES.tolist() == [
        [events[epoch][row] for row in found.sampled_S.tolist()] for epoch in (2, 4)
    ]
    assert len({*found.forgetting_events_MR[0]}) > 1
    plain.check(found, 4)


def normalised(pixels, job):
    return [image.contiguous().numpy() for image in normalise(torch.from_numpy(pixels), job.meta)]


def test_recording_and_tracking_decide_no_weights(make_job, tmp_path, monkeypatch):
    short = {"length": EpochLength(epochs=1)}
    trained = train(make_job(range(30), **short), tmp_path / "a")
    tracked = train(make_job(range(30), track="gradient_norm", **short), tmp_path / "b")
    monkeypatch.setattr(Recorder, "add", lambda *_: None)
    unrecorded = train(make_job(range(30), **short), tmp_path / "c")

    assert trained.history == tracked.history == unrecorded.history
    weights = [interrupted.weights(tmp_path / name) for name in "abc"]
    assert weights[0] == weights[1] == weights[2] != {}
    assert trained.tracked is None


def test_a_training_of_less_than_an_epoch_has_finite_dynamics(make_job, tmp_path):
    trained = train(make_job(range(30), length=UpdateLength(updates=1)), tmp_path)

    artifacts.save_dynamics(tmp_path, trained.dynamics)
    assert artifacts.load_dynamics(tmp_path, 60).aum_MR.shape == (1, 30)


def test_epochs_are_kept_in_the_dynamics_as_their_weights_are_where_a_plateau_ends_the_training(
    make_job, tmp_path
):
    job = make_job(
        range(20),
        track="gradient_norm",
        schedule=Plateau(name="plateau", patience=1, factor=0.1),
        length=EpochLength(epochs=200),
        checkpoints=Checkpoints(last=2, every=3, best=True),
    )

    trained = train(dataclasses.replace(job, member=4), tmp_path)

    found, num_epochs = trained.dynamics, len(trained.history)
    assert num_epochs < 200
    assert found.kept_epoch_E.tolist() == [entry.epoch for entry in trained.checkpoints]
    assert found.kept_epoch_E[-1] == num_epochs
    assert set(found.kept_member_E) == {4}
    assert (found.kept_events_ES[-1] == found.forgetting_events_MR[0]).all()
    assert trained.tracked.gradient_norm_MES.shape == (1, 1 + num_epochs, 20)


# --- tracked gradient norms ----------------------------------------------------------------------


def test_tracked_norms_are_those_of_a_backward_pass_for_each_sample(
    make_job, prepared, tmp_path, monkeypatch
):
    monkeypatch.setattr(gradient_norm_tracker, "NUM_TRACKED", 11)
    job = make_job(range(10, 40), track="gradient_norm", length=EpochLength(epochs=2))
    trained = train(job, tmp_path)
    model = models.build("resnet8", 3, [8, 8, 1])
    load_weights(tmp_path / trained.checkpoints[-1].path, model.eval())

    row_S, norm_MES = trained.tracked.row_S, trained.tracked.gradient_norm_MES
    pixels = np.array(artifacts.load_inputs(prepared, "train"))[row_S]
    targets = torch.from_numpy(np.array(artifacts.load_targets(prepared, "train"))[row_S])
    inputs = normalise(torch.from_numpy(pixels), job.meta)

    assert norm_MES.shape == (1, 3, 11)
    assert norm_MES.dtype == np.float32
    for number in range(11):
        loss = torch.nn.functional.cross_entropy(
            model(inputs[number : number + 1]), targets[number : number + 1]
        )
        (gradient,) = torch.autograd.grad(loss, model.classifier.weight)
        assert norm_MES[0, 2, number] == pytest.approx(float(gradient.norm()), rel=1e-3)
    assert not np.allclose(norm_MES[0, 1], norm_MES[0, 2])
    # The history begins before the training.
    assert np.array_equal(norm_MES[:, :1], first_norms(job))


def first_norms(job):
    tracker = GradientNormTracker(job, CPU)
    tracker.add(loop.initial_model(job))
    return tracker.finish().gradient_norm_MES


def test_tracked_norms_are_those_of_fp32_whatever_the_training_has(make_job):
    fp32, bf16 = (first_norms(make_job(range(30), precision=of)) for of in ("fp32", "bf16"))
    assert np.array_equal(fp32, bf16)


SOME_ROWS = pytest.mark.parametrize(
    ("rows_of", "module", "limit"),
    [(tracked_rows, gradient_norm_tracker, "NUM_TRACKED"), (sampled_rows, dynamics, "NUM_SAMPLED")],
)


@SOME_ROWS
def test_some_samples_are_random_ones_of_the_subset_and_stay_as_it_grows(
    make_job, monkeypatch, rows_of, module, limit
):
    assert rows_of(make_job([9, 4, 4, 30])).tolist() == [4, 9, 30]

    monkeypatch.setattr(module, limit, 8)
    few, many = (rows_of(make_job(range(num))).tolist() for num in (20, 60))
    assert len(few) == len(many) == 8
    assert many == sorted(many) != list(range(8))
    assert {row for row in many if row < 20} <= set(few)
    # They are the same for every member, and others with another random seed.
    job = make_job(range(60))
    assert rows_of(dataclasses.replace(job, member=3)).tolist() == many
    assert rows_of(dataclasses.replace(job, random_seed=8)).tolist() != many


def test_tracking_more_samples_than_a_batch_holds_changes_nothing(make_job):
    """But for the last bits, which the batch size decides."""
    few, many = (first_norms(make_job(range(60), batch_size=size)) for size in (7, 60))
    assert few == pytest.approx(many, rel=1e-4)


def tracked_of(num_epochs, value):
    return Tracked(np.array([2, 5]), np.full((1, num_epochs, 2), value, dtype=np.float32))


def test_members_that_end_earlier_are_filled_with_nan(tmp_path):
    stacked = tracking.stack_tracked([tracked_of(3, 1.0), tracked_of(1, 2.0)])
    tracking.save_tracked(tmp_path, stacked)

    found = tracking.load_tracked(tmp_path)

    assert found.row_S.tolist() == [2, 5]
    expected = [[[1, 1]] * 3, [[2, 2], [np.nan] * 2, [np.nan] * 2]]
    np.testing.assert_array_equal(found.gradient_norm_MES, np.float32(expected))


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_a_norm_that_is_none_is_refused(tmp_path, value):
    tracking.save_tracked(tmp_path, tracked_of(1, value))

    with pytest.raises(ArtifactError, match="finite and 0 or more"):
        tracking.load_tracked(tmp_path)
