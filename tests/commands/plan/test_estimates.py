"""Tests for commands/plan/{work,disk,estimates,limits,shown}.py, on hand-computed values."""

import re
from dataclasses import replace

import pytest
import toy

from commands.plan import calibration, disk, estimates, limits, shown, trials, work
from commands.plan.data_sets import Data
from commands.plan.graph import Graph, Stage
from stages.shared.artifacts import Meta
from stages.shared.networks import batches as training_data
from stages.shared.settings.params import check_params

META = Meta(
    task="image_classification",
    dataset="toy",
    class_names=["a", "b"],
    input_shape=[8, 8, 1],
    mean=[0.5],
    std=[0.2],
    num_samples={"train": 1000, "validation": 100, "test": 200},
    fingerprint="toy",
)
DATA = Data(META, is_prepared=True, storage="memory", input_bytes=64, files=[])
ENSEMBLE = ["data/prepared", "data/subsets/0.25.csv", "data/ensembles/0.25", "h.csv", "dynamics"]
TARGET = ["resnet8", "data/prepared", "data/comparison/full.csv", "scratch", "models", "h.csv"]


def params_of(**changes):
    """Return params of two members that train 10 epochs of batches of 50, validated five times."""
    content = toy.default_params()
    for section in ("train_ensemble", "train_subset_model"):
        content[section] |= {
            "members": 3,
            "length": {"epochs": 10},
            "batch_size": 50,
            "validations": 5,
            "checkpoints": {"last": 2, "every": 1, "best": False},
        }
    content["seed_size"], content["rounds"] = 0.25, [{"from": 0.25, "to": 0.5}]
    for name, value in changes.items():
        *sections, key = name.split("__")
        place = content
        for section in sections:
            place = place[section]
        place[key] = value
    return check_params(content)


def stage(kind, arguments=(), state="changed"):
    return Stage(kind, ["python", "-m", f"stages.{kind}", *arguments], state, "code", True)


def rate(**changes):
    found = trials.Rate(
        seconds_per_pass=0.001,
        seconds_to_begin=0.5,
        flops_per_pass=1e6,
        process_bytes=4e8,
        gpu_bytes=0.0,
        weights_bytes=1000,
    )
    return replace(found, **changes)


def machine_of(params, data=DATA, **changes):
    """Return a machine on which everything is as fast."""

    class Everything(dict):
        def __missing__(self, key):
            return rate(**changes)

    measured = calibration.Calibration(
        device="cpu", gpu_bytes=0.0, start=0.5, torch_start=2.0, decoding=0.01, rates=Everything()
    )
    return estimates.Machine(params, data, measured)


@pytest.fixture(autouse=True)
def two_workers(monkeypatch):
    monkeypatch.setenv("SUBSET_WORKERS", "2")
    monkeypatch.setenv("SUBSET_LOADERS", "4")
    monkeypatch.setenv("SUBSET_DEVICE", "cpu")


# --- what there is to do --------------------------------------------------------------------------


def test_an_ensemble_trains_its_members_on_the_rounds_subset():
    found = work.work_of(stage("train_ensemble", ENSEMBLE), params_of(), DATA)

    assert found.num_trainings == 3
    assert found.trainings.num_picks == 250
    assert found.images == 3 * 10 * 250
    assert found.passes == 3 * (3 * 10 * 250 + 5 * 100)  # validation costs one, training three


def test_equal_updates_draw_as_many_images_from_every_subset():
    params = params_of(train_ensemble__length={"updates": 40})
    found = work.work_of(stage("train_ensemble", ENSEMBLE), params, DATA)
    assert found.images == 3 * 40 * 50


def test_pretrained_weights_are_no_training():
    params = params_of(
        train_ensemble__weights="pretrained",
        train_ensemble__members=1,
        acquisition="entropy",
    )
    assert work.work_of(stage("train_ensemble", ENSEMBLE), params, DATA) == work.Work()


@pytest.mark.parametrize(
    ("subset", "picks"),
    [
        ("full", 1000),
        ("selected", 500),
        ("random", 500),
        ("random-unique", 500),
        ("selected-0.1", 100),
        ("random-0.75", 750),
    ],
)
def test_a_target_trains_on_as_many_picks_as_its_subset_has(subset, picks):
    arguments = [*TARGET[:2], f"data/comparison/{subset}.csv", *TARGET[3:]]
    found = work.work_of(stage("train_subset_model", arguments), params_of(), DATA)
    assert found.trainings.num_picks == picks
    assert found.trainings.model == "resnet8"


def test_all_voters_predict_train_and_validation_once_for_each_view():
    params = params_of(predict_pool__views=["identity", "flip"], dataset__name="cifar10")
    found = work.work_of(stage("predict_pool", ["p", "e", "s"]), params, DATA)
    assert found.images == 3 * 1100
    assert found.passes == 3 * 2 * 1100


def test_gradients_of_all_weights_take_a_backward_pass_of_train():
    params = params_of(
        predict_pool__signals=["gradient_norm"], predict_pool__gradient_norm__parameters="all"
    )
    found = work.work_of(stage("predict_pool", ["p", "e", "s"]), params, DATA)
    assert found.passes == 3 * (1100 + 3 * 1000)


def test_targets_are_evaluated_on_validation_and_test():
    found = work.work_of(stage("evaluate", ["p", "models/resnet8-full", "e"]), params_of(), DATA)
    assert found.predictions.model == "resnet8"
    assert found.passes == 3 * 300


# --- seconds, FLOPs, memory -----------------------------------------------------------------------


def estimated(kind, arguments, machine):
    spec = stage(kind, arguments)
    return estimates.estimate(spec, work.work_of(spec, machine.params, machine.data), machine)


def test_three_members_on_two_workers_take_the_time_of_two():
    found = estimated("train_ensemble", ENSEMBLE, machine_of(params_of()))

    member = 0.5 + 0.001 * (3 * 10 * 250 + 5 * 100)
    assert found.seconds == pytest.approx(0.5 + 2.0 + 2 * member)
    assert found.flops == 3 * (3 * 10 * 250 + 5 * 100) * 1e6


def test_each_worker_holds_its_subset_and_validation():
    found = estimated("train_ensemble", ENSEMBLE, machine_of(params_of()))
    assert found.memory_bytes == 150e6 + 2 * (4e8 + 64 * (250 + 100))
    assert found.gpu_bytes == 0


def test_on_a_gpu_samples_lie_there():
    found = estimated("train_ensemble", ENSEMBLE, machine_of(params_of(), gpu_bytes=1e9))
    assert found.memory_bytes == 150e6 + 2 * 4e8
    assert found.gpu_bytes == 2 * (1e9 + 64 * (250 + 100))


def test_files_are_decoded_once_where_their_pixels_stay_in_memory(monkeypatch):
    monkeypatch.setattr("stages.shared.running.engine.num_cores", lambda: 4)
    files = replace(DATA, storage="files")
    plain = estimated("train_ensemble", ENSEMBLE, machine_of(params_of()))

    once = estimated("train_ensemble", ENSEMBLE, machine_of(params_of(), files))
    monkeypatch.setattr(estimates, "MOST_DECODED", 100)
    each_time = estimated("train_ensemble", ENSEMBLE, machine_of(params_of(), files))

    # Two members after each other on each worker, which decodes two files at a time.
    assert once.seconds - plain.seconds == pytest.approx(2 * 250 * 0.01 / 2)
    assert each_time.seconds - plain.seconds == pytest.approx(2 * 2500 * 0.01 / 2)
    assert each_time.memory_bytes < once.memory_bytes


def test_what_a_training_keeps_decoded_is_what_the_training_loop_keeps():
    assert estimates.MOST_DECODED == training_data.MOST_DECODED


def test_a_light_stage_takes_its_start_and_a_little_for_each_sample():
    found = estimated("score", [], machine_of(params_of()))
    assert found.seconds == pytest.approx(0.5 + 1000 * estimates.SECONDS_PER_SAMPLE)
    assert found.flops == 0


# --- disk -----------------------------------------------------------------------------------------


def test_disk_of_an_ensemble_is_its_checkpoints_its_history_and_its_dynamics():
    params = params_of()
    trainings = work.work_of(stage("train_ensemble", ENSEMBLE), params, DATA).trainings
    sizes = disk.Sizes(params, DATA, weights_bytes=1000, num_epochs=10)

    # Three members, two checkpoints each: weights, their lines, and of each the events so far.
    weights = 3 * 2 * (1000 + disk.CHECKPOINT_ROW)
    history = 3 * 10 * disk.EPOCH_ROW
    dynamics = 8 * (250 + 250) + 3 * (12 * 250 + 2 * (16 + 4 * 250))
    assert disk.training_bytes(trainings, sizes) == weights + history + dynamics


def test_the_best_checkpoint_may_be_one_more():
    checkpoints = params_of().train_ensemble.checkpoints
    best = checkpoints.model_copy(update={"best": True})
    assert [disk.num_kept(each, 10) for each in (checkpoints, best)] == [2, 3]
    assert disk.num_kept(best, 1) == 1


def test_disk_of_signals_is_two_bytes_a_vote_and_four_a_number():
    # Votes of three voters and the predicted class; five other signals; three entropies and a row.
    of_sample = 2 * (3 + 1) + 4 * 5 + (4 * 3 + 8)
    assert disk.signals_bytes(params_of(), DATA) == 1000 * of_sample + 100 * 2 * (3 + 1)


# --- what will not fit ----------------------------------------------------------------------------

PLENTY = limits.Limits(memory=1e12, gpu=0.0, disk=1e12)


def complaints(kind, arguments, machine, there):
    found = estimated(kind, arguments, machine)
    return list(limits.will_not_fit([found], machine.params, machine.data, there))


def test_what_fits_is_not_mentioned():
    assert complaints("train_ensemble", ENSEMBLE, machine_of(params_of()), PLENTY) == []


def test_fewer_workers_make_trainings_fit_into_memory():
    there = replace(PLENTY, memory=7e8)
    assert complaints("train_ensemble", ENSEMBLE, machine_of(params_of()), there) == [
        "train_ensemble needs 950 MB of memory and there are 700 MB: set SUBSET_WORKERS=1"
    ]


def test_a_single_worker_needs_smaller_batches(monkeypatch):
    monkeypatch.setenv("SUBSET_WORKERS", "1")
    there = replace(PLENTY, memory=2.75e8)  # half of what it needs
    [line] = complaints("train_ensemble", ENSEMBLE, machine_of(params_of()), there)
    assert line.endswith("set train_ensemble.batch_size to 24 or less")


def test_images_that_fill_the_memory_are_better_left_in_their_files(monkeypatch):
    monkeypatch.setenv("SUBSET_WORKERS", "1")
    large = replace(DATA, input_bytes=10e6)
    there = replace(PLENTY, memory=3e9)
    [line] = complaints("train_ensemble", ENSEMBLE, machine_of(params_of(), large), there)
    assert "set dataset.storage: files" in line


def test_too_large_a_prediction_names_its_batches_and_voters():
    params = params_of(
        predict_pool__voters={"members": "all", "checkpoints": "last", "count": 2, "stride": 1}
    )
    there = replace(PLENTY, memory=2e8)  # half of what it needs
    assert complaints("predict_pool", ["p", "e", "s"], machine_of(params), there) == [
        "predict_pool needs 400 MB of memory and there are 200 MB: set predict_pool.batch_size to "
        "250 or less, or lower predict_pool.voters.count"
    ]


def test_a_gpu_that_is_too_small_is_named():
    there = replace(PLENTY, gpu=1.5e9)
    machine = machine_of(params_of(), gpu_bytes=1e9)
    [line] = complaints("train_ensemble", ENSEMBLE, machine, there)
    assert line == (
        "train_ensemble needs 2.0 GB of GPU memory and there are 1.5 GB: set SUBSET_WORKERS=1"
    )


def test_a_full_disk_names_what_writes_most():
    there = replace(PLENTY, disk=1e4)
    [line] = complaints("prepare", [], machine_of(params_of()), there)
    assert re.fullmatch(
        r"the stages write \d+ kB and the disk has 10 kB left: set dataset.storage: files, and "
        r"images stay where they are \(prepare writes most of it\)",
        line,
    )


# --- the text -------------------------------------------------------------------------------------


def test_the_text_says_what_runs_and_what_it_comes_to():
    machine = machine_of(params_of())
    specs = [
        stage("prepare", ["data/prepared"], "unchanged"),
        stage("train_ensemble", ENSEMBLE),
        stage("predict_pool", ["p", "e", "s"], "follows"),
        stage("score", [], "follows"),
        stage("select", ["0.25", "0.5"], "follows"),
    ]
    graph = Graph(specs, seconds_to_look=1.0, seconds_per_stage=0.5)
    found = [
        estimates.estimate(spec, work.work_of(spec, machine.params, DATA), machine)
        for spec in specs
        if spec.runs
    ]

    lines = list(shown.lines(graph, found, machine))

    assert "1,000 train, 100 validation, 200 test images" in lines[0]
    assert "5 stages: 1 will run; 3 will run unless a result above stays equal; 1 up to date." in (
        lines
    )
    # 2.5 s of start and two members of 0.5 + 8 s; 2.5 s and 0.5 + 3.3 s; 1 s of two light ones.
    [total] = [line for line in lines if line.startswith("3 trainings")]
    assert (
        total == "3 trainings, 10,800 images, 2.7e+10 FLOPs: about 30 s, 3.0 s of them DVC's own."
    )
    # 10 epochs of 1,000 images at three passes, and 500 of validation.
    [full] = [line for line in lines if line.startswith("One training")]
    assert full == (
        "One training of resnet8 on everything: 31 s, 3.0e+10 FLOPs; the search: 0.90 of that in "
        "FLOPs, 0.86 in seconds."
    )


def test_with_nothing_to_run_one_line_says_so():
    graph = Graph([stage("prepare", [], "unchanged")], 1.0, 0.5)
    assert shown.nothing_to_do(graph) == "Nothing to run: DVC has the results of all 1 stages."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.14, "3.1 s"), (75.2, "75 s"), (600, "10 min"), (7200, "2.0 h"), (3600 * 30, "30.0 h")],
)
def test_times_are_for_people(seconds, text):
    assert shown.in_time(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(12, "12 B"), (1234, "1.2 kB"), (45.6e6, "46 MB"), (3e12, "3.0 TB")]
)
def test_bytes_are_for_people(number, text):
    assert limits.in_bytes(number) == text
