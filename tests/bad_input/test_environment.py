"""An environment that cannot be had is one line; so is everything from the real command line."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
import toy
from bad_input.artifact_cases import ARGUMENTS
from bad_input.data_cases import ROOT, good, write_params

PREPARE = ("prepare", "data/prepared", "data/ensembles/scratch")


@pytest.mark.parametrize(
    ("stage", "name", "value", "line"),
    [
        ("predict_pool", "DEVICE", "cuda", "'cuda'; torch finds no GPU, so choose auto or cpu"),
        ("evaluate", "DEVICE", "cuda", "'cuda'; torch finds no GPU, so choose auto or cpu"),
        ("evaluate", "DEVICE", "cuda:7", "'cuda:7'; choose one of auto, cpu, cuda"),
        ("train_ensemble", "WORKERS", "many", "'many'; it must be a positive integer"),
        ("train_ensemble", "WORKERS", "0", "'0'; it must be a positive integer"),
        ("train_ensemble", "WORKERS", "-2", "'-2'; it must be a positive integer"),
        ("train_ensemble", "WORKERS", "1.5", "'1.5'; it must be a positive integer"),
    ],
)
def test_machines_that_are_not_there_are_one_line(  # noqa: PLR0913, PLR0917 - a row of the table
    stage, name, value, line, line_of, monkeypatch, toy_files
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv(f"SUBSET_{name}", value)
    monkeypatch.setenv("SUBSET_RESUME", "resume")
    assert line_of(stage, *ARGUMENTS[stage]) == f"SUBSET_{name} is {line}"


def test_loaders_that_are_no_number_are_one_line(line_of, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_LOADERS", "two")
    good()
    write_params("default", name="imagefolder", root=str(ROOT))
    assert line_of(*PREPARE) == "SUBSET_LOADERS is 'two'; it must be a positive integer"


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("cifar10", "cifar-10-python.tar.gz"),
        ("cifar100", "cifar-100-python.tar.gz"),
        ("mnist", "the four files MNIST/raw/*-ubyte.gz"),
        ("fashion_mnist", "the four files FashionMNIST/raw/*-ubyte.gz"),
    ],
)
def test_without_a_network_is_one_line_that_says_what_to_put_where(
    name, files, line_of, monkeypatch, tmp_path
):
    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.chdir(tmp_path)
    write_params("default", name=name, root="raw")
    line = line_of(*PREPARE)
    assert line.startswith("raw: ")
    assert "is not there whole and cannot be downloaded (" in line
    assert "no network" in line
    assert line.endswith(f"; put {files} into this folder")


# --- the command line -----------------------------------------------------------------------------


def from_the_command_line(*arguments: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    foreign = ("DVC_", "SUBSET_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return subprocess.run(
        [sys.executable, "-m", f"stages.{arguments[0]}", *arguments[1:]],
        env={**own, "PYTHONPATH": str(toy.ROOT), **settings},
        capture_output=True,
        check=False,
    )


def test_wrong_params_end_a_process_with_code_1_and_one_line(project):
    project.change({"train_ensemble.members": 0})
    done = from_the_command_line("seed_subset", *ARGUMENTS["seed_subset"])
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr == (
        b"error: params.yaml: train_ensemble.members is 0; it must be greater than 0\n"
    )


def test_wrong_data_of_any_name_end_a_process_with_code_1_and_one_line(monkeypatch, tmp_path):
    """Also where the terminal knows ASCII alone: names are escaped."""
    monkeypatch.chdir(tmp_path)
    good()
    (ROOT / os.fsdecode(b"dog/\xff\n.png")).write_bytes(b"")
    write_params("default", name="imagefolder", root=str(ROOT))
    done = from_the_command_line(*PREPARE, LC_ALL="C", PYTHONUTF8="0", SUBSET_LOADERS="1")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert rb"'dog/\udcff\n.png' is no image (it is empty). Every class needs" in done.stderr
    assert not Path("data").exists() or not list(Path("data").rglob("*"))


def test_a_traceback_is_shown_where_it_is_asked_for(project):
    project.change({"train_ensemble.members": 0})
    done = from_the_command_line("seed_subset", *ARGUMENTS["seed_subset"], SUBSET_DEBUG="1")
    assert done.returncode == 1
    assert done.stderr.startswith(b"Traceback (most recent call last):\n")
    assert done.stderr.splitlines()[-1].endswith(
        b"params.yaml: train_ensemble.members is 0; it must be greater than 0"
    )
