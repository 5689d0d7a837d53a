"""Nothing of a chart is cut off by accident: notes are wrapped, and accuracies end at 100."""

from stages.report.pictures import charts, figures
from stages.report.pictures.svg import chart


def test_a_long_note_is_wrapped_in_the_picture_and_whole_in_the_page(finished):
    note = "Marks are draws, lines show how low a gain may be. " * 3
    figure = figures.finished(figures.new_figure()[0], "Title", note.strip())
    title, *lines = figure.get_suptitle().split("\n")
    assert title == "Title"
    assert len(lines) == 3
    assert max(map(len, lines)) <= figures.LETTERS_IN_AN_INCH * figure.get_figwidth()
    assert chart(figure, "key").note == note.strip()


def test_no_axis_of_an_accuracy_leaves_0_to_100(finished):
    """What reaches beyond is cut; a mark at 100 is drawn whole."""
    rows = [
        {
            "fraction": 0.5,
            "selected": 99.5,
            "random": 1.0,
            "full": 100.0,
            "selected_plus_minus": 3.0,
            "random_plus_minus": 2.5,
            "full_plus_minus": 1.0,
            "draws": 2,
        }
    ]
    axes = charts.drawn("accuracy/resnet8", rows, finished.results()).axes[0]
    assert axes.get_ylim() == (0, 100)
    bars = [bar[:, 1].tolist() for one in axes.containers for bar in one[2][0].get_segments()]
    assert bars == [[96.5, 100], [0, 3.5]]
    assert not any(one[0].get_clip_on() for one in axes.containers)
    size = {"model": "m", "subset": "selected", "measured": 99.9, "low": 98, "high": 101}
    rows = [size | {"fraction": share, "middle": 99.9} for share in (0.25, 0.5, 1.0)]
    axes = charts.drawn("how_much_data/m", rows, finished.results()).axes[0]
    assert axes.get_ylim()[1] == axes.get_xlim()[1] == 100
