"""Tests for commands/preset.py: params.yaml of a preset and settings."""

import pytest
import toy

from commands import preset
from stages.shared.errors import ParamsError
from stages.shared.settings.params import load_params


def write(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["preset", *arguments])
    preset.main()


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
    assert (folder / "params.yaml").read_text() == toy.DEFAULT.read_text()


def test_a_replaced_map_keeps_nothing_of_the_default(folder, monkeypatch):
    write(monkeypatch, "cifar10_fast")
    assert load_params().train_ensemble.length.model_dump() == {"epochs": 20}


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
    assert preset.text("mine", [], tmp_path).endswith("a:\n  b:\n    c: {d: 1}\n")


WITH_WEIGHTS = [
    *("images_pretrained_cpu", "weights.efficientnet_lite0=/my/weights.pth"),
    "dataset.root=/my/images",
]


@pytest.mark.parametrize(
    "arguments",
    [
        ["embeddings_cpu", "dataset.root=/my/vectors"],
        WITH_WEIGHTS,
        ["detection_bccd", "dataset.name=yolo", "dataset.root=/my/yolo"],
        ["images_cpu", "dataset.name=huggingface_images", "dataset.root=/my/set"],
        [
            "images_pretrained_cpu",
            "weights={efficientnet_lite0: my.pth}",
            "dataset.root=/my/images",
        ],
        ["svp_polarity_cpu", "dataset.name=huggingface_texts", "dataset.root=/my/set"],
    ],
    ids=" ".join,
)
def test_the_forms_of_the_docs_are_settings_of_a_preset(folder, monkeypatch, arguments):
    write(monkeypatch, *arguments)
    assert load_params().dataset.root == arguments[-1].partition("=")[2]


def test_comments_of_the_default_stay(folder, monkeypatch):
    write(monkeypatch, "cifar10_cpu")
    assert "# points within which" in (folder / "params.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cifar1"], "the preset is 'cifar1'; did you mean cifar10"),
        (["cifar10", "select.rul=top"], "select.rul is unknown; did you mean rule"),
        (["cifar10", "select.rule"], "it must be key=value"),
    ],
)
def test_what_is_not_there_is_named_in_one_line(folder, arguments, said):
    with pytest.raises(ParamsError, match=said):
        preset.text(arguments[0], arguments[1:])


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_written_that_is_not_valid(folder, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        write(monkeypatch, "cifar10", "select.rule=tops")
    assert "select.rule is 'tops'" in capsys.readouterr().err
    assert not (folder / "params.yaml").exists()
