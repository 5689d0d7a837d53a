"""What is wrong with params.yaml is said in one line: the key, what was found, what is allowed."""

import copy
import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from commands.preset import presets
from commands.preset.presets import resolved
from stages.shared.errors import ParamsError
from stages.shared.settings import menu
from stages.shared.settings.params import Params, check_counts, check_params, load_params
from stages.shared.settings.section import Section
from stages.shared.settings.training_sections import Training

MISSING = "MISSING"  # instead of a value: the key is left out
STEPS = {
    "name": "steps",
    "milestones": [70, 130],
    "factor": 0.1,
    "warmup_epochs": 0,
    "warmup": "linear",
}


def change(content: dict[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy with values changed by their dotted keys (`__` for each dot)."""
    content = copy.deepcopy(content)
    for name, value in changes.items():
        section, key = toy.place(content, name)
        if value == MISSING:
            del section[key]
        else:
            section[key] = value
    return content


# What the lines below speak of, whatever the default recipe is.
DEFAULT = change(
    toy.default_params(),
    {
        "seed_size": 0.0625,
        "rounds": [{"from": 0.0625, "to": 0.125}, {"from": 0.125, "to": 0.25}],
        "acquisition": "mutual_information",
        "dataset__name": "digits",
        "dataset__num_folds": 5,
        "train_ensemble__model": "resnet8",
        "train_ensemble__members": 4,
        "train_ensemble__length": {"updates": 450},
        "train_ensemble__stop_after": None,
        "train_ensemble__schedule": {"name": "one_cycle", "peak_at": 0.25, "start": 0.1},
        "train_ensemble__validations": 10,
        "train_ensemble__checkpoints": {"last": 1, "every": 1, "best": True},
        "predict_pool__voters": {"members": "all", "checkpoints": "last", "count": 1, "stride": 1},
        "compare__models": ["resnet8"],
        "compare__subsets": ["selected", "random", "full"],
        "train_subset_model__members": 4,
        "train_subset_model__initialize_from": "scratch",
        "train_subset_model__initialize_with": "last",
        "train_ensemble__first_layer": "trained",
        "train_subset_model__first_layer": "trained",
        "evaluate__weights": "last",
    },
)


def changed(**changes: object) -> dict[str, Any]:
    return change(DEFAULT, changes)


def line_about(content: object) -> str:
    with pytest.raises(ParamsError) as raised:
        check_params(content)
    return str(raised.value).removeprefix("params.yaml: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"compare__subsets": ["selected-0.125", "random-0.5", "random-unique"]},
        {"seed_size": 100, "rounds": [{"from": 100, "to": 300}], "compare__subsets": ["random-50"]},
        {"seed_size": 1.0, "rounds": [{"from": 1.0, "to": 0.5}]},
        {"acquisition": {"0.25": "entropy", "0.125": "random"}},
        {"train_ensemble__members": 1, "acquisition": "entropy"},
        {"train_subset_model__initialize_from": 0.125},
        {
            "train_subset_model__initialize_from": 0.125,
            "train_subset_model__initialize_with": "best",
            "predict_pool__voters__checkpoints": "best",
        },
        {"train_ensemble__length": {"epochs": 181}, "train_ensemble__stop_after": 181},
        {"train_ensemble__schedule": STEPS, "train_ensemble__length": {"epochs": 150}},
        {"train_ensemble__optimizer__learning_rate": 1},
        {"select__outliers": "all_voters_disagree"},
        {"dataset__fold": 4},
        {"race__entrants": {"top": {}, "cut": {"outliers": {"fraction": 0.1}}}},
        {"race__holdout": 1 / 3, "race__length": {"epochs": 3}, "race__random": 1},
        {
            "predict_pool__voters__count": 5,
            "predict_pool__voters__stride": 5,
            "train_ensemble__checkpoints": {"last": 21, "every": 1, "best": True},
        },
    ],
    ids=str,
)
def test_what_the_papers_and_the_readme_set_is_allowed(changes):
    assert check_params(changed(**changes))


# --- the line -------------------------------------------------------------------------------------


def test_all_that_is_wrong_is_said():
    line = line_about(changed(random_seed=-1, select__rul="a", compare__models=["resnt18"]))
    first, second, third = line.split("; and ")
    assert first == "random_seed is -1; it must be at least 0"
    assert second.startswith("select.rul is unknown; did you mean rule?")
    assert third.startswith("compare.models.0 is 'resnt18'; did you mean resnet18?")


def test_settings_that_contradict_others_are_all_said():
    line = line_about(
        changed(
            train_ensemble__model="resnt8",
            rounds__1__from=0.3,
            report__metric="accurcy",
            compare__subsets=["selected-0.9", "full", "random-2.5"],
            evaluate__views=["identity", "flip"],
            train_ensemble__augmentation__horizontal_flip=True,
        )
    )
    found = [part.partition(" ")[0] for part in line.split("; and ")]
    assert found == [
        "train_ensemble.model",
        "report.metric",
        "rounds.1.from",
        "compare.subsets.0",
        "compare.subsets.2",
        "train_ensemble.augmentation.horizontal_flip",
        "evaluate.views",
    ]


def test_of_very_many_places_some_are_told_and_the_others_counted():
    line = line_about({"task": "image_classification"})
    assert line.startswith("random_seed is missing; every key must be there; and ")
    assert line.endswith("; and 9 more")


def test_a_value_that_fits_no_form_of_a_union_is_one_place():
    for key in ("seed_size", "train_ensemble__length", "select__outliers", "acquisition"):
        assert "; and" not in line_about(changed(**{key: "?"}))


@pytest.mark.parametrize("content", [None, [], "text", 5])
def test_a_file_without_keys_is_told_which_there_must_be(content):
    assert re.fullmatch(
        r"the file is .+; it must be a section with random_seed, random_seeds, task, .*, report",
        line_about(content),
    )


def test_a_long_value_is_cut_short():
    line = line_about(changed(random_seed="1" * 1000))
    assert line == f"random_seed is '{'1' * 56}...; it must be a whole number"


def keys_in(content: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in content.items():
        found.append(f"{prefix}{key}")
        if isinstance(value, dict):
            found += keys_in(value, f"{prefix}{key}__")
    return found


def test_names_of_models_that_are_too_long_for_a_path_are_unknown():
    name = "m" * 300
    changes = {"train_ensemble__model": name, "race__judge": name, "compare__models": [name]}
    with pytest.raises(
        ParamsError, match=r"compare\.models\.0 is 'm+\.\.\.; choose one of airbench, "
    ):
        check_params(change(DEFAULT, changes))


def test_a_misspelt_key_is_an_error_that_suggests_the_right_one():
    for key in keys_in(DEFAULT):
        *sections, name = key.split("__")
        line, place = line_about(changed(**{f"{key}_": 1})), ".".join(sections)
        if key.endswith(("length__updates", "outliers__fraction")):
            assert re.match(rf"{place} is {{.*'{name}_': 1}}; it must be {{", line)
        else:
            dotted = f"{place}.{name}_".removeprefix(".")
            assert line.startswith(f"{dotted} is unknown; did you mean {name}? choose one of ")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40)  # tests/bad_input/test_fuzzing.py tries more
@given(st.sampled_from(keys_in(DEFAULT)), values)
def test_whatever_the_file_holds_is_allowed_or_one_line_that_names_the_key(key, value):
    top = key.split("__")[0]
    try:
        check_params(changed(**{key: value}))
    except ParamsError as error:
        line = str(error)
    else:
        line = f"params.yaml: {top}; allowed"

    # A value may be wrong only beside another, which the line then names first.
    others = "rounds|acquisition|compare|predict_pool|train_subset_model"
    assert re.fullmatch(rf"params\.yaml: ({top}|{others}).*; .*", line)


# --- the file -------------------------------------------------------------------------------------


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_numbers_are_read_as_dvc_reads_them(tmp_path):
    """YAML 1.2: 1e-3 is a number, `no` is text."""
    text = toy.DEFAULT.read_text()
    path = write(tmp_path, re.sub(r" learning_rate: [\d.]+", " learning_rate: 1e-3", text))
    assert load_params(path).train_ensemble.optimizer.learning_rate == 1e-3

    path = write(tmp_path, re.sub("nesterov: \\w+", "nesterov: no", text))
    with pytest.raises(ParamsError, match="nesterov is 'no'; it must be true or false"):
        load_params(path)


# --- against the train split ----------------------------------------------------------------------


def test_a_count_beyond_the_train_split_needs_duplicates():
    growing = {"seed_size": 50, "rounds": [{"from": 50, "to": 120}]}
    with pytest.raises(ParamsError, match=r"size 120 is 120 picks; the train split has 100"):
        check_counts(check_params(changed(**growing)), 100, 10)
    check_counts(check_params(changed(**growing)), 120, 10)
    check_counts(check_params(changed(**growing, select__candidates="all")), 100, 10)


def test_a_fraction_that_is_no_pick_is_named():
    with pytest.raises(ParamsError, match=r"size 0\.0625 of 7 train samples is no pick"):
        check_counts(check_params(DEFAULT), 7, 1)


# --- params.yaml itself ---------------------------------------------------------------------------


def test_params_yaml_has_exactly_the_keys_that_the_code_knows():
    content = toy.default_params()
    assert list(content) == list(Params.model_fields)
    for name, field in Params.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            assert sorted(content[name]) == sorted(field.annotation.model_fields)


def test_dvc_tracks_every_section_that_the_code_knows():
    pipeline = YAML(typ="safe", pure=True).load((toy.ROOT / "dvc.yaml").read_text())
    tracked = {
        name.split(".")[0] for spec in pipeline["stages"].values() for name in spec["params"]
    }
    in_commands = {"seed_size", "rounds"}  # as text of the command that a stage runs
    assert tracked | in_commands == set(Params.model_fields)


def test_a_race_reruns_with_every_setting_that_a_recipe_has_of_the_ensemble():
    pipeline = YAML(typ="safe").load((toy.ROOT / "dvc.yaml").read_text())
    read = {name for name in pipeline["stages"]["race"]["params"] if name.startswith("train_ens")}
    # Of a judge's own, or of what is looked at while a training runs.
    own = {"length", "stop_after", "members", "checkpoints", "validations", "el2n_epoch"}
    assert read == {f"train_ensemble.{key}" for key in {*Training.model_fields} - own}


def keys_with_comments() -> dict[str, bool]:
    """Return every dotted key of params.yaml, and whether a comment beside or above tells of it.

    A comment of a group is one of all its keys.
    """
    found: dict[str, bool] = {}
    open_keys: list[tuple[int, str]] = []
    above = False
    for line in toy.DEFAULT.read_text().splitlines():
        text = line.strip().removeprefix("- ")
        if match := re.match(r"(\w+):", text):
            indent = len(line) - len(text)
            open_keys = [entry for entry in open_keys if entry[0] < indent]
            group = ".".join(key for _, key in open_keys)
            open_keys.append((indent, match[1]))
            name = ".".join(key for _, key in open_keys)
            found[name] = found.get(name, False) or above or " #" in line or found.get(group, False)
        above = text.startswith("#")
    return found


def test_every_key_of_params_yaml_is_explained():
    """What the target models share with the ensemble is explained there."""
    found = keys_with_comments()
    groups = {name.rpartition(".")[0] for name in found}
    unexplained = [
        name
        for name, is_explained in found.items()
        if name not in groups
        and not is_explained
        and not found.get(name.replace("train_subset_model.", "train_ensemble."), False)
    ]
    assert len(found) > 60  # the parser sees them
    assert unexplained == []


@pytest.mark.parametrize("name", menu.NEED_LABELS)
def test_a_rule_that_needs_labels_is_refused_where_samples_have_none(name):
    content = change(resolved("detection_cpu"), {"select__rule": name})
    assert line_about(content) == (
        f"select.rule is {name}, which needs one label for each sample; it must be another rule "
        "with task object_detection"
    )


# --- the race -------------------------------------------------------------------------------------


# Images as they are, for models of embeddings.
PLAIN = {
    f"{part}__augmentation__{key}": value
    for part in ("train_ensemble", "train_subset_model")
    for key, value in {"crop_padding": 0, "horizontal_flip": False, "scale": [1.0, 1.0]}.items()
}


def test_without_entrants_select_alone_proposes():
    params = check_params(DEFAULT)
    assert params.entrants == {params.select.rule: params.select}


def test_a_judge_is_trained_as_a_target_is_but_for_its_length_and_what_is_kept():
    target = {"train_subset_model__stop_after": 3, "train_subset_model__length": {"epochs": 5}}
    params = check_params(changed(**target))
    judging = params.judging
    assert (judging.length, judging.stop_after) == (params.train_subset_model.length, 3)
    assert (judging.members, judging.validations) == (params.race.judges, 1)
    assert (judging.checkpoints.last, judging.checkpoints.best) == (1, False)
    same = set(type(judging).model_fields) - {"members", "validations", "checkpoints"}
    for name in same:
        assert getattr(judging, name) == getattr(params.train_subset_model, name)

    other = check_params(changed(race__length={"updates": 7}, **target)).judging
    assert (other.length.updates, other.stop_after) == (7, None)


def test_a_judge_by_the_ensembles_recipe_is_trained_for_as_long_as_a_target():
    own = {"race__recipe": "train_ensemble", "train_ensemble__optimizer__learning_rate": 4.0}
    shared = {"train_subset_model__processes": 2, "train_subset_model__length": {"updates": 9}}
    params = check_params(changed(**own, **shared))
    judging = params.judging
    assert judging.optimizer == params.train_ensemble.optimizer
    assert judging.optimizer.learning_rate == 4.0
    assert (judging.length.updates, judging.processes) == (9, 1)

    early = {"train_subset_model__stop_after": 3, "train_ensemble__stop_after": 2}
    epochs = {f"{part}__length": {"epochs": 5} for part in ("train_subset_model", "train_ensemble")}
    assert check_params(changed(**own, **early, **epochs)).judging.stop_after == 3


def test_a_judge_is_checked_with_the_section_that_it_trains_by():
    raced = {"race__entrants": {"top": {}}, "race__judge": "linear_probe"}
    raced |= {"embed__model": "resnet18", "evaluate__views": ["identity"]}
    (_, ensemble), (_, targets) = check_params(change(DEFAULT, PLAIN | raced)).trainings
    assert "linear_probe" in targets
    assert "linear_probe" not in ensemble
    assert line_about(changed(**raced)).startswith("train_subset_model.augmentation.")

    own = raced | {"race__recipe": "train_ensemble"}
    unchanged = {key: value for key, value in PLAIN.items() if key.startswith("train_ensemble")}
    (_, ensemble), (_, targets) = check_params(change(DEFAULT, unchanged | own)).trainings
    assert "linear_probe" in ensemble
    assert "linear_probe" not in targets
    assert line_about(changed(**own)).startswith("train_ensemble.augmentation.")


def test_a_plateau_looks_at_every_epoch_of_a_judge_too():
    plateau = {
        "train_subset_model__schedule": {"name": "plateau", "patience": 2, "factor": 0.5},
        "train_subset_model__length": {"epochs": 20},
        "train_subset_model__validations": "every_epoch",
    }
    assert check_params(changed(**plateau)).judging.validations == "every_epoch"
    by_ensemble = changed(**plateau, race__recipe="train_ensemble")
    assert check_params(by_ensemble).judging.validations == 1


def test_a_recipe_that_no_judge_follows_is_not_checked():
    steps = {
        "name": "steps",
        "milestones": [3],
        "factor": 0.1,
        "warmup_epochs": 0,
        "warmup": "linear",
    }
    ensemble = {"train_ensemble__schedule": steps, "train_ensemble__length": {"epochs": 5}}
    followed = {"race__recipe": "train_ensemble", "train_subset_model__length": {"updates": 9}}
    content = changed(**ensemble, **followed)
    assert check_params(content).race.recipe == "train_ensemble"
    assert line_about(change(content, {"race__entrants": {"top": {}}})) == (
        "train_subset_model.length is in updates; train_ensemble.schedule steps needs {epochs: n}"
    )


def test_what_a_task_refuses_is_refused_of_entrants():
    detection = preset_of("detection_cpu")
    entrants = {"race__entrants": {"even": {"balanced": True}}}
    assert line_about(change(detection, entrants)) == (
        "race.entrants.even.balanced is true; it must be false with task object_detection"
    )
    judge = change(detection, {"race__judge": "resnet8"})
    assert line_about(judge).startswith("race.judge is 'resnet8'; choose one of unet_detector")


def preset_of(name):
    return YAML(typ="safe", pure=True).load(presets.text(name))
