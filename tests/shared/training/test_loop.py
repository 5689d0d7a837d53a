"""Tests for stages/shared/training/loop.py."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
import toy
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stages.shared import artifacts, models, tasks
from stages.shared.artifacts import Epoch
from stages.shared.artifacts.weights import load_weights
from stages.shared.errors import TrainingError
from stages.shared.networks.batches import normalise
from stages.shared.networks.layers import Classifier
from stages.shared.prediction.flops import forward_flops
from stages.shared.settings.training_sections import (
    Augmentation,
    Checkpoints,
    EpochLength,
    Plateau,
    Steps,
    Training,
    UpdateLength,
)
from stages.shared.training import loop
from stages.shared.training.checkpoints import CheckpointKeeper
from stages.shared.training.job import Job
from stages.shared.training.validation import validated_epochs

CPU = torch.device("cpu")
STEPS = Steps(name="steps", milestones=[2], factor=0.1, warmup_epochs=0, warmup="linear")
PLAIN = Augmentation(crop_padding=0, border="black", horizontal_flip=False, scale=[1.0, 1.0])


def make_settings(**changes: object) -> Training:
    base = {
        "length": EpochLength(epochs=3),
        "batch_size": 16,
        "augmentation": PLAIN,
        "validations": "every_epoch",
        "checkpoints": Checkpoints(last=1, every=1, best=False),
    }
    return toy.training(**base | changes)


@pytest.fixture
def make_job(prepared):
    def make(index=range(30), member=0, learning_rate=0.05, **changes) -> Job:
        settings = make_settings(**changes)
        return toy.job(prepared, settings, index, member=member, learning_rate=learning_rate)

    return make


def train(job, folder):
    trained = loop.train(job, folder, CPU, lambda epoch, images: None)
    return trained.history, trained.checkpoints


@pytest.fixture
def weights_of(tmp_path):
    """Return what trains, and gives back the bytes of the weights that are kept."""

    def of(job, device=CPU):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        loop.train(job, folder, device, lambda epoch, images: None)
        return [path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))]

    return of


def test_a_small_model_learns_the_toy_data_by_heart(make_job, tmp_path):
    history, _ = train(make_job(range(60), length=EpochLength(epochs=15)), tmp_path)

    assert history[-1].train_accuracy == 1.0
    assert history[-1].validation_accuracy > 0.9
    assert history[-1].train_loss < history[0].train_loss


def test_the_order_of_the_picks_does_not_matter_their_number_and_the_member_do(
    make_job, weights_of
):
    jobs = [make_job([5, 3, 9]), make_job([9, 5, 3]), make_job([5, 3, 3, 9])]
    one, turned, more = map(weights_of, jobs)
    assert one == turned != more
    assert weights_of(make_job([5, 3, 9], member=1)) != one


def test_a_member_starts_from_the_same_weights_on_every_subset(make_job):
    one, other = (loop.initial_model(make_job(index)) for index in (range(5), range(60)))

    for left, right in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(left, right)


def test_building_a_model_leaves_the_global_generator_alone(make_job):
    before = torch.get_rng_state()
    loop.initial_model(make_job())
    assert torch.equal(torch.get_rng_state(), before)


def test_an_epoch_draws_every_pick_once_and_a_pick_that_stands_twice_twice(make_job):
    trainer = loop._Trainer(make_job([4, 4, 8, 30, 31, 40], batch_size=3), CPU)
    pixels = artifacts.load_inputs(trainer.job.prepared, "train")

    for number in (1, 2):
        seen = torch.cat([inputs for _, inputs, _ in trainer.epoch_batches.of(number)])
        expected = normalise(torch.from_numpy(pixels[[4, 4, 8, 30, 31, 40]]), trainer.job.meta)
        sums = sorted(seen.sum(dim=(1, 2, 3)).tolist())
        assert sums == pytest.approx(sorted(expected.sum(dim=(1, 2, 3)).tolist()))


def test_each_epoch_has_an_order_of_its_own(make_job):
    batches = loop._Trainer(make_job(batch_size=30), CPU).epoch_batches
    (first, _, _), (second, _, _) = (next(batches.of(number)) for number in (1, 2))
    assert first.tolist() != second.tolist()
    assert first.sort().values.equal(second.sort().values)


def test_each_epoch_has_an_augmentation_of_its_own(make_job):
    flipped = PLAIN.model_copy(update={"horizontal_flip": True})
    # One sample, thirty times: only the draws differ.
    trainer = loop._Trainer(make_job([4] * 30, augmentation=flipped, batch_size=30), CPU)
    (_, first, _), (_, second, _) = (next(trainer.epoch_batches.of(number)) for number in (1, 2))
    assert not first.equal(second)


def test_one_update_is_that_of_plain_torch(make_job, prepared):
    """Cross-entropy with label smoothing, SGD with Nesterov momentum and weight decay."""
    job = make_job(range(12), length=UpdateLength(updates=2), label_smoothing=0.1, batch_size=6)
    trainer = loop._Trainer(job, CPU)
    model = loop.initial_model(job).train()
    settings = job.settings.optimizer
    oracle = torch.optim.SGD(
        model.parameters(),
        lr=1.0,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
    )
    for update, (_, inputs, targets) in enumerate(trainer.epoch_batches.of(1)):
        oracle.param_groups[0]["lr"] = 0.05 * trainer.schedule.factor(update)
        oracle.zero_grad()
        logits = model(inputs)
        smooth = torch.full_like(logits, 0.1 / 3)
        smooth[torch.arange(len(targets)), targets] += 0.9
        (-(smooth * logits.log_softmax(1)).sum(1).mean()).backward()
        oracle.step()

    trainer._train_epoch(1)

    for name, found in trainer.model.state_dict().items():
        assert torch.allclose(found, model.state_dict()[name], atol=1e-5), name


class WithDropout(Classifier):
    """Features that dropout halves."""

    def __init__(self, num_classes, image_shape):
        height, width, channels = image_shape
        num = height * width * channels
        super().__init__(nn.Sequential(nn.Flatten(), nn.Dropout(0.5)), num, num_classes)


def test_dropout_depends_on_the_jobs_own_streams_alone(make_job, weights_of, monkeypatch):
    """So it is the same in any worker, whatever that did before."""
    monkeypatch.setattr(models, "build", lambda _, *shape: WithDropout(*shape))
    found = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        before = torch.get_rng_state()
        found.append(weights_of(make_job()))
        assert torch.equal(torch.get_rng_state(), before)
    assert found[0] == found[1]


def test_dropout_differs_between_members_and_epochs(make_job, monkeypatch):
    monkeypatch.setattr(models, "build", lambda _, *shape: WithDropout(*shape))
    masks = []
    for member, epoch in ((0, 1), (0, 2), (1, 1), (0, 1)):
        trainer = loop._Trainer(make_job(member=member), CPU)
        with trainer.streams.dropout(epoch):
            masks.append(trainer.model.train().features(torch.ones(2, 8, 8, 1)) > 0)

    assert torch.equal(masks[0], masks[3])
    assert not torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_updates_end_a_training_within_an_epoch(make_job, tmp_path):
    job = make_job(range(40), length=UpdateLength(updates=7), batch_size=16)
    history, _ = train(job, tmp_path)
    assert [epoch.updates for epoch in history] == [3, 6, 7]
    assert history[-1].images_seen == 40 + 40 + 13


@pytest.mark.parametrize(
    ("picks", "changes", "updates"),
    [
        (20, {}, 4 * 2),  # 4 epochs of batches of 10
        (5, {}, 4 * 1),  # smaller than a batch: an update an epoch
        (20, {"stop_after": 3}, 3 * 2),
        (20, {"schedule": STEPS}, 4 * 2),
    ],
)
def test_everything_is_trained_for_exactly_as_many_updates_as_a_subset(
    make_job, tmp_path, picks, changes, updates
):
    """Its own epochs are of three batches, the last one cut."""
    settings = {"length": EpochLength(epochs=4), "batch_size": 16} | changes
    subset, _ = train(make_job(range(picks), **settings), tmp_path / "subset")
    job = dataclasses.replace(make_job(range(40), **settings), as_long_as=picks)
    history, _ = train(job, tmp_path / "matched")

    assert history[-1].updates == subset[-1].updates == updates
    assert [epoch.updates for epoch in history] == [*range(3, updates, 3), updates]
    assert history[-1].learning_rate == subset[-1].learning_rate


def test_what_is_as_long_as_a_subset_is_the_same_training_in_updates(make_job, weights_of):
    """The schedule of one cycle is compressed: 4 epochs of 20 picks are 8 updates of anything."""
    job = dataclasses.replace(make_job(range(40), length=EpochLength(epochs=4)), as_long_as=20)
    assert weights_of(job) == weights_of(make_job(range(40), length=UpdateLength(updates=8)))


def test_steps_fall_after_the_updates_of_the_subsets_epochs(make_job, tmp_path):
    """Milestones after 1 and 2 epochs of 3 batches: 3 and 6 updates, within epochs of 4."""
    steps = STEPS.model_copy(update={"milestones": [1, 2]})
    job = make_job(range(60), length=EpochLength(epochs=4), schedule=steps, learning_rate=1.0)
    trainer = loop._Trainer(dataclasses.replace(job, as_long_as=40), CPU)
    rates = [trainer.schedule.factor(update) for update in range(trainer.num_updates)]
    assert rates == pytest.approx([1.0] * 3 + [0.1] * 3 + [0.01] * 6)
    assert trainer.num_epochs == 3


def test_stop_after_is_the_start_of_the_longer_training(make_job, tmp_path):
    longer, _ = train(make_job(length=EpochLength(epochs=4)), tmp_path / "a")
    stopped, _ = train(make_job(length=EpochLength(epochs=4), stop_after=2), tmp_path / "b")

    assert stopped == longer[:2]


def test_flops_count_three_passes_for_training_and_one_for_validation(make_job, tmp_path):
    job = make_job(range(30), length=EpochLength(epochs=2))
    history, _ = train(job, tmp_path)
    per_image = forward_flops("resnet8", job.meta)
    assert history[-1].flops == per_image * 2 * (3 * 30 + 20)


@pytest.mark.parametrize("edge", [32, 224])
@pytest.mark.parametrize("model", ["resnet8", pytest.param("densenet121", marks=pytest.mark.slow)])
def test_forward_flops_are_those_of_torchs_counter(make_job, model, edge):
    meta = dataclasses.replace(make_job().meta, input_shape=(edge, edge, 3))
    net = models.build(model, meta.num_classes, meta.input_shape).eval()

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, edge, edge))

    assert forward_flops(model, meta) == counter.get_total_flops()


@pytest.mark.slow
def test_training_does_not_import_torchs_compiler(make_job, tmp_path):
    """It takes as long as torch itself, in every worker process."""
    code = (
        "import pickle, sys, pathlib, torch; from stages.shared.training.loop import train; "
        "job = pickle.loads(sys.stdin.buffer.read()); "
        "train(job, pathlib.Path(sys.argv[1]), torch.device('cpu'), lambda *event: None); "
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], input=pickle.dumps(make_job()), check=True
    )


def test_counting_flops_leaves_torchs_generator_alone(make_job):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    forward_flops("resnet8", make_job().meta)
    assert torch.equal(torch.rand(2), expected)


def test_a_loss_that_is_no_number_stops_with_member_epoch_and_rate(make_job, tmp_path):
    job = make_job(learning_rate=1e30, member=3)

    with pytest.raises(TrainingError, match=r"member 3, epoch \d, learning rate .*finite"):
        train(job, tmp_path)


def test_plateau_ends_a_training_before_its_length(make_job, tmp_path):
    job = make_job(
        schedule=Plateau(name="plateau", patience=1, factor=0.1),
        length=EpochLength(epochs=200),
        checkpoints=Checkpoints(last=2, every=2, best=True),
    )

    history, checkpoints = train(job, tmp_path)

    last = history[-1].epoch
    assert last < 200
    kept = [entry.epoch for entry in checkpoints if entry.is_last]
    assert kept == [last - 2, last]
    assert {path.stem for path in tmp_path.rglob("*.safetensors")} == {
        entry.path.stem for entry in checkpoints
    }


def test_bf16_learns_as_well(make_job, tmp_path):
    history, _ = train(
        make_job(range(60), precision="bf16", length=EpochLength(epochs=15)), tmp_path
    )

    assert history[-1].train_accuracy > 0.95


def test_kept_weights_are_those_of_their_epoch(make_job, prepared, tmp_path):
    job = make_job(range(60), checkpoints=Checkpoints(last=2, every=1, best=True))
    history, checkpoints = train(job, tmp_path)
    inputs = normalise(
        torch.from_numpy(np.array(artifacts.load_inputs(prepared, "validation"))), job.meta
    )
    targets = torch.from_numpy(np.array(artifacts.load_targets(prepared, "validation")))
    task = tasks.load("image_classification")

    assert len(checkpoints) >= 2
    for checkpoint in checkpoints:
        model = models.build("resnet8", 3, [8, 8, 1])
        load_weights(tmp_path / checkpoint.path, model)
        _, logits = task.forward(model.eval(), inputs, "fp32")
        correct, num = task.right_and_all(logits, targets).tolist()
        assert correct / num == history[checkpoint.epoch - 1].validation_accuracy


@pytest.mark.parametrize(
    ("validations", "num_epochs", "expected"),
    [
        ("every_epoch", 3, {1, 2, 3}),
        (2, 10, {5, 10}),
        (3, 10, {4, 7, 10}),
        (10, 4, {1, 2, 3, 4}),
        (1, 9, {9}),
    ],
)
def test_validations_are_spread_evenly_and_come_last_too(validations, num_epochs, expected):
    assert validated_epochs(validations, num_epochs) == expected


class Weights(torch.nn.Linear):
    """A stand-in that is cheap to write."""

    def __init__(self) -> None:
        super().__init__(1, 1)


def keep(folder, accuracies, settings, last_epoch) -> list[tuple[int, bool, bool]]:
    keeper = CheckpointKeeper(folder, 0, settings, last_epoch)
    for number, accuracy in enumerate(accuracies, start=1):
        keeper.add(Epoch(0, number, 0, 0, 0.0, 0.0, 0.0, 0.0, None, accuracy), Weights())
    kept = keeper.finish()
    assert {path.name for path in folder.rglob("*.safetensors")} == {
        entry.path.name for entry in kept
    }
    return [(entry.epoch, entry.is_best, entry.is_last) for entry in kept]


@pytest.mark.parametrize("is_known", [True, False])
def test_checkpoints_count_backwards_from_the_last_epoch(tmp_path, is_known):
    accuracies = [0.1, 0.9, 0.3, 0.9, 0.5, 0.6, 0.7]
    settings = Checkpoints(last=3, every=2, best=True)
    kept = keep(tmp_path, accuracies, settings, 7 if is_known else None)
    # The best is the earliest of equals.
    assert kept == [(2, True, False), (3, False, True), (5, False, True), (7, False, True)]


def test_unvalidated_epochs_are_never_best(tmp_path):
    kept = keep(tmp_path, [None, 0.2, None, 0.1], Checkpoints(last=1, every=1, best=True), 4)
    assert kept == [(2, True, False), (4, False, True)]


def test_a_training_shorter_than_what_is_kept_keeps_all(tmp_path):
    kept = keep(tmp_path, [0.1, 0.2], Checkpoints(last=5, every=1, best=False), 2)
    assert [epoch for epoch, _, _ in kept] == [1, 2]


# --- what makes a recipe faster ------------------------------------------------------------------


def weights_in(folder):
    model = models.build("resnet8", 3, [8, 8, 1])
    load_weights(next(folder.rglob("*.safetensors")), model)
    return model.state_dict()


def test_a_whitened_first_layer_stays_as_it_is_and_the_rest_is_trained(make_job, tmp_path):
    job = make_job(first_layer="whitened")
    first = loop.initial_model(job).state_dict()

    train(job, tmp_path)

    same = {
        name for name, tensor in weights_in(tmp_path).items() if torch.equal(tensor, first[name])
    }
    assert same == {"features.stem.weight"}


def test_the_whitened_first_layer_is_the_same_on_every_subset_and_for_all_members(make_job):
    stems = [
        loop.initial_model(make_job(index, member, first_layer="whitened")).features.stem.weight
        for index, member in ((range(5), 0), (range(60), 0), (range(60), 1))
    ]
    assert torch.equal(stems[0], stems[1])
    assert torch.equal(stems[0], stems[2])


def test_a_fine_tuned_model_keeps_the_first_layer_that_it_has(make_job, tmp_path):
    train(make_job(), tmp_path)
    path = next(tmp_path.rglob("*.safetensors"))
    job = dataclasses.replace(make_job(first_layer="whitened"), initial_weights=path)

    stem = loop.initial_model(job).features.stem.weight

    assert torch.equal(stem, weights_in(tmp_path)["features.stem.weight"])
    assert not stem.requires_grad


def test_on_a_processor_determinism_changes_no_byte(make_job, weights_of):
    assert weights_of(make_job()) == weights_of(make_job(deterministic=True)) != []


@pytest.mark.gpu
def test_on_a_gpu_a_deterministic_training_gives_equal_bytes(make_job, weights_of):
    job = make_job(range(60), deterministic=True, precision="bf16")
    cuda = torch.device("cuda")
    assert weights_of(job, cuda) == weights_of(job, cuda) != []


def test_history_survives_its_file(make_job, tmp_path):
    history, _ = train(make_job(validations=1), tmp_path)
    artifacts.save_history(tmp_path / "history.csv", history)
    assert artifacts.load_history(tmp_path / "history.csv") == history
    assert [epoch.validation_accuracy is None for epoch in history] == [True, True, False]
