"""The listing in real DVC commands: what changed is prepared again, and nothing else is."""

import json
import shutil
from pathlib import Path

import pipeline
import pytest
from PIL import Image

PREPARE = ("repro", "prepare")


def write(root, *names):
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, len(name), 0)).save(root / name)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project of twenty images that git and DVC do not know, which are prepared."""
    made = pipeline.tiny_checkout(tmp_path_factory.mktemp("prepared")).of_somebody()
    root = made.folder / "data/raw/images"
    write(root, *(f"{kind}/{row}.png" for kind in ("cat", "dog") for row in range(10)))
    change(made, "name: digits", "name: imagefolder")
    change(made, "root: data/raw", "root: data/raw/images")
    made.git("commit", "--quiet", "--all", "--message=Images")
    made.resume.mkdir()
    made.dvc(*PREPARE)
    return made


@pytest.fixture
def checkout(prepared, tmp_path):
    return prepared.copy(tmp_path)


def change(checkout, old, new):
    params = checkout.folder / "params.yaml"
    text = params.read_text()
    assert old in text
    params.write_text(text.replace(old, new))


def num_prepared(checkout):
    meta = json.loads((checkout.folder / "data/prepared/meta.json").read_text())
    return sum(meta["num_samples"].values())


@pytest.mark.slow
def test_the_run_cache_gives_no_old_data_back(checkout):
    change(checkout, "image_size:  ", "image_size: 6 ")
    checkout.dvc(*PREPARE)
    write(checkout.folder / "data/raw/images", *(f"cat/new {row}.png" for row in range(100)))
    assert checkout.dvc(*PREPARE).ran == ["prepare"]
    change(checkout, "image_size: 6 ", "image_size:  ")

    checkout.dvc(*PREPARE)
    assert num_prepared(checkout) == 120
    assert checkout.dvc(*PREPARE).ran == []


@pytest.mark.slow
def test_copied_data_and_a_copied_project_prepare_nothing_again(checkout, tmp_path):
    lock = checkout.lock()
    raw = checkout.folder / "data/raw"
    shutil.copytree(raw, tmp_path / "copy")
    shutil.rmtree(raw)
    shutil.move(tmp_path / "copy", raw)
    assert checkout.dvc(*PREPARE).ran == []
    assert checkout.lock() == lock


@pytest.mark.slow
def test_a_wrong_root_loses_nothing(checkout):
    change(checkout, "data/raw/images", "data/raw/imagse")
    output = checkout.run(*pipeline.dvc_command("repro"))
    assert output.code != 0
    assert "error: dataset.root is 'data/raw/imagse': no such folder" in output.text
    assert "Traceback" not in output.text
    assert num_prepared(checkout) == 20

    change(checkout, "data/raw/imagse", "data/raw/images")
    assert checkout.dvc(*PREPARE).ran == []


@pytest.mark.slow
@pytest.mark.parametrize(("how", "storage"), [("--temp", "memory"), ("--queue", "files")])
def test_a_temporary_workspace_finds_the_images_of_the_project(checkout, how, storage):
    change(checkout, "storage: auto", f"storage: {storage}")
    checkout.dvc("exp", "run", how, *PREPARE[1:], "--name", "tried")
    if how == "--queue":
        checkout.dvc("queue", "start")
        checkout.wait_for_queue()
    # The project lists the same, so it has from the run cache what was prepared there.
    output = checkout.dvc(*PREPARE)
    assert "Stage 'prepare' is cached" in output.text
    assert num_prepared(checkout) == 20
    if storage == "files":
        listed = Path(checkout.folder, "data/prepared/train/files.json").read_text()
        assert json.loads(listed)["root"] == "data/raw/images"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["manifest", "groups"])
def test_a_list_of_files_that_changed_prepares_again(checkout, name):
    rows = [f"{kind}/{row}.png" for kind in ("cat", "dog") for row in range(10)]
    lines = {
        "manifest": ["path,label,split", *(f"{row},{row[:3]}," for row in rows[:-2])],
        "groups": ["path,group", *(f"{row},{row[-6:]}" for row in rows)],
    }[name]
    (checkout.folder / f"lists/{name}.csv").write_text("\n".join(lines) + "\n")
    assert checkout.dvc(*PREPARE).ran == ["prepare"]
    assert num_prepared(checkout) == {"manifest": 18, "groups": 20}[name]
