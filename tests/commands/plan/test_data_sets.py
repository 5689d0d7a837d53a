"""Tests for commands/plan/data_sets.py: what is prepared, and what prepare will make of the data.

The oracle is prepare itself.
"""

import math

import numpy as np
import pytest
import toy
import toy_scenes
import toy_texts
import toy_vectors
from PIL import Image

from commands.plan import data_sets
from commands.plan.graph import Stage
from commands.preset import presets
from stages.prepare.__main__ import main as prepare
from stages.shared.artifacts import load_meta
from stages.shared.errors import ParamsError
from stages.shared.settings.params import check_counts, check_params


def load(content, prepared="data/prepared", state="changed"):
    stage = Stage("prepare", [str(prepared), "scratch"], state, "", True)
    return data_sets.load_data(check_params(content), [stage])


def params_of(root, **changes):
    content = toy.default_params()
    content["dataset"] |= {"name": "imagefolder", "root": str(root), **changes}
    return content


def write_images(root):
    for number in range(24):
        path = root / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6, 3), number, dtype=np.uint8)).save(path)


def scenes(root):
    toy_scenes.write_voc(root, {"train": 30, "test": 10})
    content = presets.resolved("detection_cpu")
    content["dataset"] |= {"name": "voc", "root": str(root)}
    return content


def texts(root):
    toy_texts.write_csv(root / "train.csv", toy_texts.reviews(60))
    toy_texts.write_csv(root / "test.csv", toy_texts.reviews(20, 1))
    return toy_texts.params(root)


def images(root):
    write_images(root)
    return params_of(root, validation_fraction=0.2)


def vectors(root):
    toy_vectors.write(root, 60)
    return toy_vectors.params(root)


@pytest.mark.parametrize(
    "make", [images, scenes, texts, vectors, lambda root: toy.default_params()]
)
def test_counted_is_what_prepare_will_make_of_the_data(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    content = make(tmp_path / "raw")
    toy.write_params(tmp_path, content)

    found = load(content)
    prepare(tmp_path / "prepared", tmp_path / "scratch")

    written = load_meta(tmp_path / "prepared")
    assert not found.is_prepared
    assert found.meta.num_samples == written.num_samples
    assert found.meta.num_classes == written.num_classes
    assert found.meta.input_shape == written.input_shape
    if found.inputs == "texts":
        assert found.meta.mean == pytest.approx(written.mean)


def test_prepared_data_is_taken_as_it_is(prepared):
    found = load(toy.default_params(), prepared, "unchanged")

    assert found.is_prepared
    assert found.meta == load_meta(prepared)
    assert (found.input_bytes, found.files) == (64, [])


def test_what_may_be_downloaded_is_known_and_not_looked_for(tmp_path):
    content = params_of(tmp_path, name="cifar10", validation_fraction=0.1)
    found = load(content)
    assert found.num_samples == {"train": 45_000, "validation": 5_000, "test": 10_000}
    assert found.input_bytes == math.prod([32, 32, 3])
    assert list(tmp_path.iterdir()) == []


def test_a_large_table_of_texts_is_not_read(tmp_path, monkeypatch):
    content = texts(tmp_path)
    content["dataset"]["name"] = "amazon_polarity"
    assert sum(load(content).num_samples.values()) == 80
    monkeypatch.setattr(data_sets, "MOST_READ", 100)
    assert sum(load(content).num_samples.values()) == 4_000_000


def test_images_that_would_fill_memory_are_left_in_their_files(tmp_path, monkeypatch):
    write_images(tmp_path)
    in_memory = load(params_of(tmp_path))
    assert (in_memory.files, len(in_memory.to_decode)) == ([], 24)
    assert len(load(params_of(tmp_path, storage="files")).files) == 24
    monkeypatch.setattr("stages.prepare.storage.MOST_RESIDENT", 10)
    assert len(load(params_of(tmp_path)).files) == 24


def test_sizes_that_the_data_does_not_allow_are_refused(tmp_path):
    write_images(tmp_path)
    content = params_of(tmp_path)
    content["seed_size"], content["rounds"] = 1, [{"from": 1, "to": 5}]
    data = load(content)
    with pytest.raises(ParamsError, match="there are 2 classes, so it must be 2 at least"):
        check_counts(check_params(content), data.num_samples["train"], data.meta.num_classes)
