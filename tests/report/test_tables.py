"""What the tables say of a small finished run."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import two_way
from finished_run import excluding

from stages.report.formulas.rounding import points, significant
from stages.report.numbers import round_tables, tables
from stages.report.numbers.summary import summarise
from stages.report.page.compared import compared
from stages.report.pictures import charts
from stages.shared import artifacts
from stages.shared.artifacts import Voter


def column(rows, name):
    return [row[name] for row in rows]


def save_signal(run, source, name, array):
    array = np.asarray(array, dtype=np.int16)
    artifacts.save_array(run.folders.signals / source / "seed-0" / f"{name}.npy", array)


def save_subset(run, size, index):
    index = np.array(index)
    subset = artifacts.Subset(index, np.zeros_like(index), np.full(len(index), np.nan))
    artifacts.save_subset(run.folders.subsets / str(size) / "seed-0.csv", subset)


def test_accuracy_stands_at_the_sizes_that_were_compared_and_full_everywhere(finished):
    rows = tables.accuracy_by_size([finished.results()], "resnet8")
    correct = {
        name: 100
        * np.load(
            finished.folders.evaluation / f"resnet8-{name}" / "seed-0/values/accuracy.npy"
        ).mean()
        for name in ("selected", "random", "full")
    }
    assert column(rows, "size") == [5, 10, 20]
    assert column(rows, "fraction") == [0.0625, 0.125, 0.25]
    assert column(rows, "selected") == [None, None, round(correct["selected"], 2)]
    assert column(rows, "random") == [None, None, round(correct["random"], 2)]
    assert column(rows, "full") == [round(correct["full"], 2)] * 3


def test_random_subsets_of_other_sizes_have_rows_of_their_own(run, add_compared):
    add_compared("random-0.125", 10)
    add_compared("random-0.5", 40)
    rows = tables.accuracy_by_size([run.results()], "resnet8")
    assert column(rows, "size") == [5, 10, 20, 40]
    assert [row["random"] is None for row in rows] == [True, False, False, False]
    assert [row["selected"] is None for row in rows] == [True, True, False, True]


def test_validation_curves_are_means_over_the_members_where_they_were_validated(finished):
    rows = tables.validation_curve([finished.results()], "resnet8", "epoch")
    assert column(rows, "epoch") == [4, 6, 8]
    # 0.9 - 1/4, less 0, 1 and 2 points for the three members.
    assert column(rows, "selected")[0] == pytest.approx(90 - 25 - 1)
    rows = tables.validation_curve([finished.results()], "resnet8", "images_seen")
    assert column(rows, "images_seen") == [80, 120, 160, 320, 480, 640]
    assert [row["full"] is None for row in rows] == [True] * 3 + [False] * 3


def test_a_member_that_stopped_early_no_longer_counts():
    def epoch(member, number, accuracy):
        return artifacts.Epoch(member, number, 1, number, 1.0, 0.1, 1.0, 0.5, 1.0, accuracy)

    history = [epoch(0, 1, 0.5), epoch(1, 1, 0.7), epoch(1, 2, 0.8)]
    assert tables._curve(history, "epoch") == {1: 60.0, 2: 80.0}


def test_class_shares_are_percentages_of_the_picks_and_duplicates_count(run):
    targets_N = np.array(artifacts.load_targets(run.folders.prepared, "train"))
    ants, bees = np.flatnonzero(targets_N == 0), np.flatnonzero(targets_N == 1)
    save_subset(run, "0.25", [ants[0]] * 3 + [bees[0]])
    rows = tables.class_shares([run.results()])
    assert column(rows, "class") == ["ant", "bee", "cat"]
    assert column(rows, "selected") == [75.0, 25.0, 0.0]
    assert column(rows, "full") == [round(100 * (targets_N == c).mean(), 2) for c in range(3)]
    assert sum(column(rows, "random")) == pytest.approx(100)


def test_duplicates_are_counted_by_how_often_a_sample_occurs(run):
    save_subset(run, "0.25", [1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5])
    assert tables.duplicates(run.results())[-1] == {
        "subset": "0.25",
        "total": 12,
        "unique": 5,
        "once": 2,
        "twice": 1,
        "three_times": 1,
        "four_times_or_more": 1,
    }


def test_every_metric_has_its_mean_and_deviation_over_the_members(finished):
    rows = tables.metrics([finished.results()])
    (found,) = [row for row in rows if (row["subset"], row["metric"]) == ("full", "accuracy")]
    right_MT = np.load(finished.folders.evaluation / "resnet8-full" / "seed-0/values/accuracy.npy")
    shares = 100 * right_MT.mean(axis=1)
    assert found["mean"] == pytest.approx(shares.mean(), abs=0.005)
    assert found["standard_deviation"] == pytest.approx(shares.std(ddof=1), abs=0.005)
    assert {row["subset"] for row in rows} == {"selected", "random", "full"}
    assert {row["metric"] for row in rows} >= {"accuracy", "macro_f1", "log_loss"}


def test_costs_add_up_all_members_and_count_in_full_trainings(finished):
    rows = {row["part"]: row for row in tables.costs([finished.results()])}
    # Three members at 0.9, 1.0 and 1.1 million; the history repeats earlier epochs' sums.
    assert rows["train ensemble 0.0625"]["flops"] == 3e6
    assert rows["search"]["flops"] == 2 * (3e6 + 1e5)
    assert rows["train one resnet8 on full"] == {
        "part": "train one resnet8 on full",
        "flops": 8e5,
        "full_trainings": 1.0,
    }
    assert rows["train one resnet8 on selected"]["full_trainings"] == 0.25


def test_a_rounds_accuracies_are_those_of_the_votes(run):
    targets_N = np.array(artifacts.load_targets(run.folders.prepared, "train"))
    picked = run.results().subsets["0.0625"].index_P
    predicted_N = (targets_N + 1) % 3
    predicted_N[picked] = targets_N[picked]
    save_signal(run, "0.0625", "predicted_class_N", predicted_N)
    save_signal(run, "0.0625", "votes_MN", [targets_N, predicted_N, predicted_N])
    row = round_tables.rounds([run.results()])[0]
    assert (row["from"], row["to"], row["voters"]) == ("0.0625", "0.125", 3)
    assert (row["ensemble_selected"], row["ensemble_unselected"]) == (100.0, 0.0)
    assert (row["voter_selected"], row["voter_unselected"]) == (100.0, 33.33)
    assert row["gain"] is None


def test_the_gain_of_a_round_is_paired_by_member_and_sample(run):
    targets_V = np.array(artifacts.load_targets(run.folders.prepared, "validation"))
    wrong_V = (targets_V + 1) % 3
    before, after = np.stack([targets_V] * 3), np.stack([targets_V] * 3)
    before[:, :6] = wrong_V[:6]  # every member misses the first six of 40,
    after[0, 0] = wrong_V[0]  # later a single one misses one
    save_signal(run, "0.0625", "validation_votes_MV", before)
    save_signal(run, "0.125", "validation_votes_MV", after)
    row = round_tables.rounds([run.results()])[1]
    gain_MV = 100.0 * np.repeat([[1] * 6 + [0] * 34], 3, axis=0)
    gain_MV[0, 0] = 0
    assert row["gain"] == 14.17
    assert row["gain_plus_minus"] == pytest.approx(two_way.reach(gain_MV), abs=0.005)


def test_a_round_without_gain_claims_no_more_than_so_few_samples_can(run):
    targets_V = np.array(artifacts.load_targets(run.folders.prepared, "validation"))
    for size in ("0.0625", "0.125"):
        save_signal(run, size, "validation_votes_MV", np.stack([targets_V] * 3))
    row = round_tables.rounds([run.results()])[1]
    # A share of samples of which 40 held none: at most 8.8 %, as (1 - 0.088) ** 40 is 0.025.
    assert (row["gain"], row["gain_plus_minus"]) == (0.0, 8.81)


def test_what_ensembles_reach_on_test_stands_in_a_table_and_decides_nothing(run):
    before = run.report(draw=False)
    evaluated = run.folders.evaluation
    shutil.copytree(evaluated / "resnet8-full", evaluated / "ensemble-0.125")
    run.set(evaluate__ensembles=[0.125])
    after = run.report(draw=False)

    members = run.results().targets["resnet8", "full"].evaluation.members
    assert round_tables.ensembles(run.draws()) == [
        {
            "ensemble": "0.125",
            "random_seed": 0,
            "member": member,
            "epoch": 8,
            "test": points(100 * values["accuracy"]),
            "validation": points(100 * values["validation_accuracy"]),
        }
        for member, values in enumerate(members)
    ]
    assert set(after) - set(before) == {"plots/tables/ensembles.csv"}
    assert "ensembles" not in charts.PICTURES
    named = ("metrics/summary.json", "metrics/verdict.txt", "plots/suspects.csv")
    assert all(after[name] == before[name] for name in named)


def test_a_compressing_round_has_nothing_unselected(run):
    save_subset(run, "0.0625", range(80))
    row = round_tables.rounds([run.results()])[0]
    assert row["ensemble_unselected"] is None
    results = run.results()
    rows = round_tables.consensus(results, results.rounds[0])
    assert {row["members_all"] for row in rows} == {None}


def write_voters(run, voters, votes_MN):
    artifacts.save_voters(run.folders.signals / "0.125/seed-0", voters)
    save_signal(run, "0.125", "votes_MN", votes_MN)
    save_signal(run, "0.125", "validation_votes_MV", np.zeros((len(voters), 40)))
    results = run.results()
    return round_tables.consensus(results, results.rounds[1])


def test_consensus_takes_the_last_checkpoints_of_the_best_and_the_last_of_each_member(run):
    # Member 1 is best at its last epoch, though member 0 was better earlier.
    voters = [
        Voter(0, 0, 7, 0.99),
        Voter(1, 0, 8, 0.5),
        Voter(2, 1, 6, 0.5),
        Voter(3, 1, 7, 0.5),
        Voter(4, 1, 8, 0.9),
    ]
    votes_MN = np.zeros((5, 80))
    votes_MN[2] = 1  # the earliest checkpoint of member 1 disagrees everywhere,
    votes_MN[1] = 2  # and so does the last one of member 0
    assert write_voters(run, voters, votes_MN) == [
        {
            "ensemble": "0.125",
            "voters": 2,
            "checkpoints_all": 100.0,
            "checkpoints_pairs": 100.0,
            "members_all": 0.0,
            "members_pairs": 0.0,
        },
        {
            "ensemble": "0.125",
            "voters": 3,
            "checkpoints_all": 0.0,
            "checkpoints_pairs": 0.0,  # the earliest and the next, not the mean over the pairs
            "members_all": None,
            "members_pairs": None,
        },
    ]


def test_consensus_has_each_consecutive_pair_of_checkpoints_in_a_row(run):
    """Counted backwards from the last, and of members forwards from the first (Fig. 4)."""
    num_unselected = 80 - len(run.results().subsets["0.125"].index_P)
    rows_N = np.setdiff1d(np.arange(80), run.results().subsets["0.125"].index_P)
    votes_MN = np.zeros((4, 80))
    for epoch, num_other in enumerate((7, 4, 1)):  # from each checkpoint to the next
        votes_MN[: epoch + 1, rows_N[:num_other]] += 1
    rows = write_voters(run, [Voter(k, 0, 5 + k, 0.5) for k in range(4)], votes_MN)
    shares = [round(100 * (1 - num / num_unselected), 2) for num in (1, 4, 7)]
    assert [row["checkpoints_pairs"] for row in rows] == shares
    assert [row["checkpoints_all"] for row in rows] == shares


def test_consensus_is_of_the_unselected_samples_alone(run):
    votes_MN = np.zeros((2, 80))
    votes_MN[1, run.results().subsets["0.125"].index_P] = 1
    (row,) = write_voters(run, [Voter(0, 0, 8, 0.5), Voter(1, 1, 8, 0.5)], votes_MN)
    assert row["members_all"] == 100.0


def test_the_consensus_of_a_single_voter_is_an_empty_row(run):
    (row,) = write_voters(run, [Voter(0, 0, 8, 0.5)], np.zeros((1, 80)))
    assert set(row.values()) == {"0.125", 2, None}


def test_numbers_are_rounded_without_a_negative_zero():
    assert str(points(-0.001)) == "0.0"
    assert points(98.256) == 98.26
    assert significant(123_456_789.0) == 123_500_000.0


def test_excluded_samples_are_in_no_share_of_everything(finished):
    """Nor can draws share them by chance; what is as brief as half of train has its size."""
    results = excluding(finished.results(), 60)
    targets_N = results.targets_N[:20]
    shares = [round(100 * (targets_N == number).mean(), 2) for number in range(3)]
    assert column(tables.class_shares([results]), "full") == shares
    assert column(tables.overlap([results, results]), "by_chance") == [25.0, 50.0, 100.0]
    matched = replace(results, comparison={"full-matched-0.5": results.comparison["full"]})
    assert matched.compared_by_size()[40] == {"full-matched": "full-matched-0.5"}


def test_everything_trained_as_briefly_stands_at_the_size_that_it_matches(run, add_compared):
    run.set(train_subset_model__length={"epochs": 8})
    add_compared("full-matched", 80)
    draws = run.draws()
    found = {row["size"]: row for row in tables.all_tables(draws)["accuracy/resnet8"]}
    of_target = draws[0].targets["resnet8", "full-matched"].evaluation.mean["accuracy"]
    assert found[20]["full-matched"] == pytest.approx(100 * of_target, abs=0.01)
    assert {found[size]["full-matched"] for size in found if size != 20} == {None}
    summary = summarise(draws)
    assert summary["resnet8"]["full-matched"] == found[20]["full-matched"]
    rows = {row["Subset"].shown: row for row in compared(draws)}
    difference = found[20]["selected"] - found[20]["full-matched"]
    assert rows["selected"]["vs as briefly"].value == pytest.approx(difference, abs=0.02)
    assert rows["everything"]["vs as briefly"].value is None
