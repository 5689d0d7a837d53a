"""The check of the learning curves' band: its table, and the settings of its series."""

import pytest
import toy

from benchmarks import clones, race_counts
from benchmarks.how_much_data import Run, hidden, measured, raced, table
from benchmarks.measured_curves import CLASSIFIERS, HEADER, SERIES
from stages.report.formulas.learning_curve import Point
from stages.shared.settings.params import load_params


@pytest.mark.parametrize("name", SERIES)
def test_what_a_series_changes_is_valid(name, tmp_path):
    series = SERIES[name]
    text = clones.settings(toy.DEFAULT.parent / f"{series.preset}.yaml")
    models = [] if series.model in CLASSIFIERS else [f"compare.models=[{series.model}]"]
    (tmp_path / "params.yaml").write_text(clones.changed(text, [*series.changes, *models]))
    load_params(tmp_path / "params.yaml")
    assert series.splits * series.seeds // 3 >= 20  # runs of three draws
    assert list(series.sizes) == sorted(series.sizes)


def test_draws_of_a_split_are_grouped_into_runs(tmp_path):
    rows = [
        ",".join(HEADER),
        *(f"a,{split},{size},90,1 2 3 4 5" for split in (0, 1) for size in (8, 9)),
    ]
    (tmp_path / "curves.csv").write_text("\n".join(rows) + "\n")
    three = measured(tmp_path / "curves.csv", 3)["a"]
    assert [run.num_samples for run in three] == [90, 90]
    assert three[0].points == [Point(8, (1.0, 2.0, 3.0)), Point(9, (1.0, 2.0, 3.0))]
    assert len(measured(tmp_path / "curves.csv", 1)["a"]) == 4  # two of each split


def test_the_curves_of_races_and_of_random_subsets_go_up_to_everything():
    def cell(budget, picks, points):
        targets = [
            {"seed": "0", "subset": subset, "points": str(points + place)}
            for place, subset in enumerate(["race", *(f"random-target-{k}" for k in range(4))])
        ]
        everything = {"seed": "0", "subset": "everything", "points": "99"}
        races = [{"seed": "0", "picks": str(picks)}]
        return race_counts.Cell("digits", budget, races, [*targets, everything])

    cells = [cell(0.1 * 2**place, 10 * 2**place, 60 + 8 * place) for place in range(4)]
    found = raced(cells, 1)
    sizes = (10, 20, 40, 80, 100)
    assert found["digits race"] == [
        Run([*map(Point, sizes, [(60.0,), (68.0,), (76.0,), (84.0,), (99.0,)])], 359)
    ]
    assert [run.points[0].values for run in found["digits random"]] == [(61,), (62,), (63,), (64,)]
    assert raced(cells[1:], 1) == {}  # three budgets
    assert raced(cells, 3) == {}  # one draw


def test_what_is_hidden_is_not_shown_and_misses_are_counted_on_their_side():
    """The last size falls to nothing, the one in the middle rises: no band foresees either."""
    values = (70.0, 80.0, 99.0, 90.0, 93.0, 0.0)
    run = Run([Point(50 * 2**place, (one, one)) for place, one in enumerate(values)], 100_000)
    found = list(hidden(run))
    assert [(one.place, one.known, one.value) for one in found] == [
        ("beyond", 4, 93.0),
        ("beyond", 4, 0.0),
        ("beyond", 5, 0.0),
        ("between", 5, 99.0),
        ("between", 5, 90.0),
        ("between", 5, 93.0),
    ]
    assert [one.times for one in found] == [2, 4, 2, 2, 2, 2]
    [_, beyond, _] = table({"one": [run]})
    assert (beyond["known_sizes"], beyond["covered"], beyond["below"]) == (5, 0.0, 100.0)
