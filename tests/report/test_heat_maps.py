"""Matrices and gradient histories, as they are drawn."""

from itertools import combinations

import numpy as np

from stages.report.pictures import charts, heat_map_pictures


def pairs(labels, value):
    return [
        {"first": first, "second": second, "spearman": value, "pearson": 0.0}
        for first, second in combinations(labels, 2)
    ]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_each_correlation_stands_in_two_cells_and_1_on_the_diagonal():
    rows = pairs("abc", None)
    rows[0]["spearman"], rows[2]["spearman"] = 0.5, -0.001  # a b, and b c; a c has none
    figure = charts.drawn("correlations/0.5", rows, None)
    matrix_FF = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    expected = [[1, 0.5, np.nan], [0.5, 1, -0.001], [np.nan, -0.001, 1]]
    np.testing.assert_array_equal(matrix_FF, expected)
    assert texts(figure) == ["1.00", "0.50", "0.50", "1.00", "0.00", "0.00", "1.00"]
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["a", "b", "c"]


def test_more_than_twelve_voters_have_a_scale_instead_of_numbers():
    def voters(count):
        header = ("first_member", "first_epoch", "second_member", "second_epoch")
        return [
            {**dict(zip(header, (first, 8, second, 8), strict=True)), "spearman": 0.5}
            for first, second in combinations(range(count), 2)
        ]

    few, many = (charts.drawn("voter_correlations/0.5", voters(count), None) for count in (12, 13))
    assert (len(texts(few)), len(few.axes)) == (144, 1)
    assert (len(texts(many)), len(many.axes)) == (0, 2)
    assert many.axes[0].get_yticklabels()[12].get_text() == "12/8"


def test_of_a_hundred_voters_some_are_named():
    labels = [f"v{place}" for place in range(100)]
    figure = charts.drawn("correlations/0.5", pairs(labels, 0.5), None)
    named = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(named) <= 30
    assert named == labels[:: len(labels) // (len(named) - 1)][: len(named)]


def test_the_gradient_history_is_the_mean_over_members_sorted_by_the_last_norm():
    norm_MES = np.array([[[1, 2, 0], [4, 9, 0]], [[3, 4, 0], [np.nan] * 3]], dtype=np.float32)
    figure = heat_map_pictures.gradient_history(norm_MES, "1.0")
    image = figure.axes[0].images[0]
    # Columns are epochs; the sample whose last norm is 9 is on top; 0 is drawn as the smallest.
    np.testing.assert_allclose(image.get_array(), [[3, 9], [2, 4], [2, 2]])
    assert image.get_cmap()(1.0)[:3] == (0.0, 0.0, 0.0)  # black is large
    assert (image.norm.vmin, image.norm.vmax) == (2, 20)
    assert image.get_extent()[:2] == [-0.5, 1.5]  # the first column is that before the training


def test_a_history_of_zeros_can_be_drawn():
    figure = heat_map_pictures.gradient_history(np.zeros((1, 2, 3), dtype=np.float32), "1.0")
    assert figure.axes[0].images[0].norm.vmin > 0
