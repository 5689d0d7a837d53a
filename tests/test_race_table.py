"""The series of races: their settings are valid, and what is counted of them is by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks import changed_data, image_vectors, learnable, race_counts, race_runs, race_shown
from benchmarks.race_again import looks_worse
from benchmarks.race_counts import Decision
from benchmarks.race_runs import RANDOM, Cell
from benchmarks.race_series import SERIES
from stages.shared import artifacts
from stages.shared.artifacts import Meta
from stages.shared.running import dispatch

MANY = "digit-vectors-many"


def race(seed, winner="top"):
    return {
        "series": "s",
        "budget": "0.1",
        "seed": str(seed),
        "winner": winner,
        "judged_samples": "500",
        "judged_gain": "1.0",
        "seconds": "8",
        "full_seconds": "2",
        "full_trainings": "3",
    }


def target(seed, subset, points, of_test="0.0"):
    judged = "1.0" if subset in {"top", "race"} else ""
    return {
        "series": "s",
        "budget": "0.1",
        "seed": str(seed),
        "subset": subset,
        "judged_gain": judged,
        "points": points,
        "of_test": of_test,
    }


def rows():
    """Return two draws: random has 89 and 91, and so 90; the race's target gains 3 and loses 1."""
    found = []
    for seed, raced, top in ((0, "92 94", "94"), (1, "89", "80")):
        found += [target(seed, "random-target-0", "89"), target(seed, "random-target-1", "91")]
        found += [target(seed, "race", raced, "1.0"), target(seed, "top", top)]
        found += [target(seed, "everything", "99")]
    return [race(0), race(1, "random")], found


def test_gains_are_above_the_mean_of_random_in_each_draw():
    (cell,) = race_counts.cells(*rows())

    assert cell.gains("race").tolist() == [3, -1]
    assert cell.gains("top").tolist() == [4, -10]
    assert cell.entrants() == ["top"]


def test_a_decisions_error_is_of_test_samples_and_of_trainings():
    # Variance of 89 and 91 is 2, of the difference to the mean of two such 2 * 1.5; 1 of test.
    (cell,) = race_counts.cells(*rows())

    assert cell.decisions() == [Decision(3, 2, 4), Decision(-1, 2, 0)]


def test_decisions_below_the_margin_are_measured_again_unless_their_draws_raced_elsewhere():
    (cell,) = race_counts.cells(*rows())

    ((same, seed, winner, first),) = looks_worse([cell, replace(cell, name="s-many")])

    assert (same, seed, winner, first) == (cell, "1", "random", Decision(-1, 2, 0))


def test_an_interval_is_students():
    # Three values of sd 1: 4.302653 / sqrt 3.
    assert race_counts.interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2, 2.48414), abs=1e-4)


def test_decisions_are_counted_as_measured_as_shown_and_by_noise():
    decisions = [Decision(2, 0.3, 3), Decision(-0.4, 0.3, 0), Decision(-5, 1, 1)]

    counted = race_counts.count(decisions, margin=0.3)

    assert (counted["measured"], counted["shown"]) == (2, 1)
    assert counted["by_noise"] == pytest.approx(2 * 0.15866 + 0.38209, abs=1e-4)
    assert counted["captured"] == pytest.approx(100 * (2 - 0.4 - 5) / 4)


@pytest.mark.parametrize("failures", [0, 1])
def test_the_upper_bound_is_the_share_with_which_so_few_failures_happen_once_in_twenty(failures):
    worse, fine = [Decision(-9, 1, 1)] * failures, [Decision(1, 1, 1)] * (59 - failures)

    upper = race_counts.count([*worse, *fine])["upper"] / 100

    assert binom.cdf(failures, 59, upper) == pytest.approx(0.05)


def test_the_tables_have_a_row_for_each_cell_series_and_entrant():
    shown = race_shown.shown(*rows())

    assert (
        "| s | 10 % | 2 | 90.00 | 99.00 | -3.00 ± 88.94 | +1.00 ± 25.41 | top 1, random 1" in shown
    )
    assert "| top | 2 | 1 | 1 | -3.00 |" in shown
    assert "| random |  | 1 | 1 |  |" in shown
    # One gain of 3 and one of -1, where random won.
    assert "Random won 1: -1.00 above the mean of others" in shown
    assert "Measured worse 1 of 2: upper bound 97.5 %" in shown
    assert "the race's lowest mean is +1.00 (s 10 %)" in shown


# One has all entrants.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != MANY)) for name in SERIES]
)
def test_the_settings_of_a_series_are_valid(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    series = replace(SERIES[name], seeds=2)
    cell = Cell(series, series.budgets[0])

    params = cell.write(races=True)

    assert [*params.race.entrants] == [*series.entrants]
    assert float(params.rounds[-1].to) == series.budgets[0]
    assert len(params.draws) == 2
    assert not set(RANDOM) & set(series.entrants)


@pytest.mark.parametrize(("rounds", "sizes"), [(0, [1.0, 0.5]), (1, [0.25, 0.5])])
def test_a_series_grows_to_twice_the_size_in_each_round_or_begins_with_everything(rounds, sizes):
    assert replace(SERIES[MANY], rounds=rounds).sizes(0.5) == sizes


def test_a_precise_series_has_draws_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = Cell(SERIES["mnist-vectors-precise"], 0.1)
    assert [draw.random_seed for draw in cell.write(races=True).draws] == list(range(100, 108))
    assert cell.write(races=True, seed=3).random_seed == 3


def test_judges_of_another_kind_train_by_their_own_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    series = SERIES["sentences-vdcnn"]
    cell = Cell(series, 0.5)

    params = cell.write(races=True)

    judging = params.judging
    assert (judging.optimizer.learning_rate, judging.batch_size) == (4.0, 16)
    assert judging.length.updates == 3000
    assert params.train_subset_model.optimizer.learning_rate == 0.05


@pytest.mark.slow
def test_a_cell_runs_with_the_stages_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", "")
    monkeypatch.setattr(dispatch, "map_pieces", dispatch.map_pieces)
    series = SERIES["digit-vectors"]
    short = [f"{part}.length.updates=2" for part in ("train_ensemble", "train_subset_model")]
    series = replace(series, changes=[*series.changes, *short], seeds=2, entrants={"top": "{}"})

    race_runs.begin(tmp_path / "work", "s", series, tmp_path)
    races, targets = Cell(series, 0.25).run()

    assert [row["seed"] for row in races] == [0, 1]
    assert {row["subset"] for row in targets} == {"race", "top", *RANDOM, race_runs.EVERYTHING}


def test_the_hardest_that_a_judge_gets_right_come_first_then_the_easiest_that_it_does_not():
    score_N = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    is_right_N = np.array([False, True, False, True, True])

    assert learnable.hardest(score_N, is_right_N, np.arange(5), 4).tolist() == [1, 3, 4, 2]
    assert learnable.hardest(score_N, is_right_N, np.array([0, 2, 3]), 2).tolist() == [3, 2]


def prepared(folder, count=10):
    for split in artifacts.SPLITS:
        images = np.arange(count * 16, dtype=np.uint8).reshape(count, 4, 4, 1)
        artifacts.save_array(folder / split / "inputs.npy", images)
        artifacts.save_targets(folder, split, np.arange(count) % 3)
    names = ["a", "b", "c"]
    sizes = dict.fromkeys(artifacts.SPLITS, count)
    meta = Meta("image_classification", "d", names, [4, 4, 1], [0.5], [0.2], sizes, "f")
    artifacts.save_meta(folder, meta)
    return folder


def test_a_halved_image_has_the_mean_of_four_pixels(tmp_path):
    changed_data.halve(prepared(tmp_path))

    halved = artifacts.load_inputs(tmp_path, "train")
    assert halved[0, ..., 0].tolist() == [[2, 4], [10, 12]]  # 2.5 and 4.5 are rounded to even
    meta = artifacts.load_meta(tmp_path)
    assert meta.input_shape == [2, 2, 1]
    assert meta.mean == pytest.approx([halved[...].mean() / 255], rel=1e-5)
    assert meta.fingerprint != "f"


def test_planted_labels_are_wrong_in_train_alone(tmp_path):
    changed_data.plant(prepared(tmp_path), 0.3)

    given_N = np.arange(10) % 3
    assert np.sum(artifacts.load_targets(tmp_path, "train") != given_N) == 3
    assert (artifacts.load_targets(tmp_path, "validation") == given_N).all()
    assert (artifacts.load_targets(tmp_path, "test") == given_N).all()
    assert artifacts.load_meta(tmp_path).fingerprint != "f"


def test_jpeg_once_more_keeps_plain_images_and_loses_fine_colours_of_train_alone(tmp_path):
    folder = prepared(tmp_path)
    plain, chequered = np.full((16, 16, 3), 90, dtype=np.uint8), np.zeros((16, 16, 3), np.uint8)
    chequered[(np.indices((16, 16)).sum(axis=0) % 2).astype(bool), 0] = 200
    images = np.stack([plain, chequered])
    for split in ("train", "test"):
        artifacts.save_array(folder / split / "inputs.npy", images)

    changed_data.compress(folder)

    again = artifacts.load_inputs(folder, "train").astype(int)
    assert np.abs(again[0] - 90).max() <= 1
    redness = again[1, ..., 0] - again[1, ..., 1]
    assert redness.std() < 0.5 * (chequered[..., 0].astype(int) - chequered[..., 1]).std()
    assert (artifacts.load_inputs(folder, "test") == images).all()
    assert artifacts.load_meta(folder).fingerprint != "f"


def test_principal_components_are_the_directions_of_most_variance():
    values_ND = np.array([[4.0, 1], [-4, 1], [0, 2], [0, 0]])

    mean_D, component_DP = image_vectors.components(values_ND, 1)

    assert mean_D.tolist() == [0, 1]
    assert np.abs(component_DP[:, 0]) == pytest.approx([1, 0])
