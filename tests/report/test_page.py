"""The page: one file, whole and well-formed, whose words are the data's and no markup."""

import base64
import io
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import in_process
import numpy as np
import pytest
from jinja2 import UndefinedError
from pages import Page
from PIL import Image

from stages.report.numbers.conclusions import conclusions
from stages.report.numbers.learning_warnings import Guessing
from stages.report.numbers.tables import all_tables
from stages.report.page.document import document
from stages.report.pages import render
from stages.report.pictures.tiles import scaled
from stages.shared import artifacts
from stages.shared.artifacts import BoxList, Sequences

CLASSES = ["ant", "bee", "cat"]
LOADS = ("src", "href", "action", "poster", "data", "srcset", "xlink:href")


def page_of(draws, tables=None):
    """Return the page without the drawings of its charts: tests/report/test_charts.py has them."""
    with pytest.MonkeyPatch.context() as patch:
        in_process.patch_drawing(patch)
        return document(draws, tables or all_tables(draws))


@pytest.fixture(scope="module")
def page(reported):
    return Page(reported["plots/report.html"].decode())


# --- structure -----------------------------------------------------------------------------------


def test_the_page_has_a_language_a_title_and_fits_a_phone(page):
    assert page.all("html", lang="en")
    assert page.texts("title") == ["Training subset of toy"]
    assert page.all("meta", name="viewport", content="width=device-width, initial-scale=1")


def test_nothing_is_loaded_from_elsewhere(page, reported):
    for name, attributes, _ in page.elements:
        for key in LOADS:
            value = attributes.get(key)
            assert value is None or value.startswith(("data:image/webp;base64,", "#")), name
    content = reported["plots/report.html"].decode()
    assert not re.search(r"(?i)https?:|[ :]url\((?!#)|@import|\bfetch\(|XMLHttp", content)


def test_every_sentence_has_one_full_stop(page):
    for name in ("p", "li", "td"):
        assert not [text for text in page.texts(name) if re.search(r"\w\.\.(?!\.)", text)]


def test_ids_are_unique_and_links_lead_to_them(page):
    ids = Counter(found["id"] for _, found, _ in page.elements if "id" in found)
    assert set(ids.values()) == {1}
    links = [found["href"][1:] for found, _ in page.all("a")]
    assert links[0] == "main"  # the skip link is the first
    assert set(links) <= set(ids)
    named = [found["aria-labelledby"] for found, _ in page.all("section")]
    first = ("verdict", "size", "trust", "problems", "labels", "samples")
    folded = ("compared", "training", "classes", "rounds", "examples", "method")
    assert named == [f"{part}-title" for part in (*first, *folded)]
    assert set(named) <= set(ids)


def test_headings_descend_one_level_at_a_time(page):
    levels = [int(name[1]) for name, *_ in page.elements if re.fullmatch("h[1-6]", name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_every_picture_and_chart_and_region_has_a_name(page):
    pictures = page.all("img")
    assert len(pictures) >= 16
    assert all(found["alt"].startswith("Sample ") for found, _ in pictures)
    drawn = [found for found, _ in page.all("svg")]
    assert all(found.get("aria-hidden") == "true" or found.get("aria-label") for found in drawn)
    regions = page.all("div", role="region")
    assert regions
    assert all(found["aria-label"] and found["tabindex"] == "0" for found, _ in regions)
    sections = page.texts("h2")
    names = [*sections, *(found["aria-label"] for found, _ in regions)]
    assert len(set(names)) == len(names)  # so that a list of them tells them apart


def test_every_control_has_a_label(page):
    named = [found for found, _ in page.all("input") if found.get("type") != "hidden"]
    assert named
    labels = page.texts("label")
    assert all(found.get("aria-label") or found["name"] in {"words"} for found in named)
    assert {"Show", "Class", "Round", "Order", "Name"} <= {text.split()[0] for text in labels}


def test_the_pictures_are_those_of_the_samples(page, finished):
    results = finished.results()
    for found, _ in page.all("img"):
        index = int(re.match(r"Sample (\d+):", found["alt"])[1])
        content = base64.b64decode(found["src"].partition(",")[2])
        with Image.open(io.BytesIO(content)) as image:
            assert image.format == "WEBP"
            assert image.size == (int(found["width"]), int(found["height"]))
            drawn = np.asarray(image).astype(float)
        # What the format loses is small beside what samples differ by.
        difference = drawn - scaled(results.inputs_N[index], drawn.shape[1])
        assert np.abs(difference).mean() < 10


def test_the_table_has_every_compared_subset_and_sorts_by_buttons(page):
    heads = page.all("th", aria_sort="none")
    buttons = page.texts("button", type="button")
    buttons = buttons[buttons.index("Subset") :]
    assert len(heads) == len(buttons)
    assert buttons[:4] == ["Subset", "Test", "vs random", "vs everything"]
    cells = page.texts("td")
    assert {"selected", "random", "everything"} <= set(cells)


def test_a_page_has_a_bounded_size(reported):
    assert len(reported["plots/report.html"]) < 1_000_000


def test_the_verdict_is_that_of_the_file(page, reported):
    told = reported["metrics/verdict.txt"].decode()
    [words] = page.texts("p", class_="verdict")
    plain = words.replace("\u2212", "-").replace("\u00a0", " ")
    assert plain in " ".join(told.split())
    [step] = page.texts("div", class_="next")
    command, _, why = told.partition("Next: ")[2].partition("\n")[0].partition("  # ")
    assert step.split() == f"Do this next {command} {why}".split()


def test_the_card_of_models_that_have_learnt_nothing_says_so_first(finished, monkeypatch):
    guessing = {"full": Guessing(0.134, -0.02), "selected": Guessing(0.17, 0.02)}
    [found] = conclusions([finished.results()])
    told = [replace(found, guessing=guessing)]
    monkeypatch.setattr("stages.report.page.document.conclusions", lambda results: told)
    page = Page(page_of([finished.results()]))
    kinds = [attributes.get("class") for attributes, _ in page.all("p")]
    assert kinds.index("warning") == kinds.index("verdict") + 1
    words = page.texts("p", class_="warning")
    assert words == [
        "Trained on everything and the subset it does little more than guess: +0.13 (at least "
        "\u22120.02) and +0.17 (at least +0.02) points above chance, where at least 0.5 would "
        "count; it has to learn more before the rest says anything."
    ]


def test_the_card_of_trainings_that_are_too_short_says_so_first(finished, monkeypatch):
    [found] = conclusions([finished.results()])
    told = [replace(found, rising={"full": 4.05})]
    monkeypatch.setattr("stages.report.page.document.conclusions", lambda results: told)
    page = Page(page_of([finished.results()]))
    assert page.texts("p", class_="warning") == [
        "Not converged: trained on everything its accuracy on validation still rose by 4.05 points "
        "at the end, so that longer trainings may say otherwise."
    ]


# --- words of the data ---------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>\"' onerror=x &amp;\x00\udcff.png"
SHOWN = "<script>alert(1)</script>\"' onerror=x &amp;\ufffd\ufffd.png"


def test_names_of_files_and_classes_are_words_and_no_markup(finished):
    results = finished.results()
    names = ["<b>ant</b>", "bee & co", '"><img src=x>']
    results = replace(
        results,
        sample_ids=[f"{row}{EVIL}" for row in range(80)],
        meta=replace(results.meta, class_names=names, dataset="<i>"),
    )
    page = Page(page_of([results]))
    assert len(page.all("script")) == 3
    assert not page.all("b")
    assert not page.all("i")
    assert all(found["src"].startswith("data:") for found, _ in page.all("img"))
    assert page.texts("title") == ["Training subset of <i>"]
    shown = page.texts("span", class_="name")
    assert shown
    assert all(name.endswith(SHOWN) for name in shown)
    assert "label bee & co" in page.texts("span")


def test_what_a_template_lacks_is_an_error(tmp_path):
    (tmp_path / "page.html").write_text("{{ one }}{{ other }}")
    assert render("page.html", tmp_path, one="<", other=1) == "&lt;1"
    with pytest.raises(UndefinedError, match="'other' is undefined"):
        render("page.html", tmp_path, one="<")


def test_a_correlation_stands_at_both_places_of_its_pair_and_may_be_missing(finished):
    results = finished.results()
    tables = all_tables([results])
    found = zip(("a", "a", "b"), ("b", "c", "c"), (-0.456, None, None), strict=True)
    rows = [dict(zip(("first", "second", "spearman"), pair, strict=True)) for pair in found]
    page = page_of([results], {"rounds": tables["rounds"], "correlations/0.0625": rows})
    first = page[page.index('<table class="matrix"') :].partition("</table>")[0]
    shown = re.findall(r"<td class=\"([^\"]*)\">([^<]*)", first)
    same, lower, none = ("positive s10", "1.00"), ("negative s4", "\u22120.46"), ("none", "\u2013")
    assert shown == [same, lower, none, lower, same, none, none, none, same]


def with_rules(results, rules):
    """Return the parameters of a run as if its task had other rules."""

    class Params:
        def __getattr__(self, name):
            return rules if name == "rules" else getattr(results.params, name)

    return Params()


def test_texts_stand_in_the_page_as_sentences(finished):
    results = finished.results()
    stored = [f"<em>text</em> {row} ".encode() + b"word " * (100 * (row % 2)) for row in range(80)]
    inputs = Sequences(
        np.frombuffer(b"".join(stored), dtype=np.uint8), np.cumsum([0, *map(len, stored)])
    )
    params = with_rules(results, replace(results.params.rules, gallery="texts"))
    page = Page(page_of([replace(results, inputs_N=inputs, params=params)]))
    quotes = page.texts("blockquote")
    assert not page.all("img")
    assert not page.all("em")
    assert len(quotes) >= 16
    assert all(quote.startswith("<em>text</em> ") and len(quote) <= 2000 for quote in quotes)
    assert any(quote.endswith("…") for quote in quotes)


def test_scenes_show_their_boxes_and_count_their_objects(finished):
    """Each image of 8x8 holds two boxes of its class, and there are no votes."""
    corners = np.tile(np.array([[1, 2, 4, 7], [5, 1, 8, 4]], dtype=np.float32), (80, 1))
    boxes = BoxList(corners, np.repeat(np.arange(80) % 3, 2), np.arange(0, 161, 2))
    results = finished.results()
    rounds = [replace(entry, votes=None) for entry in results.rounds]
    rules = replace(results.params.rules, gallery="scenes")
    results = replace(results, boxes=boxes, rounds=rounds, params=with_rules(results, rules))
    page = Page(page_of([results]))
    assert not page.all("section", id="labels")
    for found, _ in page.all("img"):
        index = int(re.match(r"Sample (\d+):", found["alt"])[1])
        assert f": 2 {CLASSES[index % 3]}, score " in found["alt"]
        content = base64.b64decode(found["src"].partition(",")[2])
        with Image.open(io.BytesIO(content)) as image:
            drawn = np.asarray(image).astype(int)
        assert (np.ptp(drawn, axis=-1) > 0).any()  # colours of boxes on a grey image


# --- galleries -----------------------------------------------------------------------------------


def test_below_each_dropped_sample_stands_its_nearest_kept_one(run):
    run.set(predict_pool__signals=["features"])
    features_ND = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    for source in ("0.0625", "0.125"):
        artifacts.save_array(
            run.folders.signals / source / "seed-0" / "features_ND.npy", features_ND
        )
    results = run.results()
    page = Page(page_of([results]))
    kept = set(results.last_subset.index_P.tolist())
    names = page.texts("div", class_="neighbour")
    assert len(names) == 8
    assert all(int(re.search(r"(\d+)\s+label", name)[1]) in kept for name in names)


def test_samples_that_were_drawn_twice_say_so(run):
    index = np.array([7, 7, 7, 3, 3, *range(10, 25)])
    subset = artifacts.Subset(index, np.repeat([0, 2], [5, 15]), np.full(20, np.nan))
    artifacts.save_subset(run.folders.subsets / "0.25/seed-0.csv", subset)
    page = Page(page_of([run.results()]))
    assert "Drawn most often" in page.texts("h3")
    told = [text for text in page.texts("span") if text.startswith("drawn ")]
    assert told == ["drawn 3 times", "drawn 2 times"]


def test_a_run_without_everything_and_with_selected_alone_has_a_page_too(run):
    run.set(compare__subsets=["selected"])
    page = Page(page_of([run.results()]))
    assert "resnet8: the subset of 20 samples (25\u00a0%) was compared with nothing." in page.texts(
        "p"
    )


def test_a_run_that_compared_other_subsets_says_so(run):
    run.set(compare__subsets=["random", "full"])
    page = Page(page_of([run.results()]))
    assert "The selected subset was not compared." in page.texts("p")
