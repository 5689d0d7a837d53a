"""Tests for stages/report/pictures/gallery_of_texts.py: galleries that show sentences."""

import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from stages.report.pictures import galleries, gallery_of_texts, tiles
from stages.report.pictures.figures import save
from stages.shared.artifacts import Sequences

SENTENCES = [
    "a short one",
    "costs $5, or $\\frac{1 and $ ^_{",
    "日本 😀 naïve\n\ttabs",
    "word " * 200,
    "\x00\x1b[31m \u202eabc\u200b\ufeff \U000e0001 <script>",
]


@pytest.fixture
def results(finished):
    """A finished run whose samples are sentences, and whose classes have odd names."""
    stored = [SENTENCES[number % 5].encode() for number in range(80)]
    inputs = Sequences(
        np.frombuffer(b"".join(stored), dtype=np.uint8), np.cumsum([0, *map(len, stored)])
    )
    found = finished.results()
    meta = replace(found.meta, class_names=["$^$", "{_}", "a very long name indeed"])
    return replace(found, inputs_N=inputs, meta=meta)


def written(figure):
    return [text.get_text() for text in figure.texts]


def test_a_gallery_shows_each_text_with_its_score_label_and_prediction(results, tmp_path):
    entry = results.rounds[0]
    rows = galleries.by_score(results, entry)
    figure = gallery_of_texts.gallery(rows, "title", results, entry)
    found = written(figure)
    names = [tiles.short(name) for name in results.meta.class_names]
    expected = ["title\nscore, label, prediction, text"]
    for name, index_P in rows.items():
        expected.append(name)
        for index in index_P.tolist():
            label, predicted = results.targets_N[index], entry.votes.predicted_class_N[index]
            expected += [f"{entry.score_N[index]:.3g}", names[label], names[predicted]]
            expected.append(gallery_of_texts.shown(SENTENCES[index % 5].encode()))
    assert found == expected
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(tmp_path / "gallery.png", figure)
        save(tmp_path / "again.png", gallery_of_texts.gallery(rows, "title", results, entry))
    assert (tmp_path / "gallery.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_texts_are_placed_below_each_other_within_the_picture(results, tmp_path):
    entry = results.rounds[0]
    figure = gallery_of_texts.gallery(galleries.by_score(results, entry), "title", results, entry)
    save(tmp_path / "gallery.png", figure)
    cells = [text for text in figure.texts if text.get_va() == "top"][1:]
    boxes = [text.get_window_extent() for text in cells]
    width, height = figure.bbox.size
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)
    assert all(box.y0 >= 0 and box.y1 <= height for box in boxes)
    for column in range(4):
        assert all(below.y1 <= above.y0 for above, below in pairwise(boxes[column::4]))


def test_a_long_text_is_wrapped_and_cut():
    lines = gallery_of_texts.shown(SENTENCES[3].encode()).split("\n")
    assert len(lines) == gallery_of_texts.LINES
    assert all(len(line) <= gallery_of_texts.LETTERS for line in lines)
    assert lines[-1].endswith(" …")
    assert gallery_of_texts.shown(b"x" * 1000).count("\n") == gallery_of_texts.LINES - 1


def test_white_space_becomes_spaces_and_what_the_font_lacks_a_box():
    assert (
        gallery_of_texts.shown("a\n\tb  naïve 日".encode())
        == f"a b naïve {gallery_of_texts.MISSING}"
    )
