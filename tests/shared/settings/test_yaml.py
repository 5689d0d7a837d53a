"""DVC reads YAML by ruamel.yaml's C parser where it is installed, the stages by the one in Python.

Both must find the same values: what DVC tracks is then what a stage obeys.
"""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from commands.preset import presets

ROOT = Path(__file__).parents[3]
PRESETS = sorted(path.stem for path in ROOT.glob("presets/*.yaml"))


def found(text):
    return [repr(YAML(typ="safe", pure=pure).load(text)) for pure in (True, False)]


USUAL = {"default", "cifar10_cpu", "detection_cpu"}  # the others are slow


@pytest.mark.parametrize(
    "name",
    [
        "dvc.yaml",
        *(pytest.param(name, marks=() if name in USUAL else pytest.mark.slow) for name in PRESETS),
    ],
)
def test_our_files_say_the_same_to_both_parsers(name):
    text = presets.text(name) if name in PRESETS else (ROOT / name).read_text()
    by_python, by_c = found(text)
    assert by_python == by_c


@pytest.mark.parametrize(
    "value", ["1e-3", "1.0e+3", ".5", "1.", "no", "off", "y", "017", "0o17", "1_000", "12:30", "~"]
)
def test_what_older_yaml_takes_for_something_else_does_too(value):
    by_python, by_c = found(f"key: {value}")
    assert by_python == by_c
