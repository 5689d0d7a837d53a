"""Tests for commands/plan/data_sets.py: how many samples there are, counted or prepared."""

from importlib import import_module

import numpy as np
import pytest
import toy
from PIL import Image

from commands import preset
from commands.plan import data_sets
from stages.shared.artifacts import load_meta
from stages.shared.errors import DataError
from stages.shared.settings.params import check_params


def params_of(root, **changes):
    content = toy.default_params()
    content["dataset"] |= {"name": "imagefolder", "root": str(root), **changes}
    return check_params(content)


def write_image(path, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((size[1], size[0], 3), dtype=np.uint8)).save(path)


@pytest.mark.parametrize("name", ["default", "detection_cpu"])
def test_what_is_known_of_an_embedded_data_set_is_what_prepare_loads(name):
    params = check_params(preset.resolved(name))
    name = params.dataset.name
    module = import_module(f"stages.shared.datasets.{params.task}.{name}")
    source = module.load(params.dataset)
    train, test, shape, num_classes = data_sets.KNOWN[name]

    assert abs(train + test - len(source.sample_ids)) <= 1  # scenes are rounded by split
    assert list(source.inputs.shape) == shape
    assert len(source.class_names) == num_classes


def test_prepared_data_is_taken_as_it_is(prepared):
    found = data_sets.load_data(check_params(toy.default_params()), prepared)

    assert found.is_prepared
    assert found.meta == load_meta(prepared)
    assert (found.storage, found.input_bytes, found.num_train) == ("memory", 64, 60)


def test_folders_of_splits_and_classes_are_counted(tmp_path):
    for name in ("train/a/1", "train/a/deeper/2", "train/b/3", "test/a/4", "test/b/5"):
        write_image(tmp_path / f"{name}.png")
    (tmp_path / "train/a/notes.txt").write_text("no image")

    found = data_sets.load_data(params_of(tmp_path, validation_fraction=0.34), None)

    assert not found.is_prepared
    assert found.meta.num_samples == {"train": 2, "validation": 1, "test": 2}
    assert found.meta.num_classes == 2
    assert found.meta.input_shape == [4, 6, 3]
    assert found.input_bytes == 72
    assert all(path.exists() for path in found.files)


def test_without_a_test_split_it_is_a_fold():
    dataset = params_of("", num_folds=5, validation_fraction=0.1).dataset
    assert data_sets.split_counts({"train": 1797}, dataset) == {
        "train": 1294,
        "validation": 144,
        "test": 359,
    }


def test_without_a_test_split_the_validation_split_is_the_test():
    dataset = params_of("", validation_fraction=0.1).dataset
    counts = data_sets.split_counts({"train": 100, "validation": 20}, dataset)
    assert counts == {"train": 90, "validation": 10, "test": 20}


def test_images_that_would_fill_memory_are_left_in_their_files(tmp_path, monkeypatch):
    write_image(tmp_path / "a/1.png")
    assert data_sets.load_data(params_of(tmp_path), None).storage == "memory"
    assert data_sets.load_data(params_of(tmp_path, storage="files"), None).storage == "files"
    monkeypatch.setattr(data_sets, "MOST_RESIDENT", 10)
    assert data_sets.load_data(params_of(tmp_path), None).storage == "files"


def test_a_manifest_is_counted_by_its_rows(tmp_path):
    write_image(tmp_path / "x.png")
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,label,split\nx.png,a,train\ny.png,b,train\nz.png,b,test\n")

    found = data_sets.count(params_of(tmp_path, manifest=str(manifest)))

    assert found.splits == {"train": 2, "test": 1}
    assert found.num_classes == 2


def test_rows_of_texts_are_counted(tmp_path):
    (tmp_path / "train.csv").write_text('"1","","bad"\n"2","","good"\n"2","","fine"\n')
    (tmp_path / "test.csv").write_text('"1","","bad"\n')

    found = data_sets._count_rows(tmp_path)

    assert found.splits == {"train": 3, "test": 1}
    assert found.num_classes == 2


def test_an_empty_folder_is_one_line(tmp_path):
    with pytest.raises(DataError, match="found no image to count below it; it must hold"):
        data_sets.load_data(params_of(tmp_path), None)
