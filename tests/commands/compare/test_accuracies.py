"""Changes of the accuracy: hand-computed values, and pairing that does what it says."""

import math

import numpy as np
import pytest

from commands.compare.accuracies import (
    Evaluated,
    accuracy_changes,
    difference,
    load_evaluated,
)
from stages.report.formulas.statistics import Measured, paired_difference
from stages.shared import artifacts
from stages.shared.errors import ArtifactError, ParamsError

IDS = ["a", "b", "c", "d"]


def measured(*rows):
    values_MT = np.array(rows, dtype=float)
    return Measured(values_MT.mean(axis=1), values_MT)


def evaluated(found, random_seed=0, test_ids=IDS):
    return Evaluated(f"seed-{random_seed}", 0.5, test_ids, {("net", "selected"): found})


BEFORE = measured([0, 0, 100, 100], [0, 100, 100, 100])  # 50 and 75 points
AFTER = measured([0, 100, 100, 100], [100, 100, 100, 100])  # 75 and 100


def test_members_and_samples_are_paired_where_seed_and_test_split_are_one():
    [change] = accuracy_changes(evaluated(BEFORE), evaluated(AFTER))

    assert (change.model, change.subset) == ("net", "selected")
    assert (change.before, change.after) == (62.5, 87.5)
    assert change.difference == paired_difference(AFTER, BEFORE)
    # Both members gain 25; by sample the members' means gain 50, 50, 0, 0.
    assert change.difference.value == 25
    assert change.difference.samples == pytest.approx(4 * 25**2 / 3 / 4)
    assert change.paired_by == "member and sample"


@pytest.mark.parametrize(
    "second", [evaluated(AFTER, random_seed=1), evaluated(measured(*AFTER.samples_RT, [0] * 4))]
)
def test_samples_alone_are_paired_where_the_members_are_others(second):
    [change] = accuracy_changes(evaluated(BEFORE), second)

    assert change.paired_by == "sample"
    after = second.measured["net", "selected"]
    errors = [
        np.std(found.values_R, ddof=1) ** 2 / len(found.values_R) for found in (BEFORE, after)
    ]
    gains_T = after.samples_RT.mean(axis=0) - BEFORE.samples_RT.mean(axis=0)
    assert change.difference.value == pytest.approx(gains_T.mean())
    assert change.difference.rows == pytest.approx(sum(errors))
    assert change.difference.samples == pytest.approx(np.var(gains_T, ddof=1) / 4)


def test_nothing_is_paired_over_other_test_samples():
    [change] = accuracy_changes(evaluated(BEFORE), evaluated(AFTER, test_ids=[*IDS[:3], "e"]))

    assert change.paired_by == "nothing"
    # Of each, the standard error of its samples' means: 0 50 100 100 and 50 100 100 100.
    errors = [np.std(values, ddof=1) / 2 for values in ([0, 50, 100, 100], [50, 100, 100, 100])]
    assert change.difference.samples == pytest.approx(sum(np.square(errors)))


def test_an_unpaired_difference_of_equal_measurements_is_uncertain_and_a_paired_one_is_not():
    assert difference(BEFORE, BEFORE, "nothing").standard_error > 10
    assert difference(BEFORE, BEFORE, "member and sample").standard_error == 0


def test_one_member_says_nothing_of_other_trainings():
    one = measured([0, 0, 100, 100])
    found = difference(one, AFTER, "sample")
    assert math.isnan(found.standard_error)
    assert found.interval == (-math.inf, math.inf)


def test_what_only_one_revision_evaluated_is_left_out():
    nothing = Evaluated(0, 0.5, IDS, {("other", "selected"): AFTER})
    assert list(accuracy_changes(evaluated(BEFORE), nothing)) == []


def test_evaluations_are_read_in_points_in_the_order_of_the_test_samples_ids(first, files_of):
    ids = [f"test-{row}" for row in reversed(range(60))]
    artifacts.save_sample_ids(first / "data/prepared", "test", ids)

    found = load_evaluated(files_of("first", first), "accuracy")

    assert found.test_units == sorted(ids)
    assert list(found.measured) == [("resnet8", name) for name in ("selected", "random", "full")]
    stored = np.load(first / "data/evaluation/resnet8-random/seed-0/values/accuracy.npy")
    values = found.measured["resnet8", "random"]
    np.testing.assert_allclose(values.values_R, 100 * stored.mean(axis=1))
    by_id = dict(zip(ids, stored.T.tolist(), strict=True))
    assert (values.samples_RT.T / 100).tolist() == [by_id[name] for name in found.test_units]


def test_groups_of_test_samples_are_what_is_paired(first, files_of):
    for folder in (first / "data/evaluation").glob("resnet8-*/seed-0/values"):
        values_MT = np.load(folder / "accuracy.npy").astype(float)
        by_group = values_MT.reshape(-1, 30, 2).mean(axis=2)
        artifacts.save_array(folder / "accuracy.npy", by_group)
    artifacts.save_groups(first / "data/prepared", "test", [f"{row // 2}" for row in range(60)])

    found = load_evaluated(files_of("first", first), "accuracy")

    assert found.measured["resnet8", "random"].samples_RT.shape[1] == 30
    assert found.test_units[:3] == ["test-0 in 0", "test-1 in 0", "test-2 in 1"]


def test_a_metric_that_a_revision_lacks_is_named_with_the_revision(first, files_of):
    with pytest.raises(ArtifactError, match=r"^first:data/evaluation/.+: f2 is missing"):
        load_evaluated(files_of("first", first), "f2")


def test_an_unknown_task_is_refused(first, files_of):
    path = first / "params.yaml"
    path.write_text(path.read_text().replace("task: image_classification", "task: poetry"))
    with pytest.raises(ParamsError, match=r"^first:params.yaml: task is 'poetry'; choose one of "):
        load_evaluated(files_of("first", first), "accuracy")
