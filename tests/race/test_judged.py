"""What judged samples say of judges: on validation the very values that evaluate writes."""

import shutil

import numpy as np
import pytest
import toy
import toy_scenes

from stages.evaluate import classification, detection
from stages.race import judged_by_classification, judged_by_detection
from stages.shared import artifacts
from stages.shared.artifacts import Checkpoint
from stages.shared.measuring import jackknife
from stages.shared.prediction.forward_passes import Voters
from stages.shared.settings.sections import Evaluate

pytestmark = pytest.mark.usefixtures("on_cpu")
SETTINGS = Evaluate(weights="last", batch_size=7, views=["identity"], ensembles=[])
NOBODY = np.empty(0, dtype=np.int64)
CHECKPOINTS = [Checkpoint(member, 1, 0.5, is_best=True, is_last=True) for member in (0, 1)]


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifiers")
    toy.write_ensemble(folder, CHECKPOINTS)
    return folder


def test_a_classifier_is_right_where_evaluate_says_so(prepared, classifiers):
    voters = Voters.of(classifiers, CHECKPOINTS)
    evaluated = classification.evaluate(prepared, classifiers, CHECKPOINTS, SETTINGS)
    found = judged_by_classification.values(prepared, voters, NOBODY, "accuracy", SETTINGS)
    assert np.array_equal(found, evaluated.values["validation_accuracy"])


def test_held_out_samples_stand_behind_those_of_validation(prepared, classifiers):
    voters = Voters.of(classifiers, CHECKPOINTS)
    rows = np.array([3, 7, 8, 20, 33, 41, 50, 59])
    of_validation, both = (
        judged_by_classification.values(prepared, voters, held_out, "accuracy", SETTINGS)
        for held_out in (NOBODY, rows)
    )
    assert np.array_equal(both[:, :20], of_validation)
    one_by_one = [
        judged_by_classification.values(prepared, voters, rows[[place]], "accuracy", SETTINGS)
        for place in range(len(rows))
    ]
    assert np.array_equal(both[:, 20:], np.hstack([each[:, 20:] for each in one_by_one]))


def test_judges_count_whole_groups_where_samples_have_some(prepared, classifiers, tmp_path):
    shutil.copytree(prepared, tmp_path / "prepared")
    voters, rows = Voters.of(classifiers, CHECKPOINTS), np.array([3, 4, 5, 50])
    for split, num in artifacts.load_meta(prepared).num_samples.items():
        numbers = (np.arange(num) // 10).tolist()
        artifacts.save_groups(tmp_path / "prepared", split, [f"{split} {n}" for n in numbers])
    alone, grouped = (
        judged_by_classification.values(folder, voters, rows, "accuracy", SETTINGS)
        for folder in (prepared, tmp_path / "prepared")
    )
    assert grouped.shape == (2, 4)  # two of validation, two of train
    np.testing.assert_allclose(grouped.mean(axis=1), alone.mean(axis=1))
    mean_M1 = alone.mean(axis=1, keepdims=True)
    off_M2 = [(alone - mean_M1)[:, part].sum(axis=1) for part in (slice(20, 23), slice(23, 24))]
    np.testing.assert_allclose(grouped[:, 2:], mean_M1 + 4 / 24 * np.transpose(off_M2))


def test_another_metric_is_judged_by_its_pseudo_values(prepared, classifiers):
    voters = Voters.of(classifiers, CHECKPOINTS)
    found = judged_by_classification.values(prepared, voters, NOBODY, "macro_f1", SETTINGS)
    right = judged_by_classification.values(prepared, voters, NOBODY, "accuracy", SETTINGS)
    assert found.shape == right.shape
    for values_V, right_V in zip(found, right == 1, strict=True):
        assert 0 < right_V.sum() < len(right_V)
        assert values_V[right_V].mean() > values_V[~right_V].mean()


def test_a_detector_is_judged_by_groups_of_images_as_evaluate_does(tmp_path):
    toy_scenes.write_prepared(tmp_path / "prepared")
    checkpoints = toy_scenes.write_ensemble(tmp_path / "model", 1)
    voters = Voters.of(tmp_path / "model", checkpoints)
    evaluated = detection.evaluate(tmp_path / "prepared", tmp_path / "model", checkpoints, SETTINGS)
    metric = "mean_average_precision"
    found = judged_by_detection.values(tmp_path / "prepared", voters, NOBODY, metric, SETTINGS)
    assert np.array_equal(found, evaluated.values[f"validation_{metric}"])

    rows = np.arange(0, 40, 3)
    more = judged_by_detection.values(tmp_path / "prepared", voters, rows, metric, SETTINGS)
    assert more.shape == (1, jackknife.NUM_GROUPS)  # of 12 and 14 images
