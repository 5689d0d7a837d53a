"""A damaged file between stages is one line that names it; nothing in it is run."""

import pickle
import re
from pathlib import Path

import pytest
import toy
from bad_input.artifact_cases import ARGUMENTS, CASES, Planted

from stages.shared import artifacts

pytestmark = pytest.mark.usefixtures("toy_files")


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_file_is_one_line_that_names_it(name, line_of):
    case = CASES[name]
    case.damage()
    expected = re.escape(case.line).replace("…", ".+")
    assert re.fullmatch(expected, line_of(case.stage, *ARGUMENTS[case.stage]))
    assert not Path("planted").exists()


def test_what_is_planted_would_be_seen():
    pickle.loads(pickle.dumps(Planted()))
    assert Path("planted").exists()


@pytest.mark.parametrize("stage", ["select", "race", "score", "comparison_subsets", "seed_subset"])
def test_the_files_are_well_before_they_are_damaged(stage, project):
    """Else the lines above would be said for another reason."""
    from importlib import import_module

    main = import_module(f"stages.{stage}.__main__").main
    kinds = [kind for name, kind in main.__annotations__.items() if name != "return"]
    main(*(kind(text) for kind, text in zip(kinds, ARGUMENTS[stage], strict=True)))


def test_a_sample_may_stand_twice_where_samples_compete_again(project):
    from stages.select.__main__ import main

    project.change({"select.candidates": "all"})
    artifacts.save_subset(Path("subsets/0.2/seed-0.csv"), toy.picks([7, 7, *range(18)]))
    main(*ARGUMENTS["select"][:2], *map(Path, ARGUMENTS["select"][2:]))
    assert len(artifacts.load_subset(Path("proposals/0.5/seed-0/top.csv"), 100)) == 50
