"""Tests for commands/preset: params.yaml of a preset and settings."""

import re
import shlex

import pytest
import toy

from commands.preset import presets
from commands.preset.__main__ import main
from commands.preset.heads import head
from stages.shared.errors import ParamsError
from stages.shared.settings.params import load_params


def write(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["preset", *arguments])
    main()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_preset_changes_what_it_names_and_nothing_of_an_earlier_choice_is_left(
    folder, monkeypatch, capsys
):
    write(monkeypatch, "cifar10", "train_ensemble.members=4")
    params = load_params()
    assert (params.dataset.name, params.train_ensemble.members) == ("cifar10", 4)
    assert "train_ensemble.members" in capsys.readouterr().out

    write(monkeypatch, "default")
    assert capsys.readouterr().out.startswith("params.yaml: presets/default.yaml\n")
    assert (folder / "params.yaml").read_text() == toy.DEFAULT.read_text()


def not_kept(printed):
    """Return the settings that the command says it does not keep."""
    line = re.search("params.yaml had (.*), which is not kept", " ".join(printed.split()))
    return shlex.split(line[1]) if line else []


def test_what_somebody_set_is_named_where_a_preset_takes_its_place(folder, monkeypatch, capsys):
    write(monkeypatch, "default")
    written = folder / "params.yaml"
    text = written.read_text()
    for old, new in (("seed_size: 0.25", "seed_size: 0.125"), ("lists/seed.csv", "my list.csv")):
        text = text.replace(old, new)
    written.write_text(text.replace("    updates: 150", "    epochs: 7"))
    write(monkeypatch, "cifar10_cpu", "train_ensemble.members=8")
    # Of the sizes nothing: the preset's first is the user's.
    lost = ["seed_subset.file=my list.csv", "train_ensemble.length={epochs: 7}"]
    assert not_kept(capsys.readouterr().out) == lost

    write(monkeypatch, "cifar10_cpu", "train_ensemble.members=8", *lost)
    assert load_params().train_ensemble.epochs == 7
    assert not_kept(capsys.readouterr().out) == []
    write(monkeypatch, "images_cpu")
    assert {*not_kept(capsys.readouterr().out)} == {"train_ensemble.members=8", *lost}


@pytest.mark.parametrize("before", [None, b"", b"a: [", b"mine", b"\xff"])
def test_nothing_is_said_of_what_holds_no_settings(folder, monkeypatch, capsys, before):
    if before is not None:
        (folder / "params.yaml").write_bytes(before)
    write(monkeypatch, "default")
    assert capsys.readouterr().out == "params.yaml: presets/default.yaml\n"


@pytest.mark.parametrize("value", ["/my/set #2", "#2", "[a, b] #2", "4 #2"])
def test_what_yaml_takes_for_a_comment_is_not_dropped_in_silence(folder, monkeypatch, value):
    with pytest.raises(ParamsError, match="YAML takes '#2' for a comment") as error:
        presets.changes("images_cpu", [f"dataset.root={value}"])
    assert str(error.value).endswith(f"'dataset.root=\"{value}\"'")
    write(monkeypatch, "images_cpu", f'dataset.root="{value}"')
    assert load_params().dataset.root == value
    write(monkeypatch, "images_cpu", "dataset.root=/my/set#2 ")
    assert load_params().dataset.root == "/my/set#2"


def test_a_folder_of_data_that_is_not_there_is_warned_of_where_somebody_names_it(
    folder, monkeypatch, capsys
):
    write(monkeypatch, "images_cpu", "dataset.root=no such")
    assert capsys.readouterr().err == "warning: dataset.root, no such, is not here yet\n"
    assert load_params().dataset.root == "no such"
    for arguments in (
        ("images_cpu", f"dataset.root={folder}"),
        ("images_cpu",),  # its own is where the head says that one puts the images
        ("cifar10", "dataset.root=no such"),  # which is downloaded to there
    ):
        write(monkeypatch, *arguments)
        assert capsys.readouterr().err == ""


def test_entrants_of_a_race_are_named_by_whoever_sets_them(folder, monkeypatch):
    race = "race.entrants={hardest: {}, cut: {outliers: {fraction: 0.1}}}"
    write(monkeypatch, "default", race, "race.holdout=0.2")
    params = load_params()
    assert list(params.entrants) == ["hardest", "cut"]
    assert params.entrants["hardest"] == params.select
    assert params.entrants["cut"].outliers.fraction == 0.1
    assert params.race.holdout == 0.2


def test_a_preset_may_fill_a_map_that_the_default_has_empty(tmp_path):
    (tmp_path / "default.yaml").write_text("a:\n  b: {}\n")
    (tmp_path / "mine.yaml").write_text("a:\n  b: {c: {d: 1}}\n")
    assert presets.text("mine", [], tmp_path).endswith("a:\n  b:\n    c: {d: 1}\n")


FORMS = re.findall(
    r"(?m)^python -m commands\.preset (.*?)(?: +#.*)?$", (toy.ROOT / "docs/data.md").read_text()
)


def test_the_forms_of_the_docs_are_settings_of_a_preset_and_each_form_has_one(folder, monkeypatch):
    named = set()
    for arguments in FORMS:
        write(monkeypatch, *shlex.split(arguments))
        dataset = load_params().dataset
        for name, value in re.findall(r"dataset\.(\w+)=(\S+)", arguments):
            assert getattr(dataset, name) == value
        named.add(dataset.name)
    assert named == {
        *("imagefolder", "yolo", "labelimg", "voc", "coco"),
        *("huggingface_images", "huggingface_texts", "reviews", "embeddings"),
    }


def test_what_is_other_than_in_the_default_is_said_with_its_values(folder, monkeypatch, capsys):
    write(monkeypatch, "svp_amazon", "train_ensemble.members=4")
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == ("params.yaml: presets/svp_amazon.yaml; other than in presets/default.yaml:")
    found = dict(line.split(maxsplit=1) for line in lines if line[2] != " ")
    assert found["task"] == "text_classification"
    assert found["train_ensemble.length"] == "{epochs: 5}"
    assert found["train_ensemble.members"] == "4"
    assert len(found) == len(presets.changes("svp_amazon", ["train_ensemble.members=4"]))


def test_presets_are_listed_by_what_they_do_and_cost_and_nothing_is_written(
    folder, monkeypatch, capsys
):
    write(monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    write(monkeypatch, "--list")
    assert capsys.readouterr().out.splitlines() == lines
    names = [line.split()[0] for line in lines if line[0] != " "]
    assert names == sorted(path.stem for path in presets.FOLDER.glob("*.yaml"))
    assert sum(line.lstrip().startswith("cost: ") for line in lines) == len(names) - 1
    assert list(folder.iterdir()) == []


def test_a_head_is_its_first_sentence_without_the_paper_and_a_cost_its_first_sentence():
    text = (
        "# Compress on digits: an ensemble chooses (Chitta et al. 2020, arXiv 1905.12737), in\n"
        "# Fig. 3. It is quick.\n#\n# Command   python\n# Expected  90 %\n"
        "# Cost      8 trainings of 1.5 minutes, at\n#           most; 3 more\n#\n"
        "# Cost of nothing.\na: 1\n# Cost      9\n"
    )
    assert head(text) == (
        "Compress on digits: an ensemble chooses, in Fig. 3. It is quick",
        "8 trainings of 1.5 minutes, at most",
    )
    assert head("# Nothing else\na: 1\n") == ("Nothing else", "")
    table = "# Build up with eight: Table I of a\n# paper.\na: 1\n"
    assert head(table) == ("Build up with eight", "")
