"""Where the images lie decides no byte: all stages on an image folder, in both storages."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dag
import in_process
import numpy as np
import pytest
import toy
from PIL import Image
from ruamel.yaml import YAML

from stages.predict_pool.pool import Pool
from stages.shared import artifacts
from stages.shared.samples import decoding, decoding_ahead
from stages.shared.settings.params import load_params

ONLY_IN = {"memory": {"inputs.npy"}, "files": {"files.csv", "files.json"}}


def write_project(project, root, storage):
    content = toy.default_params()
    content["dataset"] |= {
        "name": "imagefolder",
        "root": str(root),
        "image_size": 8,
        "storage": storage,
        "validation_fraction": 0.3,
    }
    content |= {"seed_size": 0.25, "rounds": [{"from": 0.25, "to": 0.5}]}
    for section in ("train_ensemble", "train_subset_model"):
        content[section] |= {"members": 2, "length": {"updates": 12}, "batch_size": 8}
    content["train_ensemble"]["track"] = "gradient_norm"
    content["predict_pool"] |= {"signals": ["features", "gradient_norm"], "batch_size": 20}
    project.mkdir()
    toy.write_params(project, content)
    shutil.copy(toy.ROOT / "dvc.yaml", project)
    (project / "stages").symlink_to(toy.ROOT / "stages")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Finished runs in both storages; in `files` every image is decoded as it is needed."""
    folder = tmp_path_factory.mktemp("storage")
    images = toy.images(90, np.random.default_rng(0))
    toy.write_images(folder / "raw", images, "jpg", size=(20, 16))  # decoded to a smaller one
    for storage in ONLY_IN:
        project = folder / storage
        write_project(project, folder / "raw", storage)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(project)
            in_process.patch(patch)
            in_process.patch_charts(patch)  # of tables, which are compared themselves
            patch.setenv("SUBSET_LOADERS", "2")
            patch.setenv("SUBSET_RESUME", str(project / "resume"))
            patch.setattr("stages.shared.networks.batches.MOST_DECODED", 0)
            patch.setattr(decoding_ahead, "JOB_BYTES", 5 * 8 * 8 * 3)
            dag.run(project)
    return folder


@pytest.fixture(scope="module")
def written(finished):
    """The content of all files that are written, by storage and name."""
    return {
        storage: {
            path.relative_to(finished / storage).as_posix(): path.read_bytes()
            for place in ("data", "metrics", "plots", "resume")
            for path in sorted((finished / storage / place).rglob("*"))
            if path.is_file()
            and path.name not in {"timing.json", "timings.json"}
            and "checksums" not in path.parts
        }
        for storage in ONLY_IN
    }


def test_weights_signals_scores_subsets_and_pictures_are_equal(written):
    memory, files = (
        {name: content for name, content in written[storage].items() if not is_of(name, storage)}
        for storage in ("memory", "files")
    )
    assert memory.keys() == files.keys()
    assert [name for name in memory if memory[name] != files[name]] == []
    for kind in ("safetensors", "npy", "csv", "png"):
        assert any(name.endswith(kind) for name in files)


def is_of(name, storage):
    return name.startswith("data/prepared/") and name.rpartition("/")[2] in ONLY_IN[storage]


def test_each_storage_writes_its_own_form_of_the_images(written):
    for storage, names in ONLY_IN.items():
        images_of = {
            name.rpartition("/")[2]
            for name in written[storage]
            if any(is_of(name, each) for each in ONLY_IN)
        }
        assert images_of == names


@pytest.mark.parametrize("num_voters", [1, 2])
def test_each_file_is_decoded_once_however_many_voters_there_are(
    finished, tmp_path, monkeypatch, num_voters
):
    decode, opened = decoding.decode, []

    def counted(path, image_size):
        opened.append(Path(path).name)
        return decode(path, image_size)

    data = finished / "files/data"
    ensemble = data / "ensembles/0.25/seed-0"
    voters = artifacts.load_ensemble(ensemble).checkpoints[:num_voters]
    meta = artifacts.load_meta(data / "prepared")
    settings = load_params(finished / "files/params.yaml").predict_pool
    monkeypatch.setattr(decoding, "decode", counted)
    monkeypatch.setenv("SUBSET_LOADERS", "1")  # in this process, where they are counted

    pool = Pool(data / "prepared", meta, ensemble, voters, settings)
    pool.write_signals(tmp_path, np.arange(3))

    names = artifacts.load_file_list(data / "prepared", "train").names
    assert len(np.load(tmp_path / "votes_MN.npy")) == num_voters
    assert Counter(opened) == Counter(Path(name).name for name in names)


@pytest.fixture(scope="module")
def to_train(tmp_path_factory):
    """A project whose first ensemble reads more files than one decoding job holds."""
    project = tmp_path_factory.mktemp("real") / "project"
    rng = np.random.default_rng(0)
    for number in range(60):
        path = project.parent / f"raw/{number % 2}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)).save(path)
    write_project(project, project.parent / "raw", "files")
    content = YAML(typ="safe").load((project / "params.yaml").read_text())
    content["dataset"]["image_size"] = None
    content["seed_size"], content["rounds"][0]["from"] = 1.0, 1.0
    content["train_ensemble"] |= {"length": {"updates": 1}, "track": "none"}
    toy.write_params(project, content)
    run(project, "stages.prepare", "data/prepared", "data/ensembles/scratch")
    run(project, "stages.weights", "data/prepared", "data/weights")
    run(project, "stages.seed_subset", "1.0", "data/prepared", "data/subsets/1.0")
    return project


def run(project, *command, **environment):
    """Run a stage as DVC does; one that waits for ever is an error."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**os.environ, "SUBSET_DEVICE": "cpu", "SUBSET_RESUME": "resume", **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


TRAIN = (
    *("stages.train_ensemble", "data/prepared", "none", "data/subsets/1.0"),
    "data/weights/resnet8_quarter.safetensors",
)
WRITTEN = ("data/ensembles/1.0", "data/histories/ensemble-1.0", "data/dynamics/1.0")


@pytest.mark.slow
def test_workers_that_decode_in_processes_of_their_own_come_to_an_end(to_train):
    done = run(to_train, *TRAIN, *WRITTEN, SUBSET_LOADERS="2", SUBSET_WORKERS="2")

    assert done.returncode == 0, done.stderr
    assert (to_train / "data/ensembles/1.0/seed-0/model.json").exists()


@pytest.mark.slow
def test_a_file_that_changed_ends_a_training_with_one_line(to_train):
    prepared = to_train / "data/prepared"
    name = artifacts.load_file_list(prepared, "train").names[0]
    Image.new("RGB", (160, 160)).save(to_train.parent / "raw" / name)

    done = run(to_train, *TRAIN, *WRITTEN, SUBSET_LOADERS="2", SUBSET_RESUME="other")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{name!r} has changed since prepare read it" in done.stderr
