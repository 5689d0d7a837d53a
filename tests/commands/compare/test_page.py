"""The page of a review: it stands alone, is bounded, and shows each kind of samples."""

import base64
import io
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pages import Page
from PIL import Image

from commands.compare import changes_page as module
from commands.compare.changes_page import page
from commands.compare.review import review
from stages.report.pictures.tiles import scaled
from stages.shared import artifacts
from stages.shared.artifacts import BoxList

ROOT = Path(__file__).parents[3]
HOSTILE = "<script>alert(1)</script>\"'&"


def sample_ids(page):
    """Return the names of the samples, each the first of what is said below one."""
    return [found[2] for before, found in pairwise(page.elements) if before[0] == "figcaption"]


def titles(page):
    """Return the titles of the parts."""
    return page.texts("h2")


def attributes(page, tag):
    return [found for found, _ in page.all(tag)]


def change_last_subset(root, keep):
    """Let a run's last round select other samples but for so many; return both, picks and new."""
    path = root / "data/subsets/0.25/seed-0.csv"
    old = artifacts.load_subset(path, 80)
    others = np.setdiff1d(np.arange(80), old.index_P)[: len(old) - keep]
    index_P = np.concatenate([old.index_P[:keep], others])
    artifacts.save_subset(path, replace(old, index_P=index_P))
    return others.tolist(), old.index_P[keep:].tolist()


@pytest.fixture
def shown(first, second, files_of):
    """Return the page of the two runs."""
    return lambda: page([review(files_of("one", first), files_of("two", second))])


def test_the_page_shows_the_images_that_came_and_went_with_their_names(first, second, shown):
    came, went = change_last_subset(second, keep=17)

    tree = Page(shown())

    pictures = [
        attrs["src"].removeprefix("data:image/webp;base64,") for attrs in attributes(tree, "img")
    ]
    inputs_N = np.load(first / "data/prepared/train/inputs.npy")
    assert len(pictures) == 6
    for row, picture in zip([*came, *went], pictures, strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))
        assert pixels.shape == (96, 96, 3)
        difference = pixels.astype(int) - scaled(inputs_N[row], 96)
        assert np.abs(difference).mean() < 10  # what the format loses
    labels = artifacts.load_targets(first / "data/prepared", "train")
    names = ["ant", "bee", "cat"]
    assert [attrs["alt"] for attrs in attributes(tree, "img")] == [
        names[labels[row]] for row in [*came, *went]
    ]
    assert sample_ids(tree) == [str(row) for row in [*came, *went]]


def test_the_page_needs_nothing_else_and_runs_nothing(second, shown):
    change_last_subset(second, keep=10)

    text = shown()
    tree = Page(text)

    assert not {"script", "link", "iframe"} & {name for name, *_ in tree.elements}
    assert "http:" not in text
    assert "https:" not in text
    [policy] = [attrs for attrs in attributes(tree, "meta") if "http-equiv" in attrs]
    assert policy["content"].startswith("default-src 'none'")


def test_names_are_never_read_as_html(first, second, shown):
    for root in (first, second):
        prepared = root / "data/prepared"
        artifacts.save_sample_ids(prepared, "train", [f"{HOSTILE}{row}" for row in range(80)])
        meta = artifacts.load_meta(prepared)
        artifacts.save_meta(
            prepared, replace(meta, class_names=[f"{HOSTILE}{n}" for n in range(3)])
        )
    change_last_subset(second, keep=17)

    text = shown()

    assert "<script>" not in text
    tree = Page(text)
    assert len(sample_ids(tree)) == 6
    assert all(name.startswith(HOSTILE) for name in sample_ids(tree))
    assert attributes(tree, "img")[0]["alt"].startswith(HOSTILE)


def test_no_more_samples_are_shown_than_a_page_bears(second, shown, monkeypatch):
    monkeypatch.setattr(module, "MOST_SHOWN", 5)
    change_last_subset(second, keep=0)

    tree = Page(shown())

    assert len(attributes(tree, "img")) == 10
    told = [text for text in tree.texts("p") if text.startswith("The first 5 in the order of")]
    assert len(told) == 2
    assert "Added: 20" in tree.texts("h3")


def test_a_selection_that_did_not_change_shows_no_samples(shown):
    tree = Page(shown())
    assert attributes(tree, "img") == []
    assert "Added: 0" in tree.texts("h3")


def test_results_and_parameters_stand_before_the_samples(second, shown):
    change_last_subset(second, keep=17)
    tree = Page(shown())
    assert titles(tree)[:3] == ["Test results", "Parameters that differ", "Selected samples"]
    order = [name for name, *_ in tree.elements]
    assert order.index("table") < order.index("img")


def test_the_page_has_the_style_sheet_of_the_report(shown):
    style = (ROOT / "stages/report/templates/style.css").read_text()
    assert style in shown()


def test_scenes_are_shown_with_their_boxes(first, second, shown):
    for root in (first, second):
        make_scenes(root)
    came, _ = change_last_subset(second, keep=19)

    tree = Page(shown())

    picture = attributes(tree, "img")[0]
    assert picture["alt"] == ("0 objects" if came[0] % 2 else "1 object")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture["src"].partition(",")[2]))))
    assert pixels.shape == (256, 256, 3)
    has_colour = (np.ptp(pixels.astype(int), axis=-1) > 50).any()
    assert has_colour == (came[0] % 2 == 0)


def make_scenes(root):
    """Let a run be of scenes whose even rows have an object."""
    path = root / "params.yaml"
    text = path.read_text().replace("image_classification", "object_detection")
    path.write_text(text.replace("metric: accuracy ", "metric: mean_average_precision "))
    offset_N1 = np.concatenate([[0], np.cumsum(np.arange(80) % 2 == 0)]).astype(np.int64)
    boxes = BoxList(
        np.tile(np.array([[1, 1, 5, 6]], dtype=np.float32), (40, 1)), np.arange(40) % 3, offset_N1
    )
    artifacts.save_boxes(root / "data/prepared", "train", boxes)


def test_texts_are_shown_as_sentences(first, second, shown):
    for root in (first, second):
        path = root / "params.yaml"
        path.write_text(path.read_text().replace("image_classification", "text_classification"))
        texts = [f"It is <b>number</b> {row}. {'word ' * 100}".encode() for row in range(80)]
        lengths = np.array([len(text) for text in texts])
        parts = [np.frombuffer(text, dtype=np.uint8) for text in texts]
        artifacts.save_sequences(root / "data/prepared", "train", "text_bytes", lengths, parts)
    came, went = change_last_subset(second, keep=19)

    tree = Page(shown())

    quotes = tree.texts("blockquote")
    assert len(quotes) == 2
    assert [text.partition(".")[0] for text in quotes] == [
        f"It is <b>number</b> {row}" for row in [*came, *went]
    ]
    assert all(len(text) <= 280 and text.endswith("…") for text in quotes)


def test_samples_that_cannot_be_read_are_named_and_all_else_is_shown(first, second, shown):
    change_last_subset(second, keep=10)
    (second / "data/prepared/train/inputs.npy").unlink()

    text = shown()

    assert "two:data/prepared/train/inputs.npy: missing" in text
    assert len(attributes(Page(text), "img")) == 10  # of those that went
    assert "Test results" in text


def test_what_could_not_be_compared_stands_at_the_top(first, shown):
    shutil.rmtree(first / "data/evaluation")
    text = shown()
    assert re.search(r"Not compared.*one:data/evaluation/.*Parameters that", text, re.DOTALL)


def test_wide_tables_are_reached_by_keyboard_and_named(shown):
    regions = [attrs for attrs in attributes(Page(shown()), "div") if "tabindex" in attrs]
    assert {attrs["aria-label"] for attrs in regions} >= {"Test results", "Class shares"}
    assert all(attrs["role"] == "region" for attrs in regions)
