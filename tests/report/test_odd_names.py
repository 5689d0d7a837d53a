"""Names of classes, files and folders are words: nothing reads them as markup, nothing is lost."""

import csv
import warnings
from collections import Counter
from dataclasses import replace
from importlib import import_module
from xml.etree import ElementTree

import in_process
import numpy as np
import pytest
from dvc_render.vega import VegaRenderer
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from pages import Page
from toy import ROOT

from commands.compare.comment import text_table
from commands.compare.markdown import Code
from stages.report.numbers.tables import all_tables, save_tables
from stages.report.page.document import document
from stages.report.page.samples import card
from stages.report.pages import typeset
from stages.report.pictures import (
    charts,
    figures,
    fonts,
    gallery_of_scenes,
    gallery_of_texts,
    tiles,
)
from stages.report.pictures.charts import save_pictures
from stages.report.pictures.svg import chart
from stages.report.pictures.tiles import Tile, tiled
from stages.report.samples.suspected import save_suspects
from stages.shared import artifacts, models
from stages.shared.artifacts import BoxList, Sequences
from stages.shared.datasets.reading import splits
from stages.shared.datasets.reading.sources import Source

# Three classes at a time.
ODD = {
    "formulas": ["$0_$50", "$\\frac{1", "a_{b}^{c}"],
    "markup": ["<b>&amp;</b>", "{{ 7*7 }}{% raw %}${x}", "`a`|*b*_c_"],
    "escapes": ["\\", "%s %(x)s {0}", '\\n\\u0041\'"""\''],
    "hyphens": ["$5-$10", "-1", "covid-19"],
    "values": ["NaN", "None", "true"],
    "missing": ["NA", "null", "-inf"],
    "numbers": ["0", "007", "1e3"],
    "underscores": ["_hidden", "__init__", "_"],
    "spaces": ["a  b", "\u00a0", "a, b; c"],
    "formula cells": ["=1+1", "@SUM(A1)", "+x"],
    "alphabets": ["日本語", "ελληνικά", "кот"],
    "right to left": ["שלום", "مرحبا\u200f", "a\u202eb\u2066c"],
    "emoji": ["😀", "👨\u200d👩\u200d👧", "e\u0301"],
    "long": ["x" * 300, "word " * 59 + "word", "日" * 300],
    "of the table": ["selected", "full", "class"],
    "of pages": ["</script><script>alert(1)</script>", "<!--", "]]>"],
}
ALL = [name for names in ODD.values() for name in names]
KINDS = ["images", "texts", "scenes"]  # of samples


def with_names(results, names, kind="images"):
    """Return a finished run with these classes and files, of a task that shows such samples."""
    sample_ids = [f"{names[target]}/{row}" for row, target in enumerate(results.targets_N)]
    rules = replace(results.params.rules, gallery=kind)
    meta = replace(results.meta, class_names=names)

    class Params:
        def __getattr__(self, name):
            return rules if name == "rules" else getattr(results.params, name)

    found = replace(results, meta=meta, sample_ids=sample_ids, params=Params())
    if kind == "texts":
        stored = [f"{name} text".encode() for name in sample_ids]
        whole = np.frombuffer(b"".join(stored), dtype=np.uint8)
        return replace(found, inputs_N=Sequences(whole, np.cumsum([0, *map(len, stored)])))
    if kind == "scenes":
        corners = np.tile(np.array([[1, 2, 4, 7]], dtype=np.float32), (80, 1))
        rounds = [replace(entry, votes=None) for entry in results.rounds]
        boxes = BoxList(corners, results.targets_N, np.arange(81))
        return replace(found, boxes=boxes, rounds=rounds)
    return found


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_dvc_shows(names):
    """DVC's page escapes nothing."""
    return [name.replace("<", "\u2039") for name in names]


# --- all that the report writes -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_report_of_odd_names_is_whole_and_silent(finished, tmp_path, kind, capfd):
    """Every picture, the page, the tables and the list of suspects, of each kind of samples."""
    names = ["$0_$50", "<b>日本</b> {x} \\ %s 😀", "_$\\frac{1-5 \u202e\u200fאבג " + "x" * 300]
    results = with_names(finished.results(), names, kind)
    tables = all_tables([results])
    save_tables(tmp_path / "tables", tables)
    save_pictures(tmp_path / "images", tables, results)
    save_suspects(tmp_path / "suspects.csv", [results])
    page = Page(document([results], tables))
    drawn = {
        path.relative_to(tmp_path / "images").parts[0] for path in tmp_path.glob("images/**/*")
    }
    assert {"accuracy", "class_shares.png", f"{kind}_by_choice", f"{kind}_by_score"} <= drawn
    rows = read_csv(tmp_path / "tables/class_shares.csv")
    assert [row["class"] for row in rows] == as_dvc_shows(names)
    assert not page.all("b")
    for name in names:
        assert name in page.texts("td")
        assert any(name in text for text in page.texts("figcaption"))
    assert capfd.readouterr() == ("", "")


def test_every_name_stands_in_the_page_as_it_is(finished, monkeypatch):
    in_process.patch_charts(monkeypatch)
    results = with_names(finished.results(), ALL)
    tables = {name: rows for name, rows in all_tables([results]).items() if name != "overlap"}
    page = Page(document([results], tables))
    assert set(ALL) <= set(page.texts("td"))
    assert not page.all("b")
    assert [found.get("id") for found, _ in page.all("script")] == ["samples-data", None, None]


def test_a_card_says_label_and_prediction_as_they_are(finished):
    results = finished.results()
    for names in ODD.values():
        shown = card(with_names(results, names), results.rounds[-1], 0)
        assert shown.told[0] == f"label {names[results.targets_N[0]]}"
        assert shown.told[1].removeprefix("predicted ") in names


@pytest.mark.parametrize("kind", KINDS)
def test_galleries_of_odd_names_are_drawn(finished, kind):
    drawing = import_module(f"stages.report.pictures.gallery_of_{kind}")
    for names in (ODD["formulas"], ODD["alphabets"], ODD["long"]):
        results = with_names(finished.results(), names, kind)
        figure = drawing.gallery({names[0]: np.arange(3)}, names[1], results, results.rounds[0])
        assert figures.written(figure, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("start", range(0, len(ALL), 16))
def test_every_name_stands_in_a_chart_as_words(finished, start):
    names = ALL[start : start + 16]
    rows = [
        {"class": name, "selected": 1.0 + row, "random": None, "full": 2.0}
        for row, name in enumerate(names)
    ]
    drawn = [charts.drawn("class_shares", rows, finished.results()) for _ in range(2)]
    words = [text.text for text in ElementTree.fromstring(chart(drawn[0], "key").svg).iter("text")]
    assert not Counter(tiles.short(name, 24) for name in names) - Counter(words)
    assert figures.written(drawn[1], "png").startswith(b"\x89PNG")


def test_titles_legends_annotations_and_captions_are_words():
    for one, two, three in ODD.values():
        figure, axes = figures.new_figure()
        figures.line_of(axes, [0, 1], [0, 1], one, 0)
        axes.annotate(two, (0, 0))
        axes.set_title(three)
        root = ElementTree.fromstring(chart(figures.finished(figure, one, two), "key").svg)
        words = [text.text for text in root.iter("text")]
        assert {two, three} - set(words) <= {"\u00a0"}  # which is white space to a parser
    picture_HW3 = np.zeros((8, 8, 3), dtype=np.uint8)
    rows = {
        one: [Tile(picture_HW3, two), Tile(picture_HW3, three)] for one, two, three in ODD.values()
    }
    for title in ODD["formulas"]:
        assert figures.written(tiled(rows, title), "png")
        rows = {title: [Tile(picture_HW3, title)]}


def test_tables_give_odd_names_back(tmp_path):
    rows = [{"class": name, "full": number} for number, name in enumerate(ALL)]
    save_tables(tmp_path, {"class_shares": rows})
    read = [row["class"] for row in read_csv(tmp_path / "class_shares.csv")]
    assert read == as_dvc_shows(ALL)
    artifacts.save_table(tmp_path / "ids.csv", ["sample_id"], [[name] for name in ALL])
    assert artifacts.load_column(tmp_path / "ids.csv", "sample_id") == ALL


def test_plots_of_dvc_keep_odd_names_as_words(tmp_path):
    """As DVC fills the template of bars: each name is a value of the field, and no markup."""
    rows = [
        {"class": name, "full": "1.0", "rev": "workspace", "field": "full"}
        for name in as_dvc_shows(ALL)
    ]
    template = str(ROOT / ".dvc/plots/bars.json")
    renderer = VegaRenderer(rows, "class_shares", template=template, x="class", y="full")
    content = renderer.get_filled_template()
    values = content["data"]["values"]
    assert [row["class"] for row in values] == as_dvc_shows(ALL)
    assert content["encoding"]["y"]["field"] == "class"
    assert content["encoding"]["y"]["type"] == "nominal"
    assert "alert(1)" in renderer.generate_html()
    assert "<script>alert" not in renderer.generate_html()


def test_a_class_whose_name_breaks_a_line_is_refused_and_no_other_is():
    rows = np.arange(len(ALL))
    source = Source(ALL, rows, [str(row) for row in rows], None, None)
    everything = dict.fromkeys(artifacts.SPLITS, rows)
    assert splits.problems(source, everything) == []
    for name in ("a\nb", "a\r", "\t", "\x1b[2J", "\x00", "\x85"):
        [problem] = splits.problems(replace(source, class_names=[name, *ALL[1:]]), everything)
        assert problem.startswith(f"class {name!r} holds a control character")


def test_a_file_that_no_command_could_name_is_no_model(tmp_path, monkeypatch):
    (tmp_path / "toys").mkdir()
    for name in ("mine", "mine-2", "modèle", "_part", "$x", "two words", "-x", "a.b", "'"):
        (tmp_path / f"toys/{name}.py").touch()
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    assert models.names() == ["mine", "mine-2", "modèle"]


def test_a_comment_holds_nothing_that_steers_a_terminal_or_is_no_utf_8():
    table = text_table([{"sample": Code("a\x1b[2J\udcffb"), "before": 1.0}])
    assert "`a\ufffd[2J\ufffdb`" in table
    assert table.encode()


# --- numbers and names ----------------------------------------------------------------------------


def test_a_minus_stands_before_numbers_and_in_no_name():
    assert typeset("-1 to (-2.5) at [-3, -4]") == "\u22121 to (\u22122.5) at [\u22123, \u22124]"
    assert typeset("covid-19 selected-0.25 $5-10 2020-01-05") == (
        "covid-19 selected-0.25 $5-10 2020-01-05"
    )


def test_ticks_that_are_made_as_a_picture_is_drawn_are_no_formulas():
    from matplotlib.ticker import FixedLocator, FuncFormatter

    figure, axes = figures.new_figure()
    axes.plot([0, 5], [0, 5])
    axes.xaxis.set_major_locator(FixedLocator(range(40)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: "$\\frac{1$"))
    axes.set_xlim(0, 39)
    assert figures.written(figure, "png").startswith(b"\x89PNG")


# --- fonts ----------------------------------------------------------------------------------------


@pytest.fixture
def toy_font(tmp_path):
    """A font that has 日 and 本 and nothing else, installed while the test runs."""
    from matplotlib.font_manager import fontManager

    pen = TTGlyphPen(None)
    for place, point in enumerate([(0, 0), (0, 800), (800, 800), (800, 0)]):
        (pen.lineTo if place else pen.moveTo)(point)
    pen.closePath()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap(dict.fromkeys(map(ord, "日本"), "square"))
    builder.setupGlyf({name: pen.glyph() for name in (".notdef", "square")})
    builder.setupHorizontalMetrics(dict.fromkeys((".notdef", "square"), (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Toy Square", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "toy.ttf")
    before = list(fontManager.ttflist)
    fontManager.addfont(tmp_path / "toy.ttf")
    forget()
    yield "Toy Square"
    fontManager.ttflist[:] = before
    forget()


def forget():
    from matplotlib.font_manager import fontManager

    for cached in (fonts._families, fonts._installed, fonts._letters):
        cached.cache_clear()
    fontManager._findfont_cached.cache_clear() if hasattr(fontManager, "_findfont_cached") else None


def png_of(name):
    figure, axes = figures.new_figure()
    axes.set_title(name)
    return figures.written(figure, "png")


def test_a_font_that_has_the_letters_draws_them(toy_font):
    assert fonts.families("ab 日本 é") == [toy_font]
    assert fonts.has_picture("日")
    assert gallery_of_texts.drawable("日 語") == f"日 {gallery_of_texts.MISSING}"
    # Both letters are the same square there; placeholders tell them apart or not, as they like.
    assert png_of("日日") == png_of("日本")


def test_without_such_a_font_there_are_placeholders_and_no_warning():
    forget()
    lacking = "\U000e0fff"  # a letter that nobody has
    assert fonts.families(f"a{lacking}") == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert png_of(lacking).startswith(b"\x89PNG")


def test_what_is_not_seen_asks_for_no_font():
    assert fonts.families("a\u200d\u200f\u202e\u00a0\ufe0f\n") == []


def test_boxes_in_pictures_have_a_font_with_the_letters_of_their_names(toy_font):
    image = np.zeros((64, 64, 1), dtype=np.uint8)
    box_A4 = np.array([[2, 2, 60, 60]], dtype=np.float32)
    assert fonts.path_for("plain") is None
    assert fonts.path_for("日本").endswith("toy.ttf")
    same = [
        gallery_of_scenes.boxed(image, box_A4, np.array([0]), [name]) for name in ("日日", "本本")
    ]
    assert np.array_equal(*same)


def test_a_damaged_font_is_left_out(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert fonts._letters(str(tmp_path / "broken.ttf")) == frozenset()
