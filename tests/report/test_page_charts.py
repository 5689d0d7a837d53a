"""Charts of the page: where things are drawn, and what axes say."""

import re

import pytest

from stages.report.page import charts
from stages.report.page.bars import Difference, intervals
from stages.report.page.tables_of_page import matrix


@pytest.mark.parametrize(
    ("low", "high", "least", "expected"),
    [
        (0, 10, 0, [0, 2, 4, 6, 8, 10]),
        (97.7, 99.4, 0, [98, 98.5, 99]),
        (-1.7, 1.9, 0, [-1, 0, 1]),
        (2, 4, 1, [2, 3, 4]),
        (0.0001, 0.00045, 0, [0.0001, 0.0002, 0.0003, 0.0004]),
    ],
)
def test_ticks_are_round_and_within_the_axis(low, high, least, expected):
    assert charts.ticks(charts.Axis(low, high, 0, 1, least)) == pytest.approx(expected)


def test_large_numbers_share_one_unit():
    axis = charts.Axis(0, 18_000, 0, 18)
    assert charts.ticked(axis) == [(0, "0"), (5, "5 k"), (10, "10 k"), (15, "15 k")]


def test_a_point_is_drawn_where_it_lies_and_its_bar_reaches_as_far_as_its_error():
    series = [charts.Series("one", 0, [(0, 10), (10, 20)], [1, 2])]
    drawn = charts.line_chart("t", "", series, "x", "y")
    [whisker, other] = re.findall(r'd="M([\d.]+) ([\d.]+)V([\d.]+)', drawn)
    x_axis = charts.spread([0, 10], charts.LEFT, charts.WIDTH - charts.RIGHT, margin=0.04)
    y_axis = charts.spread([9, 22], charts.HEIGHT - charts.BOTTOM, charts.TOP, margin=0.08)
    for bar, (x, low, high) in ((whisker, (0, 9, 11)), (other, (10, 18, 22))):
        expected = [x_axis.at(x), y_axis.at(low), y_axis.at(high)]
        assert [float(place) for place in bar] == pytest.approx(expected, abs=0.06)


def test_a_chart_of_nothing_is_none():
    assert charts.line_chart("t", "", [charts.Series("one", 0, [])], "x", "y") is None


def test_an_interval_that_is_not_known_is_a_point_alone():
    known = intervals([Difference("full", 2, 1.0, 0.5)], 0.5, "points")
    unknown = intervals([Difference("full", 2, 1.0, float("inf"))], 0.5, "points")
    assert "line c2" in known
    assert "line c2" not in unknown
    assert 'aria-label="selected minus full: +1.00 without an interval"' in unknown


def test_a_correlation_stands_at_both_places_of_its_pair_and_may_be_missing():
    drawn = matrix("m", ["a", "b", "c"], {("a", "b"): -0.456, ("b", "c"): None})
    values = [
        "1.00",
        "\u22120.46",
        "\u2013",
        "\u22120.46",
        "1.00",
        "\u2013",
        "\u2013",
        "\u2013",
        "1.00",
    ]
    assert re.findall(r"<td class[^>]*>([^<]*)", drawn) == values
