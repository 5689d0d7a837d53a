"""Real runs where people run them: with odd names, an ASCII terminal, and in small containers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pipeline
import pytest
import toy
from pages import Page
from test_faults import write_toy

pytestmark = pytest.mark.slow

NAMES = dict(zip(toy.CLASS_NAMES, ("$0_$50", '日本 <b>"|%s', "_x\\{1}-5 😀"), strict=True))


@pytest.fixture(scope="module")
def checkout():
    """The toy with odd class names, one draw, its images left in their files.

    Not in memory, as other tests: a small container has no /dev/shm.
    """
    with TemporaryDirectory() as folder:
        made = write_toy(Path(folder))
        for name, odd in NAMES.items():
            (made.folder / "data/raw" / name).rename(made.folder / "data/raw" / odd)
        path = made.folder / "params.yaml"
        params = json.loads(path.read_text(encoding="utf-8"))
        params["random_seeds"] = 1
        params["dataset"]["storage"] = "files"
        toy.write_params(made.folder, params)
        yield made


def test_a_run_of_odd_names_under_an_ascii_terminal_is_whole(checkout):
    output = checkout.run(*pipeline.dvc_command("repro"), LC_ALL="C", PYTHONIOENCODING="ascii")
    assert output.code == 0, output.text
    assert "Running stage 'report'" in output.text
    assert output.text.isascii()
    assert "Traceback" not in output.text
    assert "Warning" not in output.text
    page = Page((checkout.folder / "plots/report.html").read_text(encoding="utf-8"))
    assert set(NAMES.values()) <= set(page.texts("td"))
    for command in (
        ["commands.plan"],
        ["commands.compare", "HEAD"],
        ["commands.verdict", "workspace"],
    ):
        done = checkout.run(sys.executable, "-m", *command, LC_ALL="C", PYTHONIOENCODING="ascii")
        assert "Traceback" not in done.text
        assert done.text.isascii()


def makes_name_spaces():
    """Return whether this machine lets its users have mounts of their own."""
    command = ["unshare", "-rm", "true"]
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(command, check=False, capture_output=True).returncode
    )


in_name_spaces = pytest.mark.skipif(not makes_name_spaces(), reason="unshare is not allowed here")


def in_container(checkout, setup, *command):
    """Run a command after `setup`, in a name space whose mounts are its own."""
    script = f"{setup} && exec {sys.executable} -m {' '.join(command)}"
    return checkout.run("unshare", "-rm", "bash", "-c", script, SUBSET_LOADERS="2")


PREPARE = ("stages.prepare", "again/prepared", "again/scratch")


@in_name_spaces
@pytest.mark.parametrize(
    "setup",
    [
        "mount -t tmpfs -o ro none /dev/shm",
        "mount --bind data/raw data/raw && mount -o remount,bind,ro data/raw",
        "export HOME=/nowhere",
        "unset HOME USER LOGNAME",
        "umask 077",
    ],
)
def test_images_are_prepared_in_a_small_container(checkout, setup):
    shutil.rmtree(checkout.folder / "again", ignore_errors=True)
    output = in_container(checkout, setup, *PREPARE)
    assert (output.code, output.text) == (0, "")


@in_name_spaces
@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ("mkdir -p again && mount -t tmpfs -o ro none again", "Read-only file system"),
        ("mkdir -p again && mount -t tmpfs -o size=4k none again", "No space left on device"),
        ("ulimit -f 1", "File too large"),
    ],
)
def test_what_a_container_lacks_is_one_line(checkout, setup, words):
    shutil.rmtree(checkout.folder / "again", ignore_errors=True)
    output = in_container(checkout, setup, *PREPARE)
    assert output.code == 1, output.text
    assert output.text.startswith("error: ")
    assert output.text.count("\n") == 1
    assert words in output.text
