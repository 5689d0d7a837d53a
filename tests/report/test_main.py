"""The stage as a whole: a finished run in, summary, tables and pictures out."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import two_way
from PIL import Image
from ruamel.yaml import YAML

from stages.report.numbers.summary import differences, summarise
from stages.report.numbers.tables import all_tables
from stages.report.pictures import charts
from stages.shared import artifacts
from stages.shared.errors import ArtifactError

ROOT = Path(__file__).parents[2]


def leaves(content, prefix=""):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def summary_of(run):
    return dict(leaves(summarise([run.results()])))


def test_the_summary_has_exactly_these_keys(finished, reported):
    content = json.loads(reported["metrics/summary.json"])
    assert content == summarise([finished.results()])
    assert list(dict(leaves(content))) == [
        "resnet8.selected",
        "resnet8.random",
        "resnet8.full",
        "resnet8.validation",
        "size",
        "search",
    ]


def test_dvc_shows_the_summary_in_120_columns(reported):
    content = dict(leaves(json.loads(reported["metrics/summary.json"])))
    widths = [len("metrics/summary.json")]
    widths += [max(len(name), len(str(value))) for name, value in content.items()]
    assert sum(widths) + 4 * (len(widths) - 1) <= 120  # it puts four blanks between most


def test_the_summary_has_rounded_numbers_and_none_is_named_error(finished):
    for name, value in summary_of(finished).items():
        assert "error" not in name.split(".")
        assert value == (float(f"{value:.4g}") if name == "search" else round(value, 4))


def test_the_numbers_of_the_summary_are_those_of_the_evaluations(finished):
    content = summary_of(finished)
    for name, correct_MT in right_of(finished).items():
        assert content[f"resnet8.{name}"] == pytest.approx(correct_MT.mean(), abs=0.005)
    assert content["resnet8.validation"] == 90.0
    assert content["size"] == 20
    assert content["search"] == 2 * (3e6 + 1e5) / 8e5


def test_the_table_of_differences_has_them_paired_with_their_errors(finished):
    right = right_of(finished)
    rows = {row["selected_minus"]: row for row in differences([finished.results()])}
    assert list(rows) == ["random", "full"]
    for other, row in rows.items():
        paired_MT = right["selected"] - right[other]
        assert row["value"] == pytest.approx(paired_MT.mean(), abs=0.005)
        assert row["plus_minus"] == pytest.approx(two_way.reach(paired_MT), abs=0.005)
        assert (row["model"], row["draws"]) == ("resnet8", 1)


def right_of(run):
    """Return on which test samples each member is right, in points, by subset."""
    return {
        name: 100 * np.load(run.folders.evaluation / f"resnet8-{name}/seed-0/values/accuracy.npy")
        for name in ("selected", "random", "full")
    }


def test_a_subset_that_was_not_compared_has_no_keys(run):
    run.set(compare__subsets=["selected", "random"])
    content = summary_of(run)
    assert list(content) == ["resnet8.selected", "resnet8.random", "resnet8.validation", "size"]


def test_another_metric_is_reported_under_the_same_keys(run):
    run.set(report__metric="macro_f1")
    content = summary_of(run)
    assert content["resnet8.selected"] == 90.0
    assert content["resnet8.random"] == 80.0


def test_a_subset_with_duplicates_reports_its_picks(run):
    index = np.array([0, 0, 0, 1])
    subset = artifacts.Subset(index, index, np.full(4, np.nan))
    artifacts.save_subset(run.folders.subsets / "0.25/seed-0.csv", subset)
    assert summary_of(run)["size"] == 4


def test_the_verdict_names_size_length_metric_and_what_the_interval_speaks_of(run, capsys):
    run.set(train_subset_model__length={"updates": 600})
    written = run.report(draw=False)
    printed = capsys.readouterr().out
    told = written["metrics/verdict.txt"].decode()
    assert printed.startswith(told)
    first, second, *_ = told.replace("\n", " ", 1).splitlines()
    assert first.startswith("Keep all data for now. resnet8: the subset of 20 samples (25 %) is at")
    assert second == "Next: dvc exp run -S random_seeds=3  # 2 more draws for narrower intervals"
    assert "Accuracy on test, 95 % intervals, this draw alone, 60 test samples; within 0.5" in told
    assert max(map(len, told.splitlines())) <= 100


DRAWN = {
    "accuracy/resnet8",
    "class_shares",
    "consensus/0.0625",
    "consensus/0.125",
    "how_much_data/resnet8",
    "correlations/0.0625",
    "correlations/0.125",
    "label_entropy/0.0625",
    "label_entropy/0.125",
    "round_correlations",
    "validation_by_epoch/resnet8",
    "validation_by_images/resnet8",
    "voter_correlations/0.0625",
    "voter_correlations/0.125",
}
NUMBERS_ALONE = {"costs", "differences", "duplicates", "metrics", "rounds", "speedups"}
GALLERIES = {
    f"images_by_{what}/{source}" for what in ("choice", "score") for source in ("0.0625", "0.125")
}
ASKED_FOR = {"race"} | {
    f"{name}/{source}"
    for name in ("forgetting_correlations", "gradient_batches", "reference_correlations")
    for source in ("0.0625", "0.125")
}
HEAT_MAPS = {"correlations", "voter_correlations", "round_correlations"}
TRACKED = {"gradient_history/0.0625", "gradient_history/0.125"}


def require_written(written, tables, images):
    found = {name for name in written if name.startswith("plots/tables")}
    assert found == {f"plots/tables/{name}.csv" for name in tables}
    found = {name for name in written if name.startswith("plots/images")}
    assert found == {f"plots/images/{name}.png" for name in images}


def test_tables_and_pictures_are_these(reported):
    require_written(reported, DRAWN | NUMBERS_ALONE, DRAWN | GALLERIES)
    with Image.open(io.BytesIO(reported["plots/images/accuracy/resnet8.png"])) as image:
        assert image.format == "PNG"
        assert "Software" not in image.info


def test_what_was_asked_for_has_tables_too(with_extras):
    assert set(all_tables([with_extras.results()])) == DRAWN | NUMBERS_ALONE | ASKED_FOR


@pytest.mark.slow
def test_what_was_asked_for_is_drawn_too_and_with_equal_bytes(with_extras):
    written = with_extras.report()
    drawn = DRAWN | ASKED_FOR
    require_written(written, drawn | NUMBERS_ALONE, drawn | GALLERIES | TRACKED)
    assert with_extras.report() == written


def test_files_of_an_earlier_run_are_neither_read_nor_left(run):
    (run.folders.subsets / "0.5").write_text("no subset at all")
    (run.folders.histories / "resnet18-selected").write_text("no history")
    stale = run.root / "plots/tables/accuracy/resnet18.csv"
    stale.parent.mkdir(parents=True)
    stale.write_text("model\n")
    run.report(draw=False)
    assert not stale.exists()


def test_what_dvc_yaml_plots_is_a_column_of_the_tables(with_extras):
    tables = all_tables([with_extras.results()])
    written = {f"plots/tables/{name}.csv": rows for name, rows in tables.items()}
    for entry in YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["plots"]:
        ((place, plot),) = entry.items()
        files = [name for name in written if name.startswith(place)]
        assert files
        own_template = ROOT / ".dvc/plots" / f"{plot['template']}.json"
        assert own_template.exists() or plot["template"] == "scatter"
        columns = plot["y"] if isinstance(plot["y"], list) else [plot["y"]]
        if columns == ["${compare.subsets}"]:
            columns = ["selected", "random", "full"]
        for name in files:
            assert {plot["x"], *columns} <= set(written[name][0])


def test_every_class_has_a_row_or_the_title_says_how_many_have(finished):
    rows = [
        {"class": f"c{number}", "full": 1.0, "selected": 1.0 + number / 100, "random": None}
        for number in range(70)
    ]
    figure = charts.drawn("class_shares", rows, finished.results())
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"c{number}" for number in range(50, 70)]
    assert "20 classes that changed most, of 70" in figure.get_suptitle()


def drawn(run, name):
    """Return the axes of a table's picture, the first of its kind."""
    results = run.results()
    tables = all_tables([results])
    place = next(place for place in tables if place.split("/")[0] == name)
    return charts.drawn(place, tables[place], results)


@pytest.mark.parametrize("name", charts.PICTURES)
def test_a_picture_has_a_title_and_axis_names_and_its_legend_beside_the_data(with_extras, name):
    figure = drawn(with_extras, name)
    axes = figure.axes[0]
    assert figure.get_suptitle() or axes.get_title()
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert axes.get_legend() is None
    is_of_lines = name not in HEAT_MAPS and name != "gradient_batches"
    assert len(figure.legends) == is_of_lines


def test_a_missing_file_is_one_line(run):
    (run.folders.signals / "0.125/seed-0" / "validation_votes_MV.npy").unlink()
    with pytest.raises(ArtifactError, match=r"validation_votes_MV\.npy: missing; run"):
        run.report()
