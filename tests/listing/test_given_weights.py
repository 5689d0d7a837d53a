"""Which files of weights are listed, so that a change of one is noticed."""

from pathlib import Path

import pytest
import toy

from stages.listing import given_weights
from stages.shared.errors import ParamsError
from stages.shared.settings.params import check_params

TABLE = Path("data/weight_files.csv")
FILE = Path("mine.pth")


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path / "resume"))
    TABLE.parent.mkdir()
    FILE.write_bytes(b"weights")


def listed(**weights):
    params = check_params(toy.default_params() | {"weights": weights})
    return given_weights.content(params, TABLE, remember=True)


def test_nothing_is_listed_without_a_file():
    assert listed() == listed(resnet8="pretrained", resnet8_quarter="random") == b"path,size,mark\n"


def test_a_file_stands_there_with_its_size_and_checksum():
    before = listed(resnet8="mine.pth")
    _, row = before.decode().splitlines()
    assert row.startswith("mine.pth,7,")
    FILE.write_bytes(b"WEIGHTS")
    assert listed(resnet8="mine.pth") != before


def test_a_model_that_is_not_trained_needs_no_file():
    assert listed(resnet20="elsewhere.pth") == b"path,size,mark\n"


def test_a_file_that_is_no_longer_here_keeps_its_row_and_one_that_never_was_is_an_error():
    TABLE.write_bytes(listed(resnet8="mine.pth"))
    FILE.unlink()
    assert listed(resnet8="mine.pth") == TABLE.read_bytes()
    with pytest.raises(ParamsError, match=r"^params.yaml: weights.resnet8 is other.pth; it must "):
        listed(resnet8="other.pth")
