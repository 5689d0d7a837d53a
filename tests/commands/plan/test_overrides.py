"""Tests for commands/plan/overrides.py: params.yaml as `dvc exp run -S` would change it."""

import overrides as reference
import pytest
import toy

from commands.plan.overrides import files_with, overridden
from commands.preset.presets import resolved
from stages.shared.errors import ParamsError
from stages.shared.settings.params import load_params

SETTINGS = ["train_ensemble.members=5", "rounds=[{from: 0.25, to: 0.75}]", "acquisition=entropy"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the default's params.yaml, which is the working folder."""
    (tmp_path / "params.yaml").write_text(toy.DEFAULT.read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_settings_are_those_that_dvc_would_write_and_params_yaml_stays(folder, tmp_path):
    command = " ".join(f"-S '{setting}'" for setting in SETTINGS)
    [expected] = reference.changed(command, resolved("default"), tmp_path)
    expected = load_params(expected)

    with overridden(SETTINGS) as path:
        assert load_params(path) == expected

    assert (folder / "params.yaml").read_text() == toy.DEFAULT.read_text()
    assert not path.exists()


def test_without_settings_it_is_the_file_itself(folder):
    with overridden([]) as path:
        assert str(path) == "params.yaml"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["train_ensemble.member=5"], "train_ensemble.member"),
        (["random_seed=1,2"], "stands for 2 runs; a plan is of one"),
        (["random_seed=range(0,3)"], "stands for 3 runs"),
        (["other.yaml:a=1"], "names other.yaml"),
        (["acquisition"], "it must be as `dvc exp run` takes it"),
    ],
)
def test_what_dvc_would_not_run_is_one_line(folder, settings, said):
    with pytest.raises(ParamsError) as found, overridden(settings):
        pass
    assert str(found.value).startswith("-S: ")
    assert said in str(found.value)
    assert "\n" not in str(found.value)


def test_what_is_wrong_is_said_of_params_yaml(folder):
    with pytest.raises(ParamsError) as found, overridden(["acquisition=entropi"]) as path:
        load_params(path)
    assert str(found.value).startswith("params.yaml: acquisition is 'entropi'")


def test_dvc_reads_the_other_file_in_place_of_params_yaml_alone(folder):
    (folder / "dvc.yaml").write_text("stages: {}\n")
    (folder / "deeper").mkdir()
    (folder / "deeper/params.yaml").write_text("a: 1\n")
    with overridden(["random_seed=7"]) as path:
        files = files_with(path)
        for name in ("params.yaml", str(folder / "params.yaml")):
            with files.open(name, encoding="utf-8") as file:
                assert "random_seed: 7" in file.read()
        for name in ("dvc.yaml", "deeper/params.yaml"):
            with files.open(name, encoding="utf-8") as file:
                assert file.read() == (folder / name).read_text()
