"""Every preset is a valid difference, says what it is, and runs: here on a hundred tiny images."""

import json
import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import dag
import in_process
import numpy as np
import overrides
import pytest
import toy
import toy_scenes
import toy_texts
import toy_vectors
from ruamel.yaml import YAML
from safetensors.numpy import load_file
from toy import resolved

from commands.export.__main__ import run as export
from commands.preset import presets
from commands.preset.__main__ import main
from commands.preset.presets import changes
from stages.predict_pool import voters
from stages.report.numbers.own_proxy import is_proxy
from stages.score.acquisition import score
from stages.score.lazy_signals import LazySignals, from_pool, from_training
from stages.shared import artifacts
from stages.shared.artifacts import Ensemble, Subset
from stages.shared.artifacts.races import load_race
from stages.shared.settings.params import Params, check_params, load_params
from stages.shared.settings.sections import OutlierFraction
from stages.shared.settings.training_sections import Steps, Training
from stages.shared.sizes import kind_and_size, parse_size

PRESETS = [path for path in sorted((toy.ROOT / "presets").glob("*.yaml")) if path != toy.DEFAULT]
USUAL = (
    "cifar10_cpu",
    "detection_cpu",
    "gradient_mnist",
    "svp_polarity_cpu",
)  # the others are slow
DRAWN = "detection_bccd"  # the report of images is drawn in tests/test_storage.py
each_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)


def slow_unless_usual(path: Path) -> Any:
    return () if path.stem in USUAL else pytest.mark.slow


NUM_IMAGES = 120  # of the train folder; a tenth of them is validation
NUM_SCENES = 60
MANY = "-many"  # twice as many
LARGEST = 80  # picks, where sizes are counts
EPOCHS = 4
CHECKPOINTS = 3

# Presets that start from a subset of another's run, as their heads say.
STARTS_FROM = {"imagenet_voters": ("imagenet_checkpoints", "0.4")}


# --- as it stands ---------------------------------------------------------------------------------


def test_there_are_presets():
    assert len(PRESETS) >= 9


@each_preset
def test_a_preset_stands_for_a_valid_params_yaml(preset):
    assert check_params(resolved(preset.stem))


def test_params_yaml_is_valid():
    """It is the user's: all other tests go by presets/default.yaml."""
    assert load_params(toy.ROOT / "params.yaml")


def test_params_yaml_is_committed_as_the_default():
    """Of the last commit, so that you may choose another preset where you run the tests."""
    params, default = (
        subprocess.run(
            ["git", "show", f"HEAD:{name}"], cwd=toy.ROOT, check=True, capture_output=True
        ).stdout
        for name in ("params.yaml", "presets/default.yaml")
    )
    assert params == default


def order_of(content: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the keys of a params.yaml, each behind that of its section."""
    for key, value in content.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from order_of(value, (*above, key))


def value_at(content: dict[str, Any], path: tuple[str, ...]) -> Any:
    for key in path:
        content = content[key]
    return content


def test_the_default_and_the_recipe_for_photographs_race_and_no_experiment_of_a_paper_does():
    racing = {
        path.stem
        for path in (*PRESETS, toy.DEFAULT)
        if check_params(resolved(path.stem)).race.entrants
    }
    assert racing == {"default", "images_cpu"}


def test_a_preset_to_start_from_with_ones_own_data_keeps_a_fifth_for_test():
    """As docs/data.md says; of folders that have a test split, this decides nothing."""
    page = (toy.ROOT / "docs/data.md").read_text()
    words = re.findall(r"(?<=`)\w+|(?<=preset )\w+|(?<=presets/)\w+", page)
    named = {path.stem for path in PRESETS} & {*words}
    assert named > {"images_cpu", "images_pretrained_cpu", "imagenet", "embeddings_cpu"}
    folds = {name: resolved(name)["dataset"]["num_folds"] for name in named}
    assert folds == dict.fromkeys(named, 5)


@each_preset
def test_a_preset_holds_what_differs_from_the_default_in_its_order(preset):
    default = YAML(typ="safe").load(toy.DEFAULT)
    found = changes(preset.stem)
    places = list(order_of(default))
    assert list(found) == sorted(found, key=places.index)
    for path, value in found.items():
        assert repr(value) != repr(value_at(default, path)), path


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def preset_command(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder; return what it writes to the terminal."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["preset", *arguments])
        main()
        return capsys.readouterr().out

    return run


def test_each_preset_starts_from_the_default_and_keeps_its_comments(preset_command):
    preset_command("cifar10", "random_seed=7")
    shown = preset_command("cifar10_cpu", "train_ensemble.members=3", "report.margin=1e-1")

    written = Path("params.yaml").read_text()
    content = YAML(typ="safe", pure=True).load(written)
    expected = resolved("cifar10_cpu")
    expected["train_ensemble"]["members"], expected["report"]["margin"] = 3, 0.1
    assert content == expected
    assert "  members: 3                # models, each from its own random start\n" in written
    assert "# least_confidence | margin | label_probability | random | gradient_norm (" in written
    assert shown.startswith("params.yaml: presets/cifar10_cpu.yaml; other than in presets/default")
    names = [line.split()[0] for line in shown.splitlines()[1:]]
    assert "train_ensemble.length" in names
    assert "random_seed" not in names
    assert "random_seeds" in names


def test_a_setting_changes_what_the_preset_replaces():
    expected = resolved("cifar10")
    expected["train_ensemble"]["length"]["epochs"] = 7
    assert presets.resolved("cifar10", ["train_ensemble.length.epochs=7"]) == expected
    expected["train_ensemble"]["schedule"] = {"name": "one_cycle", "peak_at": 0.5, "start": 1.0}
    schedule = "train_ensemble.schedule={name: one_cycle, peak_at: 0.5, start: 1.0}"
    assert presets.resolved("cifar10", ["train_ensemble.length.epochs=7", schedule]) == expected


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["cifa10"], "the preset is 'cifa10'; did you mean cifar10? choose one of cifar10, "),
        (["default", "select.rul=top"], "select.rul is unknown; did you mean rule? choose one of "),
        (["default", "seed_size.a=1"], "seed_size.a is unknown; seed_size is no section"),
        (["cifar10", "train_ensemble.length.updates=1"], "train_ensemble.length.updates is unk"),
        (["default", "seed_size"], "the setting is 'seed_size'; it must be key=value"),
        (["default", "seed_size=[0"], "seed_size is '[0' ("),
        (["default", "seed_size=x"], "params.yaml: seed_size is 'x'; it must be "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_one_line_and_params_yaml_stays(preset_command, capsys, arguments, line):
    Path("params.yaml").write_text("mine")
    with pytest.raises(SystemExit) as ended:
        preset_command(*arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert error.startswith(f"error: {line}")
    assert error.count("\n") == 1
    assert Path("params.yaml").read_text() == "mine"


def head_of(preset: Path) -> str:
    """Return the comment that a preset begins with."""
    return re.match(r"(#.*\n)+", preset.read_text())[0]


@each_preset
def test_the_head_of_a_preset_says_how_to_run_it_what_comes_out_what_it_costs_and_its_source(
    preset,
):
    head = head_of(preset).replace("#", "")
    assert f"python -m commands.preset {preset.stem} && dvc repro" in head
    for word in ("Command", "Expected", "Cost"):
        assert re.search(rf"^ {word} +\S", head, re.MULTILINE)
    assert re.search(r"\w+ et\s+al\.\s+20\d\d", head)


@pytest.mark.parametrize(
    ("preset", "command"),
    [
        pytest.param(
            preset, command, id=f"{preset.stem}: {command}", marks=slow_unless_usual(preset)
        )
        for preset in PRESETS
        for command in overrides.commands(head_of(preset))
    ],
)
def test_a_command_in_the_head_of_a_preset_changes_its_settings_to_valid_ones(
    preset, command, tmp_path
):
    before = check_params(resolved(preset.stem))
    paths = overrides.changed(command, resolved(preset.stem), tmp_path)
    # All are loaded and so checked; of a sweep, one may be the preset as it stands.
    num_same = sum(load_params(path) == before for path in paths)
    assert num_same <= command.count("--queue")


PIPELINE = YAML(typ="safe", pure=True).load((toy.ROOT / "dvc.yaml").read_text())["stages"]


def test_the_columns_of_tables_ii_and_iii_differ_by_the_voters_alone(tmp_path):
    """One round from a subset that is given: nothing before the prediction reads what differs."""
    preset = toy.ROOT / "presets/imagenet_voters.yaml"
    before = check_params(resolved(preset.stem))
    columns = [
        load_params(path)
        for command in overrides.commands(head_of(preset))
        for path in overrides.changed(command, resolved(preset.stem), tmp_path)
    ]
    assert len(before.rounds) == 1
    assert before.seed_subset.file != resolved("default")["seed_subset"]["file"]
    voters = [column.predict_pool.voters for column in (before, *columns)]
    assert sorted(
        (1 if each.members == "best" else before.train_ensemble.members) * each.count
        for each in voters
    ) == [1, 5, 5, 20, 100]
    for column in columns:
        for stage in ("prepare", "seed_subset", "train_ensemble"):
            for key in PIPELINE[stage]["params"]:
                path = tuple(key.split("."))
                assert value_at(before.model_dump(), path) == value_at(column.model_dump(), path)
    # A second round would train on what other voters chose.
    assert len(check_params(resolved("imagenet_checkpoints")).rounds) > 1


BASELINES = [
    pytest.param(preset, command, id=preset.stem)
    for preset in PRESETS
    for command in overrides.commands(head_of(preset))
    if re.search(rf"own proxy[^:]*: {re.escape(command[:40])}", head_of(preset))
]


@pytest.mark.parametrize(("preset", "command"), BASELINES)
def test_the_target_as_its_own_proxy_is_trained_as_the_target_is(preset, command, tmp_path):
    """Else its seconds are no baseline (`commands.costs --own-proxy`)."""
    for path in overrides.changed(command, resolved(preset.stem), tmp_path):
        params = load_params(path)
        assert params.train_ensemble.model in params.compare.models
        assert is_proxy(params.train_ensemble, params.train_subset_model)


def test_there_are_baselines():
    assert len(BASELINES) >= 3


# --- at tiny size ---------------------------------------------------------------------------------


def tiny(content: dict[str, Any], data: Path) -> dict[str, Any]:
    """Make a preset cheap and keep what it is about: rounds, voters, schedule, rules, subsets."""
    content["random_seeds"] = 1
    content["dataset"] |= TINY_DATA[content["task"]](content["dataset"]["root"], data)
    images = content["task"] == "image_classification"
    if images and content["seed_size"] * NUM_IMAGES < len(toy.CLASS_NAMES):
        content["dataset"]["root"] += MANY  # a subset has no fewer samples than there are classes
    model = TINY_MODELS[content["task"]]
    content["compare"]["models"] = [model]
    content["train_ensemble"]["model"] = model
    if content["embed"]["model"] != "none":
        content["embed"]["model"], content["train_ensemble"]["model"] = model, "linear_probe"
    content["weights"] = {}  # nobody has any of the tiny models
    for section in ("train_ensemble", "train_subset_model"):
        content[section]["batch_norm"] = "batch"
        shorten(content[section])
    scale_counts(content)
    settings = content["predict_pool"]["voters"]
    settings["count"] = min(settings["count"], CHECKPOINTS)
    content["compare"]["subsets"] = few(content["compare"]["subsets"])
    return content


def few(subsets: list[str]) -> list[str]:
    """Leave out all but one part of the selected subset and a random one: more do the same.

    A size below two hundredths would be nothing of so few images.
    """
    large = [name for name in subsets if not re.search(r"-0\.00|-0\.01", name)]
    more = [name for name in large if name.startswith("selected-")][1:]
    more += [name for name in large if re.match(r"random-\d", name)][1:]
    return [name for name in large if name not in more]


def scale_counts(content: dict[str, Any]) -> None:
    """Make counts of picks those of so few images that the last round holds most of them."""
    if not isinstance(content["seed_size"], int):
        return
    last = content["rounds"][-1]["to"]

    def scaled(size: int) -> int:
        return size * LARGEST // last

    content["seed_size"] = scaled(content["seed_size"])
    content["rounds"] = [
        {name: scaled(size) for name, size in entry.items()} for entry in content["rounds"]
    ]
    content["compare"]["subsets"] = [
        re.sub(r"\d+", lambda found: str(scaled(int(found[0]))), name)
        for name in content["compare"]["subsets"]
    ]


def tiny_images(root: str, data: Path) -> dict[str, Any]:
    layout = "val" if "imagenet" in root else "test"
    return {"name": "imagefolder", "root": str(data / layout), "image_size": 8}


def tiny_texts(root: str, data: Path) -> dict[str, Any]:
    return {"name": "reviews", "root": str(data / "texts"), "text_length": 60}


def tiny_scenes(root: str, data: Path) -> dict[str, Any]:
    del root
    return {"name": "voc", "root": str(data / "scenes"), "image_size": None}


def tiny_vectors(root: str, data: Path) -> dict[str, Any]:
    del root
    return {"name": "embeddings", "root": str(data / "vectors")}


TINY_DATA = {
    "image_classification": tiny_images,
    "object_detection": tiny_scenes,
    "text_classification": tiny_texts,
    "vector_classification": tiny_vectors,
}
TINY_MODELS = {
    "image_classification": "resnet8",
    "object_detection": "unet_detector_small",
    "text_classification": "fasttext",
    "vector_classification": "linear_probe",
}


def shorten(training: dict[str, Any]) -> None:
    epochs = training["length"].get("epochs", EPOCHS)
    schedule, augmentation = training["schedule"], training["augmentation"]
    training["length"] = {"epochs": EPOCHS}
    training["members"] = min(training["members"], 2)
    training["batch_size"] = 16
    training["train"] = "all"
    training["checkpoints"]["last"] = min(training["checkpoints"]["last"], CHECKPOINTS)
    augmentation["crop_padding"] = min(augmentation["crop_padding"], 1)
    if training["stop_after"]:
        training["stop_after"] = math.ceil(training["stop_after"] * EPOCHS / epochs)
    if "milestones" in schedule:
        schedule["milestones"] = [
            math.ceil(milestone * EPOCHS / epochs) for milestone in schedule["milestones"]
        ]
        schedule["warmup_epochs"] = math.ceil(schedule["warmup_epochs"] * EPOCHS / epochs)
    if "patience" in schedule:
        schedule["patience"] = 1


def write_images(root: Path, held_out: str, num_train: int) -> None:
    """Write images of three classes into train and into a folder for test."""
    rng = np.random.default_rng(0)
    for split, num in (("train", num_train), (held_out, 30)):
        toy.write_images(root / split, toy.images(num, rng, contrast=60), mode="RGB")


@dataclass(frozen=True)
class Finished:
    """The finished run of a preset at tiny size."""

    params: Params
    data: Path
    summary: dict[str, Any]

    @property
    def model(self) -> str:
        return self.params.compare.models[0]

    @property
    def num_train(self) -> int:
        return artifacts.load_meta(self.data / "prepared").num_samples["train"]

    def subset(self, size: object, folder: str = "subsets") -> Subset:
        return artifacts.load_subset(self.data / folder / str(size) / "seed-0.csv", self.num_train)

    def proposed(self, size: object) -> Subset:
        """Return what `select` alone takes, which need not have won a race."""
        if not self.params.race.entrants:
            return self.subset(size)
        return artifacts.load_subset(
            self.data / f"proposals/{size}/seed-0/hardest.csv", self.num_train
        )

    def ensemble(self, size: object) -> Ensemble:
        return artifacts.load_ensemble(self.data / f"ensembles/{size}/seed-0")

    def scores(self, size: object) -> np.ndarray:
        return artifacts.load_scores(self.data / f"scores/{size}/seed-0.npy", self.num_train)

    def picks(self, size: object) -> int:
        """Return how many picks a size is, rounded half up."""
        exact = Fraction(str(size)) * self.num_train
        return int(size) if isinstance(size, int) else math.floor(exact + Fraction(1, 2))

    def weights(self, folder: str, member: int = 0, which: str = "last") -> Path:
        """Return the last weights of a member, or its best."""
        path = self.data / folder / "seed-0"
        of_member = artifacts.load_ensemble(path).of_member(member)
        if which == "best":
            of_member = [checkpoint for checkpoint in of_member if checkpoint.is_best]
        return path / of_member[-1].path


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Folders of images: `test` beside train, or as ImageNet has it, `val`; and of texts."""
    root = tmp_path_factory.mktemp("data")
    for layout in ("test", "val"):
        write_images(root / layout, layout, NUM_IMAGES)
        write_images(root / f"{layout}{MANY}", layout, 2 * NUM_IMAGES)
    toy_scenes.write_voc(root / "scenes", {"train": NUM_SCENES, "test": 16})
    for split, num in (("train", NUM_IMAGES), ("test", 30)):
        toy_texts.write_csv(root / f"texts/{split}.csv", toy_texts.reviews(num, num))
    toy_vectors.write(root / "vectors", NUM_IMAGES)
    return root


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(path.stem, marks=slow_unless_usual(path), id=path.stem) for path in PRESETS
    ],
)
def finished(request, tmp_path_factory, data) -> Finished:
    """Run a preset at tiny size, once for all tests of it."""
    project = tmp_path_factory.mktemp(request.param)
    content = resolved(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        in_process.patch(patch)
        if request.param != DRAWN:
            in_process.patch_drawing(patch)
        patch.setenv("SUBSET_RESUME", str(project / "resume"))
        patch.setenv("SUBSET_DEBUG", "1")  # tracebacks
        if content["task"] == "text_classification":
            # Two million rows of a table would be written for each of a hundred texts.
            patch.setattr("stages.shared.models.text_classification.fasttext.NUM_BUCKETS", 1000)
        if request.param in STARTS_FROM:
            other, size = STARTS_FROM[request.param]
            toy.write_pipeline(project, tiny(resolved(other), data))
            dag.run(project)
            export("list", Path(content["seed_subset"]["file"]), size)
            toy.write_params(project, tiny(content, data))
        else:
            toy.write_pipeline(project, tiny(content, data))
        dag.run(project)
    summary = json.loads((project / "metrics/summary.json").read_text())
    return Finished(load_params(project / "params.yaml"), project / "data", summary)


def test_each_subset_has_the_size_that_its_name_says(finished):
    for size in finished.params.sizes:
        assert len(finished.subset(size)) == finished.picks(size)
    for name in finished.params.compare.subsets:
        _, size = kind_and_size(name)
        last = finished.params.sizes[-1]
        expected = {
            "full": finished.num_train,
            "full-matched": finished.num_train,
            "random-unique": len(set(finished.subset(last).index_P.tolist())),
        }.get(name, finished.picks(parse_size(size) if size[:1].isdigit() else last))
        assert len(finished.subset(name, "comparison")) == expected


def test_each_round_takes_the_best_scored_of_its_candidates(finished):
    """Those of a growing round follow what there was; outliers are skipped from the top."""
    select = finished.params.select
    assert isinstance(select.outliers, OutlierFraction)
    skipped = math.floor(Fraction(str(select.outliers.fraction)) * finished.num_train)
    for entry in finished.params.rounds:
        old, new = finished.subset(entry.from_), finished.proposed(entry.to)
        score_N = finished.scores(entry.from_)
        candidates, kept = old.index_P, 0
        if entry.to > entry.from_:
            kept = len(old)
            np.testing.assert_array_equal(new.index_P[:kept], old.index_P)
            candidates = np.arange(finished.num_train)
            if select.candidates == "remaining":
                candidates = np.setdiff1d(candidates, old.index_P)
        added = new.index_P[kept:]
        best = np.sort(score_N[candidates])[::-1][skipped : skipped + len(added)]

        assert set(added) <= set(candidates)
        assert len(set(added)) == len(added)
        np.testing.assert_array_equal(score_N[added], best)
        np.testing.assert_array_equal(new.score_P[kept:], best)


def test_what_was_chosen_is_the_proposal_that_won(finished):
    for entry in finished.params.rounds:
        race = load_race(finished.data / f"races/{entry.to}", "seed-0")
        path = finished.data / f"proposals/{entry.to}/seed-0/{race.winner}.csv"
        assert path.read_bytes() == (finished.data / f"subsets/{entry.to}/seed-0.csv").read_bytes()
        assert set(race.runners) == set(finished.params.race.entrants)


def test_a_sample_stands_twice_exactly_where_duplication_is_asked_for(finished):
    counts = Counter(finished.subset(finished.params.sizes[-1]).index_P.tolist())
    assert (max(counts.values()) > 1) == (finished.params.select.candidates == "all")
    assert finished.summary["size"] == counts.total()


def test_each_round_scores_with_its_own_acquisition_function(finished):
    targets_N = artifacts.load_targets(finished.data / "prepared", "train")
    for entry in finished.params.rounds:
        loaded = {
            **from_pool(finished.data / f"signals/{entry.from_}/seed-0", finished.num_train),
            **from_training(finished.data / f"dynamics/{entry.from_}/seed-0", finished.num_train),
            "targets_N": lambda: targets_N,
        }
        name = finished.params.acquisition_of(str(entry.to))
        expected_N = score(name, LazySignals(loaded), finished.params.score.reduction)
        np.testing.assert_array_equal(finished.scores(entry.from_), expected_N)
    # The last ensemble at least has learnt enough to be of two minds.
    assert len(np.unique(finished.scores(entry.from_))) > 1


def test_the_voters_are_those_that_the_preset_names(finished):
    settings = finished.params.predict_pool.voters
    for entry in finished.params.rounds:
        ensemble = finished.ensemble(entry.from_)
        found = artifacts.load_voters(finished.data / f"signals/{entry.from_}/seed-0")
        assert ensemble.num_members == finished.params.train_ensemble.members
        assert len(found) == settings.count * (
            ensemble.num_members if settings.members == "all" else 1
        )
        assert [(voter.member, voter.epoch) for voter in found] == [
            (checkpoint.member, checkpoint.epoch)
            for checkpoint in voters.choose(ensemble, settings)
        ]


def test_random_subsets_are_nested_and_start_with_the_seed_subset(finished):
    """Unless the search starts from everything: then a random subset is any part of it."""
    names = [name for name in finished.params.compare.subsets if name.startswith("random")]
    subsets = sorted((finished.subset(name, "comparison") for name in names), key=len)
    seed = finished.subset(finished.params.seed_size)
    for small, large in pairwise(subsets):
        np.testing.assert_array_equal(large.index_P[: len(small)], small.index_P)
    if len(seed) <= len(subsets[0]):  # of the user's own the random order decides the places
        assert set(subsets[0].index_P[: len(seed)]) == set(seed.index_P)
    assert names


def test_parts_of_the_selected_subset_are_its_first_picks(finished):
    selected = finished.subset("selected", "comparison")
    np.testing.assert_array_equal(
        selected.index_P, finished.subset(finished.params.sizes[-1]).index_P
    )
    for name in finished.params.compare.subsets:
        if name.startswith("selected-"):
            part = finished.subset(name, "comparison")
            np.testing.assert_array_equal(part.index_P, selected.index_P[: len(part)])


def test_fine_tuned_models_start_from_the_weights_of_the_ensemble(finished):
    """At their own rate, so that they stay near them; the others start from scratch."""
    training = finished.params.train_subset_model
    for subset in finished.params.compare.subsets:
        history = artifacts.load_history(
            finished.data / f"histories/{finished.model}-{subset}/seed-0.csv"
        )
        is_tuned = training.initialize_from != "scratch" and subset.startswith("selected")
        rate = training.optimizer.learning_rate
        highest = training.fine_tune_learning_rate if is_tuned else rate
        assert max(epoch.learning_rate for epoch in history) <= highest
        assert is_tuned or max(epoch.learning_rate for epoch in history) > rate / 4
        if is_tuned:
            first = f"ensembles/{training.initialize_from}"
            for member in range(training.members):
                moved = distance(
                    finished.weights(f"subset_models/{finished.model}-{subset}", member),
                    finished.weights(first, member, training.initialize_with),
                )
                others = distance(finished.weights(first, 0), finished.weights(first, 1))
                assert 0 < moved < others / 10


def distance(first: Path, second: Path) -> float:
    """Return the distance of two models in the space of their convolutions' weights."""
    weights, others = load_file(first), load_file(second)
    return math.sqrt(
        sum(
            float(((tensor - others[name]) ** 2).sum())
            for name, tensor in weights.items()
            if tensor.ndim == 4
        )
    )


def test_everything_as_briefly_is_trained_for_the_updates_of_the_selected_subset(finished):
    params = finished.params
    updates = {
        name: max(epoch.updates for epoch in artifacts.load_history(path))
        for name in {"selected", "full", "full-matched"} & {*params.compare.subsets}
        for path in [finished.data / f"histories/{finished.model}-{name}/seed-0.csv"]
    }
    is_epochs = params.train_subset_model.epochs is not None
    assert updates.get("full-matched", updates["selected"]) == updates["selected"]
    if is_epochs and len(finished.subset("selected", "comparison")) < finished.num_train / 2:
        assert updates["full"] > updates["selected"]


def test_what_is_trained_alike_is_the_same_model(finished):
    """A target model on a round's subset is the ensemble's member, and on no other."""
    params = finished.params
    is_alike = settings_of(params.train_ensemble) == settings_of(params.train_subset_model)
    for entry in params.rounds:
        source = np.sort(finished.subset(entry.from_).index_P)
        ensemble = finished.weights(f"ensembles/{entry.from_}").read_bytes()
        for name in params.compare.subsets:
            picks = np.sort(finished.subset(name, "comparison").index_P)
            initialize_from = params.train_subset_model.initialize_from
            is_scratch = initialize_from == "scratch" or not name.startswith("selected")
            is_shorter = name.startswith("full-matched")
            expected = is_alike and is_scratch and not is_shorter and np.array_equal(picks, source)
            target = finished.weights(f"subset_models/{finished.model}-{name}").read_bytes()
            assert (target == ensemble) == expected


def steps(schedule: Steps) -> list[float]:
    """Return the rate that each epoch ends with, as a share of the rate."""
    shares = []
    for epoch in range(1, EPOCHS + 1):
        share = schedule.factor ** sum(epoch > milestone for milestone in schedule.milestones)
        if epoch <= schedule.warmup_epochs:
            is_linear = schedule.warmup == "linear"
            share *= epoch / schedule.warmup_epochs if is_linear else schedule.warmup
        shares.append(share)
    return shares


def settings_of(training: Training) -> dict[str, Any]:
    """Return what decides a member's weights."""
    names = set(Training.model_fields) - {"members", "checkpoints"}
    return training.model_dump(include=names)


def test_schedules_keep_their_shape(finished):
    for section, histories in (
        (finished.params.train_ensemble, "ensemble-*.csv"),
        (finished.params.train_subset_model, f"{finished.model}-full.csv"),
    ):
        for path in sorted((finished.data / "histories").glob(f"{histories}/seed-0.csv")):
            for member in range(section.members):
                rates = [
                    epoch.learning_rate / section.optimizer.learning_rate
                    for epoch in artifacts.load_history(path)
                    if epoch.member == member
                ]
                if section.schedule.name == "steps":
                    assert rates == pytest.approx(steps(section.schedule)[: len(rates)])
                elif section.schedule.name == "plateau":
                    assert rates[0] == 1
                    assert all(later <= earlier for earlier, later in pairwise(rates))
                else:
                    peak = rates.index(max(rates))
                    assert len(rates) == EPOCHS
                    assert rates == sorted(rates[:peak]) + sorted(rates[peak:], reverse=True)


def test_the_summary_has_the_fixed_keys_and_finite_numbers(finished):
    compared = [
        name
        for name in ("selected", "random", "full", "full-matched")
        if name in finished.params.compare.subsets
    ]
    assert set(finished.summary) == {finished.model, "size", "search"}
    model = finished.summary[finished.model]
    assert set(model) == {*compared, "validation"}
    assert all(0 <= number <= 100 for number in model.values())
    assert all(math.isfinite(finished.summary[name]) for name in ("size", "search"))
