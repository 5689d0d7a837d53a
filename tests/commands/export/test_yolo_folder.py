"""The form yolo: what Ultralytics reads, by its documented rules and by our own reader of them."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import toy
import toy_export
import yaml
from toy_export import PREPARED, export

from stages.shared import artifacts
from stages.shared.datasets.image_classification import imagefolder
from stages.shared.datasets.object_detection import yolo
from stages.shared.datasets.reading import yolo_labels
from stages.shared.errors import DataError
from stages.shared.settings.sections import Dataset


def listed(folder: Path, name: str = "train") -> list[str]:
    return (folder / f"{name}.txt").read_text().splitlines()


def read_back(folder: Path):
    dataset = toy.default_params()["dataset"] | {"name": "yolo", "root": str(folder)}
    return yolo.load(Dataset(**dataset))


def test_boxes_of_another_form_are_read_back_by_class_and_place(here):
    made = toy_export.scenes(here / "voc")
    made.pick(range(len(made.ids)))
    found = read_back(export("yolo", here / "set"))
    assert found.problems == []
    assert Counter(found.given_splits) == {"train": 12, "validation": 3, "test": 3}
    for split in artifacts.SPLITS:
        boxes = artifacts.load_boxes(PREPARED, split)
        rows = np.array([place for place, each in enumerate(found.given_splits) if each == split])
        again = found.boxes.of(rows)
        assert again.class_A.tolist() == boxes.class_A.tolist()
        # From pixels of the files, twice as large, to those of the prepared images.
        np.testing.assert_allclose(again.box_A4 / 2, boxes.box_A4, atol=1e-5)


def test_what_is_trained_on_is_the_subset(here):
    made = toy_export.scenes(here / "voc")
    picked = made.pick([5, 2, 7, 2])
    folder = export("yolo", here / "set")
    assert [Path(path).resolve() for path in listed(folder)] == [
        here / "voc" / name for name in dict.fromkeys(picked)
    ]
    assert len(listed(folder, "val")) == 3
    again = export("yolo", here / "again", repeat=True)
    assert [Path(path).stem for path in listed(again)] == [
        Path(name).stem + ("__2" if place == 3 else "") for place, name in enumerate(picked)
    ]
    assert yaml.safe_load((folder / "data.yaml").read_text()) == {
        "path": str(here / "set"),
        "train": "train.txt",
        "val": "val.txt",
        "test": "test.txt",
        "names": {0: "bright", 1: "dim"},
    }


def test_of_yolo_itself_the_lists_name_the_users_files_and_classes_keep_their_numbers(here):
    made = toy_export.yolo_set(here / "voc", here / "given")
    text = (here / "given/data.yaml").read_text()
    described = yaml.safe_load(text)
    described["names"] = {0: "bright", 1: "dim", 2: "never seen"}
    (here / "given/data.yaml").write_text(yaml.safe_dump(described))
    picked = made.pick([4, 1, 4])
    folder = export("yolo", here / "set")
    assert listed(folder) == [str(here / "given" / name) for name in dict.fromkeys(picked)]
    assert sorted(path.name for path in folder.iterdir()) == [
        "data.yaml",
        "test.txt",
        "train.txt",
        "val.txt",
    ]
    assert yaml.safe_load((folder / "data.yaml").read_text())["names"] == described["names"]


def test_the_lists_name_paths_whose_labels_ultralytics_finds(here):
    """Where dataset.root is a link, labels lie beside what it leads to, as they were read."""
    toy_export.yolo_set(here / "voc", here / "given")
    for kind in ("images", "labels"):
        for path in (here / "given" / kind / "train").iterdir():
            path.rename(here / "given" / path.name)
        shutil.rmtree(here / "given" / kind)
    (here / "given/data.yaml").unlink()
    (here / "given/classes.txt").write_text("bright\ndim\n")
    (here / "images").mkdir()
    (here / "images/link").symlink_to(here / "given")
    made = toy_export.prepared_yolo(here / "images/link")
    made.pick([4, 1])
    paths = listed(export("yolo", here / "set"))
    assert all(Path(yolo_labels.path_of(path)).is_file() for path in paths)


def test_what_is_said_of_keypoints_goes_with_the_labels_that_have_them(here):
    made = toy_export.yolo_set(here / "voc", here / "given")
    of_poses = {"kpt_shape": [2, 3], "flip_idx": [1, 0], "kpt_names": {0: ["left", "right"]}}
    text = (here / "given/data.yaml").read_text()
    (here / "given/data.yaml").write_text(text + yaml.safe_dump(of_poses))
    made.pick([4, 1])
    written = yaml.safe_load((export("yolo", here / "set") / "data.yaml").read_text())
    assert {key: written[key] for key in of_poses} == of_poses
    assert written["names"] == {0: "bright", 1: "dim"}


def test_of_classes_each_split_has_folders_of_all_with_links_to_the_images(here):
    splits = {"train": 8, "val": 2, "test": 2}
    names = [
        f"{split}/{kind}/{number}.png"
        for split, num in splits.items()
        for kind in ("cat", "dog")
        for number in range(num)
    ]
    made = toy_export.folder_of_images(here / "images", names)
    picked = made.pick(made.rows("train/dog/3.png", "train/dog/1.png", "train/dog/3.png"))
    folder = export("yolo", here / "set")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.png")}
    wanted = {name for name in names if not name.startswith("train")} | {*picked}
    assert {name: path.resolve() for name, path in found.items()} == {
        name: here / "images" / name for name in wanted
    }
    assert all((folder / split / "cat").is_dir() for split in splits)
    again = export("yolo", here / "again", repeat=True)
    assert sorted(path.name for path in (again / "train/dog").iterdir()) == [
        "1.png",
        "3.png",
        "3__2.png",
    ]


def test_of_classes_what_was_written_is_read_as_the_same_splits(here):
    names = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(20)]
    made = toy_export.folder_of_images(here / "images", names)
    made.pick(range(len(made.ids)))
    folder = export("yolo", here / "set")
    dataset = toy.default_params()["dataset"] | {"name": "imagefolder", "root": str(folder)}
    found = imagefolder.load(Dataset(**dataset))
    for split in artifacts.SPLITS:
        ids = artifacts.load_sample_ids(PREPARED, split)
        assert sorted(
            name.partition("/")[2]
            for name, each in zip(found.sample_ids, found.given_splits, strict=True)
            if each == split
        ) == sorted(ids)


def test_without_images_or_files_it_is_refused(here):
    toy_export.arrays().pick([0, 1])
    with pytest.raises(DataError, match="yolo needs image files, and there are none; `copy`"):
        export("yolo", here / "set")
    assert not (here / "set").exists()


def test_a_line_end_in_a_path_is_refused(here):
    toy_export.scenes(here / "voc").pick([0, 1])
    with pytest.raises(DataError, match="has a line end in its name"):
        export("yolo", here / "a\nset")
    assert not (here / "a\nset").exists()
