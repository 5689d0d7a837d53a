"""Subsets as folders of images: read back by torchvision, nothing lost, nothing overwritten."""

import os
from pathlib import Path

import numpy as np
import pytest
import toy_export
from PIL import Image
from toy_export import colour, export

from commands.export.folders import Names
from commands.export.output import new_folder
from stages.shared import artifacts
from stages.shared.errors import DataError

# Three files of one name in each class, one of them in large letters.
NAMES = [
    f"{label}/{folder}/{name}"
    for label in ("cat", "dog")
    for folder in "abc"
    for name in ("1.png", "1.PNG", f"{folder}.png")
]


@pytest.fixture
def made(tmp_path, here):
    """A prepared folder of images."""
    return toy_export.folder_of_images(tmp_path / "images", NAMES)


def colours_below(folder):
    """Return the colour of each image of an ImageFolder, in order, with the name of its class."""
    from torchvision.datasets import ImageFolder

    data_set = ImageFolder(str(folder))
    return sorted((data_set.classes[label], image.getpixel((0, 0))) for image, label in data_set)


def expected(sample_ids):
    return sorted((name.partition("/")[0], colour(name)) for name in sample_ids)


@pytest.mark.parametrize("form", ["symlinks", "copy"])
def test_image_folder_reads_each_sample_once(made, form):
    ids = made.pick([*range(len(made.ids)), 3, 0])

    folder = export(form, "smaller")

    assert colours_below(folder) == expected(set(ids))
    assert {path.is_symlink() for path in folder.rglob("*.*")} == {form == "symlinks"}


@pytest.mark.parametrize("form", ["symlinks", "copy"])
def test_image_folder_reads_each_pick_where_it_is_asked_to(made, form):
    ids = made.pick([3, 0, 3, 2, 3])

    folder = export(form, "smaller", repeat=True)

    assert colours_below(folder) == expected(ids)


def test_no_two_names_are_one_where_letters_are_not_told_apart():
    names = Names()

    given = [names.free(name) for name in ("a.png", "A.png", "a.png", "a__2.png", "b", "b")]

    assert given == ["a.png", "A__2.png", "a__3.png", "a__2__2.png", "b", "b__2"]
    assert len({name.casefold() for name in given}) == 6


def test_names_of_any_bytes_survive(tmp_path, made):
    name = made.ids[0]
    odd = os.fsdecode(os.fsencode(name).replace(b".", b"\n\xff."))
    (tmp_path / "images" / name).rename(tmp_path / "images" / odd)
    artifacts.save_sample_ids(toy_export.PREPARED, "train", [odd, *made.ids[1:]])
    made.pick([0])

    folder = export("copy", "smaller")

    assert [path.name for path in folder.rglob("*.*")] == [Path(odd).name]


def test_images_without_files_are_copied_as_the_prepared_pixels(here):
    made = toy_export.arrays()
    made.pick([2, 0, 2, 5])
    inputs = artifacts.load_inputs(toy_export.PREPARED, "train")

    folder = export("copy", "smaller")

    # Classes are left, right, below in turns.
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*.*")}
    assert sorted(found) == ["below/14.png", "below/35.png", "left/0.png"]
    for name, row in (("below/14.png", 2), ("below/35.png", 5), ("left/0.png", 0)):
        np.testing.assert_array_equal(np.asarray(Image.open(found[name])), inputs[row, ..., 0])


def test_classes_without_a_pick_are_named_and_have_no_folder(here, capsys):
    toy_export.arrays().pick([0])

    folder = export("copy", "smaller")

    assert [path.name for path in folder.iterdir()] == ["left"]
    assert "no folder for 2 classes of which the subset holds nothing, such as 'right'" in (
        capsys.readouterr().err
    )


def test_links_to_nothing_are_refused(here):
    toy_export.arrays().pick([0])

    with pytest.raises(DataError, match="symlinks need image files, and there are none; `copy`"):
        export("symlinks", "smaller")
    assert not Path("smaller").exists()


@pytest.mark.parametrize("name", ["a/b", "..", "", "a\0b"])
def test_a_class_that_is_no_name_of_a_folder_is_refused_in_one_line(here, name):
    made = toy_export.arrays()
    meta = artifacts.load_meta(toy_export.PREPARED)
    artifacts.save_meta(toy_export.PREPARED, meta.__class__(**vars(meta) | {"class_names": [name]}))
    artifacts.save_targets(toy_export.PREPARED, "train", np.zeros(60, dtype=np.int64))
    made.pick([0])

    with pytest.raises(DataError, match="is no name of a folder") as caught:
        export("copy", "smaller")
    assert "\n" not in str(caught.value)
    assert not Path("smaller").exists()


def test_a_copy_that_fails_half_way_leaves_nothing(here):
    made = toy_export.arrays()
    meta = artifacts.load_meta(toy_export.PREPARED)
    names = {"class_names": ["good", "x" * 300, "other"]}
    artifacts.save_meta(toy_export.PREPARED, meta.__class__(**vars(meta) | names))
    made.pick([0, 1])
    before = sorted(Path().iterdir())

    with pytest.raises(DataError, match="File name too long"):
        export("copy", "smaller")
    assert sorted(Path().iterdir()) == before


def test_a_folder_that_was_made_meanwhile_stays_as_it_is(tmp_path):
    output = tmp_path / "mine"

    def write() -> None:
        with new_folder(output) as folder:
            (folder / "a").write_text("new")
            output.mkdir()
            (output / "precious").write_text("old")

    with pytest.raises(DataError, match="was made meanwhile"):
        write()
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "precious"]
