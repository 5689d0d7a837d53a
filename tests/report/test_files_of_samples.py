"""Pictures of the user's own files: the whole frame, and what the models see of it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stages.report.run.files_of_samples import FRAME, large, linked_folder


@pytest.fixture
def of_files(run):
    """The finished run as one of files below data/raw, 300 x 200 pixels, grey."""
    run.set(dataset__image_size=32)
    folder = run.root / "data/raw/ant"
    folder.mkdir(parents=True)
    Image.new("RGB", (300, 200), "grey").save(folder / "one.png")
    results = run.results()
    return replace(results, sample_ids=["ant/one.png", *results.sample_ids[1:]])


def test_a_large_picture_shows_all_of_the_file_with_the_crop_outlined(of_files):
    found = large(of_files, 0)
    assert found.picture_HW3.shape == (171, 256, 3)
    assert found.is_cropped
    framed = (found.picture_HW3 == FRAME).all(axis=-1)
    rows, columns = np.nonzero(framed)
    assert (rows.min(), rows.max()) == (0, 170)
    assert (columns.min(), columns.max()) == (42, 42 + 170)
    assert not framed[2:-2, 44 : 42 + 169].any()  # an outline, nothing inside


def test_a_picture_whose_files_keep_their_size_has_no_frame(of_files, run):
    run.set(dataset__image_size=None)
    whole = replace(of_files, params=run.results().params)
    found = large(whole, 0)
    assert not found.is_cropped
    assert (found.picture_HW3 == 128).all()


@pytest.mark.parametrize("name", ["ant/none.png", "0", "ant", "a\x00b", "../../etc/hostname"])
def test_what_is_no_image_file_has_no_large_picture(of_files, name):
    assert large(replace(of_files, sample_ids=[name]), 0) is None


def test_links_are_relative_where_the_data_lie_in_the_project(of_files):
    assert linked_folder(of_files) == "../data/raw/"


def test_links_are_whole_where_they_lie_elsewhere(of_files, run, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("photos # é")
    (elsewhere / "ant").mkdir()
    Image.new("RGB", (9, 9)).save(elsewhere / "ant/one.png")
    run.set(dataset__root=str(elsewhere))
    found = linked_folder(replace(of_files, params=run.results().params))
    assert found == f"{elsewhere.as_uri()}/"


def test_samples_that_are_no_files_are_not_linked(finished):
    assert linked_folder(finished.results()) is None
