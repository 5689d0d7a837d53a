"""Data of people's own forms that cannot be used: every stage that reads them says the same."""

import json
import re
from pathlib import Path

import pytest
from bad_input.data_cases import write_params
from bad_input.form_cases import CASES

from commands.plan import data_sets
from commands.plan.graph import Stage
from stages.listing.__main__ import main as listing
from stages.shared.errors import UserError
from stages.shared.settings.params import check_params

PREPARED, SCRATCH = "data/prepared", "data/ensembles/scratch"
# These show when images are decoded, which the plan does not.
DECODED = {"pictures that are none", "pictures of two sizes"}
IN_MANIFESTS = [name for name, case in CASES.items() if "manifest" in name]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, in one process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_LOADERS", "1")
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))


def make(name):
    CASES[name].make()
    write_params(CASES[name].preset, **CASES[name].dataset)


def is_the_line_of(name, found):
    return re.fullmatch(re.escape(CASES[name].line).replace("…", ".+"), found)


LISTINGS = ("data/listing.csv", "data/weight_files.csv")


@pytest.mark.parametrize("name", CASES)
def test_prepare_and_the_plan_say_the_same_line(name, line_of):
    make(name)
    assert is_the_line_of(name, line_of("prepare", PREPARED, SCRATCH))
    if name not in DECODED:
        stage = Stage("prepare", [PREPARED, SCRATCH], "changed", "", True)
        with pytest.raises(UserError) as error:
            data_sets.load_data(check_params(json.loads(Path("params.yaml").read_text())), [stage])
        assert is_the_line_of(name, str(error.value))


@pytest.mark.parametrize("name", IN_MANIFESTS)
def test_what_is_wrong_with_a_manifest_the_listing_says_before(name, line_of):
    make(name)
    if CASES[name].dataset["name"] == "imagefolder":
        assert is_the_line_of(name, line_of("listing", *LISTINGS))


FORMS = ["yolo", "labelimg", "huggingface_images", "huggingface_texts", "embeddings"]


@pytest.mark.parametrize("name", FORMS)
def test_a_root_that_is_not_there_is_refused_before_anything_is_removed(name, line_of):
    case = next(case for case in CASES.values() if case.dataset["name"] == name)
    write_params(case.preset, **case.dataset | {"root": "nowhere"})
    for stage, *arguments in (("listing", *LISTINGS), ("prepare", PREPARED, SCRATCH)):
        assert line_of(stage, *arguments).startswith("dataset.root is 'nowhere': no such folder")


@pytest.mark.parametrize("name", FORMS)
def test_the_listing_reads_no_content(name):
    """Whatever is wrong inside of files, the listing notices that they change."""
    case = next(case for case in CASES.values() if case.dataset["name"] == name)
    case.make()
    Path("images").mkdir(exist_ok=True)
    Path("images/any file").write_text("1")
    write_params(case.preset, **case.dataset)
    listing(*map(Path, LISTINGS))
    before = Path("data/listing.csv").read_bytes()
    Path("images/any file").write_text("2")
    listing(*map(Path, LISTINGS))
    assert Path("data/listing.csv").read_bytes() != before
