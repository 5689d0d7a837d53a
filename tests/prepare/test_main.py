"""The stage as a whole: everything is written, or nothing and one line says all that is wrong."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from stages.prepare import storage
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS
from stages.shared.errors import DataError
from stages.shared.samples.loading import load_images


def names_of(*kinds, count=8):
    return [f"{kind}/{number}.png" for kind in kinds for number in range(count)]


def all_bytes(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_split_holds_its_images_classes_and_ids_in_the_sources_order(
    prepare, images, colour_of
):
    root = images(*names_of("cat", "dog"))
    folder = prepare(name="imagefolder", root=str(root))
    meta = artifacts.load_meta(folder)
    seen = []
    for split in SPLITS:
        inputs_NHWK = artifacts.load_inputs(folder, split)
        sample_ids = artifacts.load_sample_ids(folder, split)
        targets_N = artifacts.load_targets(folder, split)
        assert len(inputs_NHWK) == len(sample_ids) == len(targets_N) == meta.num_samples[split]
        assert sample_ids == sorted(sample_ids)
        assert [meta.class_names[n] for n in targets_N] == [
            name.split("/")[0] for name in sample_ids
        ]
        assert inputs_NHWK[:, 0, 0].tolist() == [colour_of(name) for name in sample_ids]
        seen += sample_ids
    assert sorted(seen) == sorted(names_of("cat", "dog"))


def test_meta_describes_the_train_split(prepare, images):
    folder = prepare(name="imagefolder", root=str(images(*names_of("cat", "dog"), size=(6, 3))))
    meta = artifacts.load_meta(folder)
    train_NHWK = artifacts.load_inputs(folder, "train") / 255
    assert meta.class_names == ["cat", "dog"]
    assert meta.input_shape == [3, 6, 3]
    assert meta.mean == pytest.approx(train_NHWK.mean(axis=(0, 1, 2)))
    assert meta.std == pytest.approx(train_NHWK.std(axis=(0, 1, 2)))
    assert (meta.dataset, meta.task) == ("imagefolder", "image_classification")
    assert sum(meta.num_samples.values()) == 16


def test_the_ensemble_of_models_that_start_from_scratch_is_empty(prepare, images):
    prepare(name="imagefolder", root=str(images(*names_of("cat", "dog"))))
    scratch = Path("data/ensembles/scratch")
    assert [path.name for path in scratch.iterdir()] == ["model.json"]
    assert json.loads((scratch / "model.json").read_text()) == {}


def test_run_twice_the_bytes_are_equal_and_nothing_else_is_left(prepare, images):
    params = {"name": "imagefolder", "root": str(images(*names_of("cat", "dog")))}
    first = all_bytes(prepare(**params))
    assert all_bytes(prepare(**params)) == first
    assert sorted(path.name for path in Path("data").iterdir()) == ["ensembles", "prepared"]
    assert len(first) == 10


def test_the_default_data_set_is_prepared(prepare):
    meta = artifacts.load_meta(prepare())
    assert (meta.dataset, meta.input_shape, meta.num_classes) == ("digits", [8, 8, 1], 10)
    assert sum(meta.num_samples.values()) == 1797


def test_all_problems_are_in_one_line_and_nothing_is_written(prepare, images):
    names = names_of("train/cat", "train/dog", "train/line\nbreak")
    root = images(*names, "test/cat/1.png", "test/owl/1.png")
    (root / "train/empty").mkdir()
    (root / "train/cat/3.png").write_bytes(b"")
    (root / "test/cat/1.png").write_text("text")
    images("train/dog/5.png", size=(9, 9))
    with pytest.raises(DataError) as caught:
        prepare(name="imagefolder", root=str(root))
    line = str(caught.value)
    for said in (
        str(root),
        "class 'empty' is empty",
        "class 'owl' is missing from train (1 in test)",
        "'train/cat/3.png' is no image",
        "'test/cat/1.png' is no image",
        "'train/dog/5.png' is 9x9, not 4x4",
    ):
        assert said in line
    assert "\n" not in line
    assert not list(Path("data").rglob("*"))


def test_a_failed_run_leaves_what_was_there_before(prepare, images):
    root = images(*names_of("cat", "dog"))
    before = all_bytes(prepare(name="imagefolder", root=str(root)))
    (root / "cat/3.png").write_bytes(b"")
    with pytest.raises(DataError):
        prepare(name="imagefolder", root=str(root))
    assert all_bytes(Path("data/prepared")) == before


def test_imagenets_layout_has_val_as_the_test_split(prepare, images):
    kinds = ("n01440764", "n02102040")
    train = names_of(*(f"train/{kind}" for kind in kinds))
    root = images(*train, *names_of(*(f"val/{kind}" for kind in kinds), count=2))
    folder = prepare(name="imagefolder", root=str(root), image_size=16)
    assert all(name.startswith("val/") for name in artifacts.load_sample_ids(folder, "test"))
    meta = artifacts.load_meta(folder)
    assert meta.num_samples == {"train": 12, "validation": 4, "test": 4}
    assert meta.input_shape == [16, 16, 3]


def test_groups_and_a_manifest_work_together(prepare, images):
    names = names_of("x", count=40)
    rows = [f"{name},{'cat' if n % 2 else 'dog'}," for n, name in enumerate(names)]
    Path("list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    groups = {name: f"patient {n // 4}" for n, name in enumerate(names)}
    lines = [f"{name},{group}" for name, group in groups.items()]
    Path("groups.csv").write_text("\n".join(["path,group", *lines]) + "\n")
    folder = prepare(
        name="imagefolder", root=str(images(*names)), manifest="list.csv", groups="groups.csv"
    )
    held = [{groups[name] for name in artifacts.load_sample_ids(folder, split)} for split in SPLITS]
    for split in SPLITS:
        ids = artifacts.load_sample_ids(folder, split)
        numbers = artifacts.load_groups(folder, split, len(ids)).tolist()
        named = [groups[name] for name in ids]
        assert len({*zip(named, numbers, strict=True)}) == len({*named}) == len({*numbers})
    assert sum(len(names) for names in held) == len(set.union(*held)) == 10


# --- files ---------------------------------------------------------------------------------------


def test_storage_decides_what_is_written_of_images_and_nothing_else(prepare, images):
    root = images(*names_of("cat", "dog"))
    written = {}
    for kind in ("memory", "files"):
        folder = prepare(name="imagefolder", root=str(root), storage=kind)
        written[kind] = {
            path.relative_to(folder).as_posix(): content
            for path, content in all_bytes(folder).items()
        }
    only_memory, only_files = (
        {name for name in one if name not in other}
        for one, other in (written.values(), reversed(written.values()))
    )
    assert only_memory == {f"{split}/inputs.npy" for split in SPLITS}
    assert only_files == {f"{split}/files.{end}" for split in SPLITS for end in ("csv", "json")}
    # The mean, the deviation and the fingerprint among it.
    for name in written["memory"].keys() & written["files"].keys():
        assert written["memory"][name] == written["files"][name]


def test_images_are_the_same_in_both_storages(prepare, images):
    root = images(*names_of("cat", "dog"), size=(6, 9))
    found = []
    for kind in ("memory", "files"):
        folder = prepare(name="imagefolder", root=str(root), storage=kind, image_size=5)
        found.append([load_images(folder, split)[:].tolist() for split in SPLITS])
    assert found[0] == found[1]


@pytest.mark.parametrize(("most", "is_listed"), [(16 * 48, False), (16 * 48 - 1, True)])
def test_auto_lists_files_where_the_images_of_all_splits_exceed_what_memory_holds(
    prepare, images, monkeypatch, most, is_listed
):
    monkeypatch.setattr(storage, "MOST_RESIDENT", most)
    folder = prepare(name="imagefolder", root=str(images(*names_of("cat", "dog"))), storage="auto")
    assert [artifacts.has_file_list(folder, split) for split in SPLITS] == [is_listed] * 3


def test_auto_means_memory_where_there_are_no_files(prepare, monkeypatch):
    monkeypatch.setattr(storage, "MOST_RESIDENT", 0)
    assert len(artifacts.load_inputs(prepare(), "train"))


def test_unreadable_files_are_refused_though_nothing_is_written_of_them(prepare, images):
    root = images(*names_of("cat", "dog"))
    (root / "cat/3.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"'cat/3\.png' is no image"):
        prepare(name="imagefolder", root=str(root), storage="files")


@pytest.mark.realdata
@pytest.mark.skipif("SUBSET_TEST_IMAGES" not in os.environ, reason="SUBSET_TEST_IMAGES is not set")
def test_real_image_folders_are_prepared(prepare):
    """SUBSET_TEST_IMAGES names a root of {train,test}/<class>/* with CIFAR-10's images."""
    folder = prepare(name="imagefolder", root=os.environ["SUBSET_TEST_IMAGES"], image_size=32)
    meta = artifacts.load_meta(folder)
    assert sum(meta.num_samples.values()) == 60_000
    assert np.bincount(artifacts.load_targets(folder, "test")).tolist() == [1000] * 10
    # The published mean of CIFAR-10's train split; JPEG moves it little.
    assert meta.mean == pytest.approx([0.4914, 0.4822, 0.4465], abs=0.002)
