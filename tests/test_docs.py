"""What can be chosen is named in README.md: nobody should have to read code to find it."""

import re
from typing import get_args

import pytest
import toy

from stages.score.acquisition import ACQUISITIONS
from stages.select.rules import RULES
from stages.shared import params_sections

ROOT = toy.ROOT


def names_in(folder):
    return sorted(path.stem for path in (ROOT / folder).glob("[!_]*.py"))


NAMES = [
    *ACQUISITIONS,
    *RULES,
    *names_in("stages/prepare/datasets"),
    *names_in("stages/shared/models"),
    *names_in("stages/shared/tasks"),
    *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("presets/*.yaml"))),
    *(f"{path.parent.name}/" for path in sorted(ROOT.glob("stages/*/__main__.py"))),
]


@pytest.mark.parametrize("name", NAMES)
def test_readme_names(name):
    readme = (ROOT / "README.md").read_text()
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", readme)


def test_the_names_that_params_allow_are_those_that_the_stages_list():
    assert sorted(get_args(params_sections.Acquisition)) == sorted(ACQUISITIONS)
    assert sorted(get_args(params_sections.SelectionRule)) == sorted(RULES)


def test_params_yaml_names_every_acquisition_function():
    comments = re.findall("#.*", (ROOT / "params.yaml").read_text())
    assert all(re.search(rf"\b{name}\b", " ".join(comments)) for name in ACQUISITIONS)
