"""How much data is needed: which numbers make a curve, what it answers, and what to run next."""

from dataclasses import replace

import numpy as np
import overrides
import pytest
from finished_run import excluding, in_groups, raced
from ruamel.yaml import YAML
from toy import ROOT, resolved

from stages.report.formulas.learning_curve import Band, Point
from stages.report.numbers import how_much_data
from stages.report.numbers.how_much_data import LearningCurve, learning_curves
from stages.report.numbers.tables import all_tables
from stages.report.pictures import charts
from stages.report.run.results import num_independent
from stages.report.words import size_wording
from stages.report.words.size_wording import next_command, size_sentences, sizes_in_words
from stages.shared.choosing.demands import check_demands
from stages.shared.choosing.limits import NOTHING, Limits
from stages.shared.errors import ParamsError
from stages.shared.settings.params import check_params, load_params

NUM_TRAIN = 1000


def curve_of(reached, margin=0.5, num_samples=2000, num_independent=2000, **more):
    """Return a curve by size; each is measured by three draws that differ by half a point."""
    points = tuple(
        Point(size, (mean - 0.25, mean, mean + 0.25)) for size, mean in sorted(reached.items())
    )
    known = {"model": "resnet8", "trained_as": "target", "kind": "selected"} | more
    return LearningCurve(
        **known,
        points=points,
        num_train=NUM_TRAIN,
        num_everything=NUM_TRAIN,
        num_samples=num_samples,
        num_independent=num_independent,
        margin=margin,
    )


GROWING = curve_of({62: 80, 125: 88, 250: 93, 500: 95.5, 1000: 96})


@pytest.fixture
def with_bands(monkeypatch):
    """Return a function that gives every curve these bands instead of its own."""

    def give(bands):
        monkeypatch.setattr(how_much_data, "_fitted", lambda points, num: (object(), bands))

    return give


# --- what is measured -----------------------------------------------------------------------------


def test_a_targets_curves_end_at_everything_and_no_other_model_is_on_them(run, add_compared):
    add_compared("selected-0.125", 10)
    curves = learning_curves([run.results()])
    found = {(one.model, one.trained_as, one.kind): one for one in curves}
    assert list(found) == [
        ("resnet8", "target", "selected"),
        ("resnet8", "target", "random"),
        ("resnet8_quarter", "voter", "selected"),
    ]
    selected = found["resnet8", "target", "selected"]
    assert [point.size for point in selected.points] == [10, 20, 80]
    assert [point.mean for point in selected.points] == pytest.approx([70.0, 90.0, 90.0])
    assert all(len(point.values) == 3 for point in selected.points)  # the members of one draw
    assert (selected.num_train, selected.num_samples, selected.margin) == (80, 40, 0.5)
    voters = found["resnet8_quarter", "voter", "selected"]
    assert [point.size for point in voters.points] == [5, 10]
    right = run.results().rounds[1].validation.voter_accuracy
    assert voters.points[1].values == pytest.approx(tuple(100 * share for share in right))


def test_several_draws_are_the_rows_and_members_are_averaged(finished):
    results = finished.results()
    [first, *_] = learning_curves([results, results])
    assert all(len(point.values) == 2 for point in first.points)


def test_judges_have_a_curve_of_random_subsets_alone(run):
    run.set(race__entrants={"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}})
    results = run.results()
    races = {size: raced("cut") for size in ("0.125", "0.25")}
    races["0.25"] = replace(races["0.25"], random_score=88.0)
    judges = learning_curves([replace(results, races=races)])[-1]
    assert (judges.model, judges.trained_as, judges.kind) == ("resnet8_quarter", "judge", "random")
    assert [(point.size, point.mean) for point in judges.points] == [(10, 80.0), (20, 88.0)]
    assert judges.everything is None


def test_a_sample_that_is_drawn_twice_is_one(finished):
    results = finished.results()
    subset = results.comparison["selected"]
    twice = replace(subset, index_P=np.repeat(subset.index_P[:10], 2))
    comparison = results.comparison | {"selected": twice}
    [first, *_] = learning_curves([replace(results, comparison=comparison)])
    assert [point.size for point in first.points] == [10, 80]


def test_everything_lacks_what_is_excluded_and_shares_are_of_the_train_split(finished):
    [selected, *_] = learning_curves([excluding(finished.results(), 16)])
    assert (selected.num_train, selected.num_everything) == (80, 64)
    assert (selected.everything.size, selected.largest.size) == (64, 20)


# --- what follows ---------------------------------------------------------------------------------


def test_enough_is_the_first_size_whose_end_of_the_band_is_within_the_margin(with_bands):
    with_bands(
        {
            125: Band(80, 95.4, 97),
            250: Band(95.49, 95.5, 97),  # 96 - 0.5: on the border
            500: Band(95.5, 96, 97),
            1000: Band(95.6, 96, 97),
            2000: Band(95.8, 96.5, 98),
        }
    )
    assert (GROWING.likely_enough, GROWING.surely_enough) == (250, 500)
    assert vars(GROWING.doubling(GROWING.largest)) == pytest.approx(
        {"low": 0.1, "middle": 0.5, "high": 1.5}
    )
    assert vars(GROWING.doubling(GROWING.everything)) == pytest.approx(
        {"low": -0.2, "middle": 0.5, "high": 2.0}
    )


def test_everything_itself_is_no_subset_that_will_do(with_bands):
    with_bands({500: Band(90, 91, 92), 1000: Band(95.9, 96, 97), 2000: Band(96, 97, 98)})
    assert (GROWING.likely_enough, GROWING.surely_enough) == (None, None)
    assert "no subset is expected within 0.5 points" in size_wording.told(GROWING)


def test_a_band_that_is_too_wide_tells_nothing(with_bands):
    with_bands({1000: Band(85.9, 96, 96), 2000: Band(90, 91, 92)})
    assert not GROWING.is_told
    assert "wider than 10 points" in size_wording.untold("resnet8", [GROWING])
    with_bands({1000: Band(86.1, 96, 96), 2000: Band(90, 91, 92)})
    assert GROWING.is_told


def test_of_few_sizes_it_says_how_many_it_takes(finished):
    [told, command] = size_sentences([finished.results()])
    assert told == (
        "How much data: cannot tell how much resnet8 needs: it was measured at 2 sizes, and a "
        "curve takes 4."
    )
    assert command == (
        "To know more: dvc exp run -S 'compare.subsets=[selected, random, full, selected-0.0625, "
        "random-0.0625, selected-0.125, random-0.125]'"
    )


def test_samples_in_groups_make_the_band_wider():
    def width(curve):
        [low], [high] = zip(*((b.low, b.high) for b in curve.curve.bands([1000])), strict=True)
        assert (low, high) == (curve.bands[1000].low, curve.bands[1000].high)
        return high - low

    assert width(replace(GROWING, num_independent=100)) > 1.5 * width(GROWING)


def test_of_samples_in_groups_as_many_count_as_there_are_groups(run):
    results = run.results()
    [target, *_] = learning_curves([results])
    [grouped, *_] = learning_curves([in_groups(results, 5)])
    assert (target.num_samples, target.num_independent) == (40, 40)
    assert (grouped.num_samples, grouped.num_independent) == (40, 5)


def test_of_a_judges_samples_the_same_share_counts_as_of_validation(run):
    run.set(race__entrants={"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}})
    race = replace(raced("cut"), num_samples=120)  # with those held out
    results = replace(run.results(), races=dict.fromkeys(("0.125", "0.25"), race))
    judges = learning_curves([in_groups(results, 5)])[-1]
    assert (judges.num_samples, judges.num_independent) == (120, 15)


def test_boxes_are_counted_by_images_whatever_their_values_are_of(run):
    results = run.results()
    [target, *_] = in_groups(results, 5).targets.values()
    params = results.params.model_copy(update={"task": "object_detection"})
    assert num_independent(params, results.meta, target, "validation") == 40


def test_a_curve_is_told_with_what_it_is_of(with_bands):
    with_bands(
        {250: Band(94, 95.6, 97), 500: Band(95.6, 96, 97), 1000: Band(95.1, 96, 97)}
        | {2000: Band(95.8, 96.5, 98)}
    )
    assert size_wording.told(GROWING) == (
        "the curve of resnet8 on selected subsets of 5 sizes (2,000 validation samples, 90 % bands "
        "of a new measurement): 250 samples (25 %) are expected within 0.5 points of everything, "
        "and 500 samples (50 %) are so at the low end of the band too; twice the 500 samples "
        "(50 %) bring +0.5 points (-0.4 to +1.5); twice everything would bring +0.5 points "
        "(-0.2 to +2.0)"
    )


def test_where_a_target_has_too_few_sizes_the_model_that_chose_answers(finished):
    few = curve_of({500: 95, 1000: 96})
    chose = curve_of({62: 80, 125: 88, 250: 93, 500: 95}, model="small", trained_as="voter")
    [words] = sizes_in_words([finished.results()], [few, chose])
    assert words.startswith("the curve of small as voter on selected subsets of 4 sizes (")
    assert "everything was not measured; twice the 500 samples" in words


# --- what to run next -----------------------------------------------------------------------------


def asked(run, bands, monkeypatch, sizes=(5, 10, 20, 80), num_excluded=0):
    """Return the command where the first model's curve has these bands."""
    curve = replace(
        curve_of(dict(zip(sizes, (70, 80, 90, 92), strict=True))),
        points=tuple(Point(size, (value,)) for size, value in zip(sizes, (70, 80, 90, 92))),  # noqa: B905
        num_train=80,
        num_everything=80,
    )
    monkeypatch.setattr(how_much_data, "_fitted", lambda points, num: (object(), bands))
    return next_command([excluding(run.results(), num_excluded)], [curve])


FLAT = {40: Band(91, 91.2, 93), 160: Band(92, 92.2, 93)}


def test_a_larger_size_is_another_round(finished, monkeypatch):
    bands = FLAT | {32: Band(91, 91.6, 92)}
    assert asked(finished, dict(sorted(bands.items())), monkeypatch) == (
        "dvc exp run -S 'rounds=[{from: 0.0625, to: 0.125}, {from: 0.125, to: 0.25}, "
        "{from: 0.25, to: 0.4}]' -S 'compare.subsets=[selected, random, full, selected-0.0625, "
        "random-0.0625, selected-0.125, random-0.125, selected-0.25, random-0.25]'"
    )


def test_a_smaller_one_is_compared(finished, monkeypatch):
    bands = FLAT | {14: Band(91, 91.6, 92)}
    command = asked(finished, dict(sorted(bands.items())), monkeypatch)
    assert "rounds" not in command
    assert command.endswith("random-0.125, selected-0.17, random-0.17]'")  # 14 of 80 samples


def test_a_run_of_one_round_is_told_all_sizes_that_a_curve_takes_at_once(finished):
    """5, 10 and 80 are three: the fourth lies between the first two, at 7 of 80 samples."""
    results = finished.results()
    one_round = results.params.model_copy(update={"rounds": results.params.rounds[:1]})
    assert next_command([replace(results, params=one_round)], []) == (
        "dvc exp run -S 'compare.subsets=[selected, random, full, selected-0.0625, "
        "random-0.0625, selected-0.087, random-0.087]'"
    )


@pytest.mark.parametrize(
    ("sizes", "proposed"),
    [
        ([0.125, 0.5], "selected-0.125, random-0.125, selected-0.25, random-0.25]'"),
        ([0.5, 0.55], "selected-0.5, random-0.5]'"),  # no room between
        ([10, 20], "selected-10, random-10, selected-14, random-14]'"),
        # Shrinking: nothing larger than the last, which is half of everything already.
        ([1.0, 0.5], "full, selected-0.25, random-0.25, selected-0.12, random-0.12]'"),
        ([80, 40], "full, selected-20, random-20, selected-10, random-10]'"),
    ],
)
def test_sizes_are_proposed_between_growing_rounds_and_below_shrinking_ones(
    finished, sizes, proposed
):
    results = finished.results()
    rounds = [results.params.rounds[0].model_copy(update={"from_": sizes[0], "to": sizes[1]})]
    params = results.params.model_copy(update={"seed_size": sizes[0], "rounds": rounds})
    command = next_command([replace(results, params=params)], [])
    assert command.startswith("dvc exp run -S 'compare.subsets=[selected, random, full, ")
    assert command.endswith(proposed)


def test_everything_is_what_was_trained_on_whatever_has_been_excluded_since(finished):
    results = finished.results()
    results.is_excluded_N[:3] = True
    assert results.num_everything == len(results.comparison["full"]) == 80
    assert replace(results, comparison={}).num_everything == 77


SHRINKING = [
    path.stem
    for path in sorted((ROOT / "presets").glob("*.yaml"))
    if (rounds := resolved(path.stem)["rounds"]) and rounds[-1]["from"] > rounds[-1]["to"]
]


@pytest.mark.parametrize("preset", SHRINKING)
def test_what_is_proposed_for_a_shrinking_preset_is_valid(finished, tmp_path, preset):
    results, params = finished.results(), check_params(resolved(preset))
    meta = replace(results.meta, num_samples={"train": 45_000})
    command = next_command([replace(results, params=params, meta=meta, comparison={})], [])
    subsets = params.compare.subsets
    if command:
        [path] = overrides.changed(command, resolved(preset), tmp_path)
        assert {*subsets} < {*(subsets := load_params(path).compare.subsets)}
    assert sum(name.startswith("selected") for name in subsets) >= 3


def test_nothing_is_proposed_that_was_measured_or_needs_an_acquisition_function_of_its_own(
    finished, monkeypatch
):
    named = [f"{kind}-{size}" for size in ("0.0625", "0.125") for kind in ("selected", "random")]
    full = replace(
        (results := finished.results()),
        params=results.params.model_copy(
            update={
                "compare": results.params.compare.model_copy(
                    update={"subsets": ["selected", "random", "full", *named]}
                ),
                "acquisition": {"0.125": "entropy", "0.25": "margin"},
            }
        ),
    )
    monkeypatch.setattr(
        how_much_data, "_fitted", lambda points, num: (object(), FLAT | {32: Band(91, 91.6, 92)})
    )
    curve = replace(curve_of({5: 70, 10: 80, 20: 90, 80: 92}), num_train=80, num_everything=80)
    assert next_command([full], [curve]) is None


def test_what_is_proposed_is_a_valid_params_yaml(run, monkeypatch, tmp_path):
    """As DVC reads the command, and all settings are checked."""
    import shlex

    from dvc.utils.hydra import apply_overrides

    from stages.shared.settings.params import load_params

    command = asked(run, FLAT | {32: Band(91, 91.6, 92)}, monkeypatch)
    words = shlex.split(command)
    assert words[:3] == ["dvc", "exp", "run"]
    apply_overrides(tmp_path / "params.yaml", words[4::2])
    params = load_params(tmp_path / "params.yaml")
    assert params.sizes == [0.0625, 0.125, 0.25, 0.4]
    assert "selected-0.25" in params.compare.subsets


@pytest.mark.parametrize(("num_excluded", "holdout"), [(0, "0.12"), (8, "0.07")])
def test_a_larger_round_keeps_back_no_more_than_a_race_can_spare(
    run, monkeypatch, tmp_path, num_excluded, holdout
):
    """Of 80 samples 60 are wanted: a third of them less is too few, an eighth is not."""
    run.set(race__entrants={"hardest": {}, "window": {"rule": "window"}}, race__holdout=0.33)
    bands = dict(sorted((FLAT | {60: Band(91, 91.6, 92)}).items()))
    command = asked(run, bands, monkeypatch, num_excluded=num_excluded)
    assert f" -S race.holdout={holdout} " in command
    content = YAML(typ="safe").load(run.root / "params.yaml")
    limits = Limits(np.arange(80) % 3, NOTHING, np.arange(num_excluded), 0)
    for wanted in (command, command.replace(f" -S race.holdout={holdout}", "")):
        [path] = overrides.changed(wanted, content, tmp_path)
        if wanted == command:
            check_demands(load_params(path), limits)
        else:
            with pytest.raises(ParamsError, match=r"race\.holdout keeps 26"):
                check_demands(load_params(path), limits)


def test_no_size_is_proposed_that_excluded_samples_would_have_to_fill(finished, monkeypatch):
    """Twice 20 is half of 80, and of 38 that may be picked too many."""
    curve = replace(curve_of({5: 70, 10: 80, 20: 90}), num_train=80)
    bands = {20: Band(89, 90, 91), 40: Band(91, 92, 93)}
    monkeypatch.setattr(how_much_data, "_fitted", lambda points, num: (object(), bands))
    results = finished.results()
    assert "{from: 0.25, to: 0.5}" in next_command([results], [curve])
    assert "rounds" not in next_command([excluding(results, 42)], [curve])


# --- table, picture, page -------------------------------------------------------------------------


def test_the_table_has_what_was_measured_and_its_band_and_the_page_shows_it(
    run, add_compared, monkeypatch
):
    for name, picks in (("selected-0.125", 10), ("selected-0.2", 16), ("random-0.1", 8)):
        add_compared(name, picks)
    rows = all_tables([run.results()])["how_much_data/resnet8"]
    known = {row["size"]: row for row in rows if row["subset"] == "selected" and row["measured"]}
    assert list(known) == [10, 16, 20, 80]
    assert all(row["low"] < row["middle"] < row["high"] for row in known.values())
    assert known[80]["fraction"] == 1
    assert max(row["size"] for row in rows) == 160
    random = [row for row in rows if row["subset"] == "random"]
    assert [row["size"] for row in random] == [8, 20, 80]  # of too few sizes for a band
    assert {row["low"] for row in random} == {None}
    drawn = []
    monkeypatch.setattr(
        "stages.report.__main__.save_pictures", lambda _, rows, __: drawn.extend(rows)
    )
    written = run.report()
    page = written["plots/report.html"].decode()
    assert 'id="size"' in page
    assert "resnet8 by size, 300 updates" in page
    assert "how_much_data/resnet8" in drawn
    assert "How much data: " in written["metrics/verdict.txt"].decode()


def test_the_picture_draws_everything_as_a_line_where_samples_are_excluded(finished):
    results = excluding(finished.results(), 16)
    rows = all_tables([results])["how_much_data/resnet8"]
    assert [row["fraction"] for row in rows if row["size"] == 64] == [0.8, 0.8]
    axes = charts.drawn("how_much_data/resnet8", rows, results).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert lines["everything"].get_ydata()[0] == pytest.approx(90, abs=0.01)
    assert max(lines["selected"].get_xdata()) < 80
    assert axes.get_xlim()[1] == pytest.approx(80)
