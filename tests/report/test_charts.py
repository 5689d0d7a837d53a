"""Charts: what they show, and that a page can hold them beside each other, dark and light."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from stages.report.numbers.conclusions import Against, conclusions
from stages.report.numbers.tables import all_tables
from stages.report.pages import TEMPLATES
from stages.report.pictures import charts, figures
from stages.report.pictures.figures import COLOURS, in_words
from stages.report.pictures.svg import chart
from stages.report.run.results import KINDS

ROOT = Path(__file__).parents[2]
# Each would be a formula, an element, a field or an escape, if anything read it as such.
ODD = ["$0_$50", "<b>", "{x}", "\\", "$^$", 'style="fill: #000000"', "日本"]


def line_figure(labels=("one",), values=(1.0, 2.0)):
    figure, axes = figures.new_figure()
    for place, label in enumerate(labels):
        figures.line_of(axes, range(len(values)), values, label, place)
    return figures.finished(figure, "A title", "A note.")


def svg_of(figure, key="key"):
    return ElementTree.fromstring(chart(figure, key).svg)


def words(root):
    return [element.text for element in root.iter("text")]


def shares_of(finished, names):
    rows = [
        {"class": name, "selected": 1.0 + row, "random": None, "full": 2.0}
        for row, name in enumerate(names)
    ]
    return charts.drawn("class_shares", rows, finished.results())


# --- one drawing ---------------------------------------------------------------------------------


def test_page_and_pictures_have_the_same_drawings(finished, reported, tmp_path):
    results = finished.results()
    tables = all_tables([results])
    page = reported["plots/report.html"].decode()
    for name in ("accuracy/resnet8", "validation_by_images/resnet8", "class_shares"):
        first, second = (charts.drawn(name, tables[name], results) for _ in range(2))
        assert chart(first, name.replace("/", "-")).svg in page
        figures.save(tmp_path / "chart.png", second)
        assert (tmp_path / "chart.png").read_bytes() == reported[f"plots/images/{name}.png"]


def test_equal_figures_have_equal_bytes_and_a_chart_is_small(finished):
    entry = finished.results().rounds[0]
    first, second = (
        chart(charts.scores(finished.results(), entry), "scores").svg for _ in range(2)
    )
    assert first == second
    assert len(first) < 30_000


# --- within a page -------------------------------------------------------------------------------


def test_names_are_words_in_every_form_of_a_chart(finished):
    assert [text for text in words(svg_of(shares_of(finished, ODD))) if text in ODD] == ODD
    assert figures.written(shares_of(finished, ODD), "png").startswith(b"\x89PNG")
    in_legend = svg_of(line_figure(ODD))
    assert words(in_legend)[-len(ODD) :] == ODD
    assert in_legend.get("aria-label").count("<b>: 1 at 0 to 2 at 1") == 1


def test_what_no_document_may_hold_is_replaced(finished):
    assert "a\ufffdb\ufffd" in words(svg_of(shares_of(finished, ["a\x00b\udcff", "c"])))


def test_two_charts_share_no_id_and_refer_to_their_own():
    roots = [svg_of(line_figure(), key) for key in ("one", "other")]
    ids = [element.get("id") for root in roots for element in root.iter() if element.get("id")]
    assert ids
    assert len(ids) == len(set(ids))
    for root, key in zip(roots, ("one", "other"), strict=True):
        found = re.findall(r"(?:url\(|href=\")#([^\")]+)", ElementTree.tostring(root).decode())
        assert found
        assert set(found) <= {name for name in ids if name.startswith(f"{key}-")}


def test_a_chart_takes_the_colours_and_the_font_of_the_page():
    content = chart(line_figure([f"line {place}" for place in range(7)]), "key").svg
    assert not re.search("#[0-9a-f]{6}", content)
    assert "font-family" not in content
    style = (TEMPLATES / "style.css").read_text()
    light, dark = (part.partition("}")[0] for part in style.split(":root {")[1:3])
    for name in set(re.findall(r"var\((--\w+)\)", content)) | {"--c7"}:
        assert f"{name}: " in light
        assert f"{name}: " in dark


def test_a_chart_says_where_its_lines_begin_and_end_and_the_page_its_title():
    shown = chart(line_figure(("one", "two"), (1.0, 5.0, 2.5)), "key")
    assert (shown.title, shown.note) == ("A title", "A note.")
    root = ElementTree.fromstring(shown.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "A title. one: 1 at 0 to 2.5 at 2; two: 1 at 0 to 2.5 at 2"
    assert "A title" not in words(root)


def test_what_is_drawn_in_a_page_lies_where_it_lies_in_the_picture():
    """The picture's height is 3.4 inches of 72; y counts from the top."""
    figure = line_figure(values=(1.0, 3.0, 2.0))
    root = svg_of(figure)
    axes = figure.axes[0]
    expected = axes.transData.transform(axes.lines[0].get_xydata()) * 72 / figure.dpi
    drawn = next(path for path in root.iter("path") if "var(--c0)" in path.get("style")).get("d")
    found = np.array(re.findall(r"[ML] (\S+) (\S+)", drawn), dtype=float)
    expected[:, 1] = 244.8 - expected[:, 1]
    np.testing.assert_allclose(found, expected, atol=0.006)


# --- what charts show ----------------------------------------------------------------------------


def test_large_numbers_share_one_unit():
    figure = line_figure(values=range(18_001))
    figures.whole_numbers(figure.axes[0])
    figure.axes[0].set_xlim(0, 18_000)
    assert words(svg_of(figure))[:4] == ["0", "5 k", "10 k", "15 k"]


def test_labels_of_a_log_axis_are_numbers_and_no_formulas():
    figure = line_figure(values=(1.0, 10.0, 1000.0))
    figure.axes[0].set_yscale("log")
    found = words(svg_of(figure))
    assert {"1", "10", "100", "1000"} <= set(found)
    assert not any("$" in word for word in found)


def test_accuracy_stands_at_its_size_with_its_error_and_full_is_a_level(finished):
    rows = [
        {
            "fraction": fraction,
            **dict(zip(KINDS, (value, None, 90.0), strict=True)),
            "selected_plus_minus": error,
            "random_plus_minus": None,
            "full_plus_minus": 2.0,
            "draws": 3,
        }
        for fraction, value, error in ((0.1, None, None), (0.2, 80.0, 1.0), (0.4, 85.0, 3.0))
    ]
    axes = charts.drawn("accuracy/resnet8", rows, finished.results()).axes[0]
    [(line, _, [bars])] = axes.containers
    assert line.get_xydata().tolist() == [[20, 80], [40, 85]]
    assert [bar[:, 1].tolist() for bar in bars.get_segments()] == [[79, 81], [82, 88]]
    level = next(line for line in axes.lines if line.get_label() == "everything")
    assert set(level.get_ydata()) == {90}
    low, high = axes.get_ylim()
    assert low < 79
    assert high > 92
    low, high = axes.get_xlim()
    assert low < 0
    assert high > 40


def test_everything_trained_as_briefly_is_drawn_at_the_size_that_it_matches(run, add_compared):
    run.set(train_subset_model__length={"epochs": 8})
    add_compared("full-matched", 80)
    draws = run.draws()
    rows = all_tables(draws)["accuracy/resnet8"]
    axes = charts.drawn("accuracy/resnet8", rows, draws[0]).axes[0]
    [(line, _, _)] = [one for one in axes.containers if one.get_label() == "everything, as briefly"]
    assert line.get_xdata().tolist() == [25]
    figure = charts.intervals(conclusions(draws)[0])
    assert "vs everything, as briefly" in {
        text.get_text() for text in figure.axes[0].get_yticklabels()
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("full", "everything"),
        ("full-matched", "everything, as briefly"),
        ("full-matched-0.25", "everything, as briefly-0.25"),
        ("selected-0.25", "selected-0.25"),
        ("members_pairs", "members, pairs"),
        ("fuller", "fuller"),
    ],
)
def test_charts_and_tables_call_everything_so(name, words):
    assert in_words(name) == words


def test_page_pictures_and_plots_of_dvc_have_the_same_colours():
    """The page's light scheme; where it is dark they are lighter."""
    style = (ROOT / "stages/report/templates/style.css").read_text().partition("@media")[0]
    of_page = dict(re.findall(r"--c(\d): (#\w{6});", style))
    assert [of_page[str(place)] for place in range(7)] == list(COLOURS)
    for path in (ROOT / ".dvc/plots").glob("*.json"):
        found = re.findall("#[0-9a-f]{6}", path.read_text())
        assert found == list(COLOURS[: len(found)]), path
        assert len(found) >= 3


def test_everything_is_a_line_without_points_in_dvcs_plot_by_size():
    plot = json.loads((ROOT / ".dvc/plots/by_size.json").read_text())
    _, points = plot["spec"]["layer"]
    assert points["transform"] == [{"filter": "datum.field !== 'full'"}]


def test_lines_of_many_points_have_no_marks():
    few, many = (line_figure(values=range(count)).axes[0].lines[0] for count in (25, 26))
    assert few.get_marker() == "o"
    assert many.get_marker() == ""


def test_the_histogram_has_every_candidate_and_the_cut_at_the_lowest_taken(finished):
    results = finished.results()
    entry = replace(results.rounds[1], score_N=np.arange(80.0))
    axes = charts.scores(results, entry).axes[0]
    taken, left = (sum(bar.get_height() for bar in container) for container in axes.containers)
    subset = results.subsets["0.25"]
    picked = subset.index_P[subset.round_P == 2]
    assert (taken, left) == (10, 60)
    assert axes.lines[0].get_xdata()[0] == picked.min()


@pytest.mark.parametrize(("reach", "bars"), [(0.5, 1), (np.inf, 0)])
def test_an_interval_that_is_not_known_is_a_point_alone(finished, reach, bars):
    [found] = conclusions([finished.results()])
    found = replace(found, against={"full": Against("cannot tell", 1.0, reach)})
    figure = charts.intervals(found)
    [(_, _, drawn)] = figure.axes[0].containers
    assert len(drawn) == bars
    told = "± 0.50" if bars else "without an interval"
    assert chart(figure, "key").title == f"selected vs everything: +1.00 {told}"
