"""Tests for commands/plan/{work,estimates,shown}.py, on hand-computed values."""

from dataclasses import replace

import pytest
import toy

from commands.plan import estimates, shown, trials, work
from commands.plan.data_sets import Data
from commands.plan.graph import Stage
from stages.shared.artifacts import Meta
from stages.shared.networks import batches
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
DATA = Data(META, is_prepared=True)
FILES = replace(DATA, files=["a.png"], to_decode=["a.png"])
ENSEMBLE = ["data/prepared", "data/embeddings", "data/subsets/0.25", "w", "e", "h", "dynamics"]
POOL = ["data/prepared", "data/embeddings", "data/ensembles/0.25", "data/signals/0.25"]
TARGET = [
    *("resnet8", "data/prepared", "data/embeddings", "data/comparison/full"),
    *("scratch", "w", "models", "h"),
]


def params_of(**changes):
    """Return params of three members that train 10 epochs in batches of 50, validated 5 times."""
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
    toy.set_values(content, changes)
    return check_params(content)


def stage(kind, arguments=(), state="changed"):
    return Stage(kind, list(arguments), state, "code", True)


def work_of(kind, arguments, params):
    return work.work_of(stage(kind, arguments), params, META)


def plan_of(params, data=DATA):
    """Return a plan for a machine that takes a millisecond for each image."""

    class Everything(dict):
        def __missing__(self, key):
            return trials.Rate(0.001, 0.5, process_bytes=4e8, weights_bytes=1000)

    machine = trials.Machine("cpu", 0.5, 2.0, decoding=0.01, rates=Everything())
    return estimates.Plan(params, data, machine)


def estimated(kind, arguments, plan):
    return estimates.estimate(stage(kind, arguments), work_of(kind, arguments, plan.params), plan)


@pytest.fixture(autouse=True)
def two_workers(monkeypatch):
    monkeypatch.setenv("SUBSET_WORKERS", "2")
    monkeypatch.setenv("SUBSET_CORES", "4")
    monkeypatch.setenv("SUBSET_DEVICE", "cpu")
    monkeypatch.delenv("SUBSET_LOADERS", raising=False)


# --- what there is to do --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "changes", "updates", "images", "validated"),
    [
        (0.25, {}, 50, 2500, 500),  # 5 batches of 50, 10 times
        (0.5, {}, 100, 5000, 500),  # a growing round
        (1.0, {}, 200, 10_000, 500),  # a round that shrinks starts from everything
        (0.255, {}, 60, 2550, 500),  # 6 batches of 42 or 43
        (0.25, {"stop_after": 4}, 20, 1000, 400),
        (0.25, {"length": {"updates": 42}}, 42, 2100, 500),
        (1.0, {"length": {"updates": 42}}, 42, 2100, 300),  # of 20 in an epoch: three are begun
        (0.25, {"validations": "every_epoch"}, 50, 2500, 1000),
    ],
)
def test_updates_images_and_validations_of_a_training(size, changes, updates, images, validated):
    params = params_of(**{f"train_ensemble__{name}": value for name, value in changes.items()})
    arguments = [*ENSEMBLE[:2], f"data/subsets/{size}", *ENSEMBLE[3:]]

    found = work_of("train_ensemble", arguments, params)

    assert (found.updates, found.images, found.validated) == (updates, images, validated)
    assert (found.model, found.num_members) == ("resnet8_quarter", 3)


def test_an_ensemble_that_is_not_trained_is_no_training():
    params = params_of(
        train_ensemble__train="none",
        weights={"resnet8_quarter": "pretrained"},
        train_ensemble__members=1,
        acquisition="entropy",
    )
    assert work_of("train_ensemble", ENSEMBLE, params) is None


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
    arguments = [*TARGET[:3], f"data/comparison/{subset}", *TARGET[4:]]
    found = work_of("train_subset_model", arguments, params_of())
    assert (found.model, found.num_picks) == ("resnet8", picks)


@pytest.mark.parametrize(
    ("subset", "changes", "updates", "images", "validated"),
    [
        ("full-matched", {}, 100, 5000, 500),  # of 500 picks: 10 batches, 10 times; 5 epochs
        ("full-matched-0.25", {}, 50, 2500, 300),  # two and a half, all validated
        ("full-matched", {"stop_after": 2}, 20, 1000, 100),
    ],
)
def test_everything_trained_as_briefly_as_a_subset(subset, changes, updates, images, validated):
    section = {"length": {"epochs": 10}, "batch_size": 50, "validations": 5} | changes
    params = params_of(**{f"train_subset_model__{name}": value for name, value in section.items()})
    arguments = [*TARGET[:3], f"data/comparison/{subset}", *TARGET[4:]]
    found = work_of("train_subset_model", arguments, params)
    assert (found.num_picks, found.updates, found.images) == (1000, updates, images)
    assert found.validated == validated


def test_a_race_trains_judges_of_all_entrants_and_of_random_at_most():
    arguments = ["0.5", "data/prepared", "data/proposals/0.5", "data/subsets/0.5", "data/races/0.5"]
    assert work_of("race", arguments, params_of()) is None
    params = params_of(race__entrants={"a": {}, "b": {}, "c": {}}, race__length={"updates": 70})
    found = work_of("race", arguments, params)
    assert (found.model, found.num_picks, found.updates) == ("resnet8_quarter", 500, 70)
    assert found.num_members == params.random_seeds * 4 * (3 + 2)
    assert found.validated == 100  # once, at the end


@pytest.mark.parametrize(
    ("changes", "num_models", "num_samples"),
    [
        ({}, 3, 1100),
        ({"views": ["identity", "flip"]}, 3, 2200),
        ({"voters": {"members": "best", "checkpoints": "last", "count": 2, "stride": 1}}, 2, 1100),
        (
            {"signals": ["gradient_norm"], "gradient_norm": {"norm": "l2", "parameters": "all"}},
            3,
            1100 + 3 * 1000,
        ),
    ],
)
def test_all_voters_predict_train_and_validation(changes, num_models, num_samples):
    changes = {f"predict_pool__{name}": value for name, value in changes.items()}
    changes["train_ensemble__checkpoints"] = {"last": 2, "every": 1, "best": True}
    found = work_of("predict_pool", POOL, params_of(dataset__name="cifar10", **changes))
    assert (found.num_models, found.num_samples) == (num_models, num_samples)


def test_targets_are_evaluated_on_validation_and_test():
    found = work_of("evaluate", ["p", "embeddings", "models/resnet8-full", "e"], params_of())
    assert (found.like.model, found.num_models, found.num_samples) == ("resnet8", 3, 300)


def test_all_kept_checkpoints_of_an_ensemble_are_evaluated_where_it_is_asked_for():
    changes = {"train_ensemble__checkpoints": {"last": 2, "every": 1, "best": True}}
    arguments = ["p", "data/embeddings", "data/ensembles/0.25", "e", "kept"]
    found = work_of("evaluate_ensemble", arguments, params_of(**changes))
    assert (found.num_models, found.num_samples) == (3 * 3, 300)


# --- what it takes --------------------------------------------------------------------------------


def test_a_training_takes_its_start_and_its_members_one_after_the_other_on_each_worker():
    found = estimated("train_ensemble", ENSEMBLE, plan_of(params_of()))
    # Two of three members on one of two workers: 0.5 s to begin, 2,500 images, 500 validated.
    assert found.seconds == pytest.approx(0.5 + 2.0 + 2 * (0.5 + 2.5 + 0.5 / 3))
    assert found.memory_bytes == 150e6 + 2 * (4e8 + (250 + 100) * 64)
    assert found.disk_bytes == 2 * 3 * 2 * 1000  # two checkpoints each, here and to resume


def test_finished_members_take_nothing():
    plan = plan_of(params_of())
    trainings = work_of("train_ensemble", ENSEMBLE, plan.params)
    left = replace(trainings, num_members=0)
    found = estimates.estimate(stage("train_ensemble", ENSEMBLE), left, plan)
    assert (found.seconds, found.disk_bytes) == (2.5, 0)


def test_a_prediction_is_the_forward_pass_of_a_training_on_all_cores():
    found = estimated("predict_pool", POOL, plan_of(params_of()))
    assert found.seconds == pytest.approx(0.5 + 2.0 + 3 * 1100 * 0.001 / 3 / 2)


def test_images_in_files_are_decoded_once_or_where_they_are_many_each_time(monkeypatch):
    plain = estimated("train_ensemble", ENSEMBLE, plan_of(params_of())).seconds
    once = estimated("train_ensemble", ENSEMBLE, plan_of(params_of(), FILES)).seconds
    assert once - plain == pytest.approx(2 * 250 * 0.01 / 2)  # two decode for each member
    monkeypatch.setattr(estimates, "MOST_DECODED", 1000)
    each_time = estimated("train_ensemble", ENSEMBLE, plan_of(params_of(), FILES)).seconds
    assert each_time - plain == pytest.approx(2 * (2500 + 500 / 3) * 0.01 / 2)


def test_what_a_training_keeps_decoded_is_what_the_training_loop_keeps():
    assert estimates.MOST_DECODED == batches.MOST_DECODED


def test_prepare_decodes_every_file_and_writes_what_stays_in_memory():
    arrays = estimated("prepare", [], plan_of(params_of()))
    assert arrays.seconds == estimates.OF_PREPARE * 0.5
    assert arrays.disk_bytes == 1300 * 64
    files = estimated("prepare", [], plan_of(params_of(), FILES))
    assert files.seconds - arrays.seconds == pytest.approx(1300 * 0.01 / 4)
    assert files.disk_bytes == 0


def test_what_fits_is_not_mentioned(monkeypatch):
    monkeypatch.setattr(estimates, "_memory", lambda: 1e12)
    found = estimated("train_ensemble", ENSEMBLE, plan_of(params_of()))
    assert list(estimates.will_not_fit([found])) == []


def test_what_will_not_fit_is_named_with_a_way_out(monkeypatch):
    monkeypatch.setattr(estimates, "_memory", lambda: 9e8)
    monkeypatch.setattr(
        estimates.shutil, "disk_usage", lambda path: estimates.shutil._ntuple_diskusage(0, 0, 1e4)
    )
    found = estimated("train_ensemble", ENSEMBLE, plan_of(params_of()))
    assert list(estimates.will_not_fit([found])) == [
        "Will not fit: train_ensemble needs 950 MB of memory and there are 900 MB: lower "
        "SUBSET_WORKERS or train_ensemble.batch_size, or set dataset.storage: files.",
        "Will not fit: the stages write 12 kB and the disk has 10 kB left; train_ensemble writes "
        "most of it.",
    ]


# --- the text -------------------------------------------------------------------------------------


def test_the_text_says_what_runs_and_what_it_comes_to():
    plan = plan_of(params_of())
    specs = [
        stage("prepare", ["data/prepared"], "unchanged"),
        stage("train_ensemble", ENSEMBLE),
        stage("predict_pool", POOL, "follows"),
        stage("score", [], "follows"),
        stage("select", ["0.25", "0.5"], "follows"),
        stage("report"),
    ]
    found = [
        estimates.estimate(spec, work.work_of(spec, plan.params, META), plan)
        for spec in specs
        if spec.runs
    ]

    lines = list(shown.lines(specs, found, plan))

    assert lines[0] == "digits (prepared): 1,000 train, 100 validation, 200 test images"
    assert lines[1] == "resnet8_quarter chooses for resnet8; on cpu"
    table = lines[3].splitlines()
    assert table[1].split() == ["train_ensemble", "code", "3", "x", "50", "updates", "8.8", "s"]
    assert table[2].split()[-4:] == ["1,100", "samples", "3.0", "s"]
    # DVC's 2 s for each of five stages; 8.8, 3.05, two light ones of 0.5 and a report of 3.2.
    assert lines[5:] == [
        "6 stages: 2 will run; 3 will run unless a result above stays equal; 1 up to date.",
        "3 trainings: about 26 s in all, 21 s of them to choose the subset.",
        "At most 950 MB of memory, and 58 kB on disk.",
    ]


def test_the_table_fits_a_screen_of_100_columns():
    name = "train_subset_model@resnet8_quarter-selected-0.0625"
    long = replace(stage("train_ensemble", ENSEMBLE, "follows"), why="train_subset_model@resnet8-x")
    plan = plan_of(params_of())
    named = replace(long, name=name)
    found = estimates.estimate(named, work_of("train_ensemble", ENSEMBLE, plan.params), plan)
    table = list(shown.lines([named], [found], plan))[3]
    assert max(map(len, table.splitlines())) <= 100
    assert "  after train_su…del@resnet8-x  3 x 50" in table


def test_the_wide_table_cuts_nothing_and_has_memory_and_disk():
    name = "train_subset_model@resnet8_quarter-selected-0.0625"
    long = replace(stage("train_ensemble", ENSEMBLE, "follows"), why="train_subset_model@resnet8-x")
    plan = plan_of(params_of())
    found = estimates.estimate(
        replace(long, name=name), work_of("train_ensemble", ENSEMBLE, plan.params), plan
    )
    table = list(shown.lines([found.stage], [found], plan, wide=True))[3].splitlines()
    assert table[0].split() == [
        "stage",
        *["runs", "because", "of", "work", "memory", "on", "disk", "time"],
    ]
    assert table[1].startswith(f"{name}  after train_subset_model@resnet8-x  3 x 50 updates ")
    assert table[1].split()[-6:] == ["950", "MB", "12", "kB", "8.8", "s"]


def test_with_nothing_to_run_one_line_says_so():
    line = shown.nothing_to_do([stage("prepare", [], "unchanged")])
    assert line == "Nothing to run: DVC has the results of all 1 stages."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.14, "3.1 s"), (75.2, "75 s"), (600, "10 min"), (7200, "2.0 h"), (3600 * 30, "30.0 h")],
)
def test_times_are_for_people(seconds, text):
    assert shown.in_time(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(12, "12 B"), (1234, "1.23 kB"), (45.6e6, "45.6 MB"), (3e12, "3.0 TB")]
)
def test_bytes_are_for_people(number, text):
    assert estimates.in_bytes(number) == text
