"""Images with their XML files beside them, as LabelImg leaves them."""

import shutil

import numpy as np
import pytest
import toy_scenes

from stages.shared.datasets.object_detection import voc
from stages.shared.datasets.object_detection.labelimg import load
from stages.shared.errors import DataError, ParamsError


@pytest.fixture
def scenes(tmp_path):
    """Scenes in VOC's form, and the same laid flat."""
    toy_scenes.write_voc(tmp_path / "voc", {"train": 6, "test": 4})
    flat = tmp_path / "flat"
    flat.mkdir()
    for folder in ("JPEGImages", "Annotations"):
        for path in (tmp_path / "voc" / folder).iterdir():
            shutil.copy(path, flat)
    return tmp_path


def in_folders(flat):
    """Lay the flat files into folders of splits."""
    for path in [*flat.iterdir()]:
        folder = flat / ("Training" if path.name.startswith("train") else "test")
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)


def require_equal(found, wanted):
    assert found.class_names == wanted.class_names
    for name in ("box_A4", "class_A", "offset_N1"):
        np.testing.assert_array_equal(getattr(found.boxes, name), getattr(wanted.boxes, name))
    assert [name.rpartition("/")[2] for name in found.sample_ids] == [
        name.rpartition("/")[2] for name in wanted.sample_ids
    ]
    assert found.problems == []


def test_flat_files_are_those_of_voc_without_lists(scenes, dataset):
    shutil.rmtree(scenes / "voc/ImageSets")
    wanted = voc.load(dataset(root=str(scenes / "voc"), image_size=[26, 22]))
    found = load(dataset(root=str(scenes / "flat"), image_size=[26, 22]))
    require_equal(found, wanted)
    assert found.given_splits is None


def test_folders_are_splits(scenes, dataset):
    wanted = voc.load(dataset(root=str(scenes / "voc")))
    in_folders(scenes / "flat")
    found = load(dataset(root=str(scenes / "flat")))
    assert sorted(zip(found.sample_ids, found.given_splits, strict=True))[0] == (
        "Training/train000.png",
        "train",
    )
    order = np.argsort([name.rpartition("/")[2] for name in found.sample_ids])
    assert [found.given_splits[row] for row in order] == [
        split for _, split in sorted(zip(wanted.sample_ids, wanted.given_splits, strict=True))
    ]
    assert found.problems == []


def test_images_that_were_not_labelled_are_left_out_and_counted(scenes, dataset, capsys):
    (scenes / "flat/train003.xml").unlink()
    found = load(dataset(root=str(scenes / "flat")))
    assert "train003.png" not in found.sample_ids
    assert (
        "left out 1 images without an XML file, such as 'train003.png'" in capsys.readouterr().err
    )


def test_all_problems_are_listed(scenes, dataset):
    flat = scenes / "flat"
    (flat / "train000.png").unlink()
    (flat / "train001.xml").write_text("<annotation>")
    shutil.copy(flat / "train002.png", flat / "train002.bmp")
    problems = load(dataset(root=str(flat))).problems
    assert problems[0] == "'train002.bmp' and 'train002.png' share a name; one is allowed"
    assert problems[1] == "'train000.xml' has no image beside it"
    assert problems[2].startswith("'train001.xml' cannot be read")
    assert len(problems) == 3


def test_some_images_outside_the_splits_are_refused(scenes, dataset):
    in_folders(scenes / "flat")
    (scenes / "flat/Training/train000.png").rename(scenes / "flat/a.png")
    (scenes / "flat/Training/train000.xml").rename(scenes / "flat/a.xml")
    with pytest.raises(DataError, match=r"lies in a folder of a split and 'a\.png' in none"):
        load(dataset(root=str(scenes / "flat")))


def test_splits_without_train_are_refused(scenes, dataset):
    in_folders(scenes / "flat")
    shutil.rmtree(scenes / "flat/Training")
    with pytest.raises(DataError, match="its folders of splits lack train"):
        load(dataset(root=str(scenes / "flat")))


def test_a_folder_that_is_not_there_and_one_edge_are_refused(tmp_path, dataset):
    with pytest.raises(DataError, match="no such folder"):
        load(dataset(root=str(tmp_path / "nowhere")))
    with pytest.raises(ParamsError, match="with boxes it must be"):
        load(dataset(root=str(tmp_path), image_size=8))
