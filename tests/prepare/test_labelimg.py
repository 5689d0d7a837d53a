"""Images with their XML files beside them, as LabelImg leaves them."""

import shutil

import numpy as np
import pytest
import toy_scenes

from stages.shared.datasets.object_detection import voc
from stages.shared.datasets.object_detection.labelimg import load
from stages.shared.errors import ParamsError


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


def test_one_edge_is_refused(tmp_path, dataset):
    with pytest.raises(ParamsError, match="with boxes it must be"):
        load(dataset(root=str(tmp_path), image_size=8))
