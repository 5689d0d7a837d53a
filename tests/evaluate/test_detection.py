"""Tests for stages/evaluate/detection.py and stages/shared/measuring."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import toy_scenes

from stages.evaluate import detection
from stages.shared import artifacts, tasks
from stages.shared.errors import ArtifactError
from stages.shared.measuring import jackknife
from stages.shared.measuring.average_precision import measure, weighted
from stages.shared.measuring.jackknife import groups
from stages.shared.measuring.object_matches import AREAS, iou, match
from stages.shared.settings.sections import Evaluate

pytestmark = pytest.mark.usefixtures("on_cpu")
SETTINGS = Evaluate(weights="last", batch_size=7, views=["identity"], ensembles=[])
BOX = [10.0, 10.0, 30.0, 30.0]
OTHER = [50.0, 50.0, 70.0, 70.0]


def image(boxes, labels, scores=None):
    made = {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }
    return made if scores is None else {**made, "scores": torch.tensor(scores)}


def scenes(num, seed=0, num_classes=3, sizes=(10, 150)):
    """Return true and found objects: some well placed, some badly, some of another class."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(num):
        size = rng.integers(0, 6)
        corner = rng.uniform(0, 200, (size, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(*sizes, (size, 2))], axis=1)
        labels = rng.integers(0, num_classes, size)
        truth.append(image(boxes, labels))
        seen = np.concatenate([boxes + rng.normal(0, 4, boxes.shape), boxes[: size // 2] + 15])
        seen_labels = np.where(rng.random(len(seen)) < 0.8, [*labels, *labels[: size // 2]], 0)
        found.append(image(seen, seen_labels, rng.random(len(seen)).astype(np.float32).tolist()))
    return found, truth


def test_what_is_found_exactly_has_precision_one():
    _, truth = scenes(10)
    found = [{**one, "scores": torch.full((len(one["labels"]),), 0.7)} for one in truth]
    result = measure(found, truth)
    assert (result.whole, result.at_50, result.weighted) == pytest.approx((1, 1, 1))
    assert result.by_class == pytest.approx({0: 1, 1: 1, 2: 1})


def test_precision_by_hand():
    """Of two objects one is found, after a box that is none: precision 1/2 up to recall 1/2.

    The box that is right covers 0.78 of its object: it counts at 6 of the 10 thresholds. 51 of the
    101 recalls are reached.
    """
    found = [image([[100, 100, 110, 110], [10, 10, 30, 25.6]], [0, 0], [0.9, 0.8])]
    truth = [image([BOX, OTHER], [0, 0])]
    result = measure(found, truth)
    assert result.at_50 == pytest.approx(51 / 101 / 2)
    assert result.whole == pytest.approx(0.6 * 51 / 101 / 2)


def test_classes_without_objects_count_for_nothing():
    truth = [image([BOX], [0])]
    result = measure([image([BOX, OTHER], [0, 1], [0.9, 0.8])], truth)
    assert result.whole == pytest.approx(1)
    assert result.by_class == {0: pytest.approx(1)}


def test_sizes_are_weighted_1_2_3_and_those_without_objects_are_left_out():
    def of(small, medium, large):
        return weighted({"map_small": small, "map_medium": medium, "map_large": large})

    assert of(0.6, 0.3, 0.8) == pytest.approx((0.6 + 0.6 + 2.4) / 6)
    assert of(0.6, -1, 0.8) == pytest.approx((0.6 + 2.4) / 4)
    assert of(0.6, -1, -1) == pytest.approx(0.6)


def test_sizes_are_those_of_coco():
    """Edges of 31, 33 and 97 pixels; only the large one is found."""
    boxes = [[0, 0, 31, 31], [40, 0, 73, 33], [100, 100, 197, 197]]
    result = measure([image(boxes[2:], [0], [0.9])], [image(boxes, [0, 0, 0])])
    assert result.weighted == pytest.approx(3 / 6)


def test_iou_by_hand():
    found = iou(np.array([[0, 0, 4, 4], [0, 0, 0, 0.0]]), np.array([[2, 2, 6, 6], [5, 5, 6, 6.0]]))
    np.testing.assert_allclose(found, [[4 / 28, 0], [0, 0]])


def matched(found, truth):
    return {size: match(found, truth, areas) for size, areas in AREAS.items()}


@pytest.mark.parametrize("seed", range(5))
def test_precisions_of_the_jackknife_are_those_of_torchmetrics(seed):
    """Of objects of all sizes: edges of 5 to 150 pixels."""
    found, truth = scenes(25, seed, sizes=(5, 150))
    precisions = jackknife.precisions(matched(found, truth), np.ones(25, dtype=bool))
    expected = measure(found, truth)
    for part, value in precisions.items():
        assert value == pytest.approx(getattr(expected, part), abs=1e-6), part
    assert len({round(value, 3) for value in precisions.values()}) == 3


def test_leaving_out_images_is_measuring_the_others():
    found, truth = scenes(20, sizes=(5, 150))
    groups_T = np.arange(20) % 4
    values = jackknife.of_objects(found, truth, groups_T)
    whole = measure(found, truth)
    for part, pseudo_values in values.items():
        without = []
        for group in range(4):
            kept = np.flatnonzero(groups_T != group)
            left = measure([found[row] for row in kept], [truth[row] for row in kept])
            without.append(getattr(left, part))
        # The usual pseudo-values, moved to where their mean is the metric.
        usual = 4 * getattr(whole, part) - 3 * np.array(without)
        expected = usual + getattr(whole, part) - usual.mean()
        np.testing.assert_allclose(pseudo_values, expected, atol=1e-5)
        assert pseudo_values.mean() == pytest.approx(getattr(whole, part), abs=1e-6)


def test_nothing_found_and_nothing_left_are_zero():
    truth = [image([BOX], [0]), image([], [])]
    nothing = [image([], [], []), image([], [], [])]
    groups_T = np.array([0, 1])
    for values in jackknife.of_objects(nothing, truth, groups_T).values():
        assert values.tolist() == [0, 0]
    found = [image([BOX], [0], [0.9]), image([BOX], [0], [0.1])]
    # Without the first image there is nothing to find.
    values = jackknife.of_objects(found, truth, groups_T)["whole"]
    assert values.tolist() == pytest.approx([1.5, 0.5])


def test_groups_are_nearly_equal_and_decided_by_the_ids_alone():
    names = [f"test-{row}" for row in range(107)]
    found = groups(names)
    assert np.bincount(found).tolist() == [6] * 7 + [5] * 13
    assert groups(names[::-1]).tolist() == found[::-1].tolist()
    assert groups(names[:3]).max() == 2


@pytest.fixture(scope="module")
def scenes_and_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    toy_scenes.write_prepared(folder / "prepared")
    return folder, toy_scenes.write_ensemble(folder / "model", 2)


def evaluated(folder, checkpoints):
    return detection.evaluate(folder / "prepared", folder / "model", checkpoints, SETTINGS)


def test_an_evaluation_is_what_the_rest_of_the_pipeline_reads(scenes_and_model, tmp_path):
    folder, checkpoints = scenes_and_model
    found = evaluated(folder, checkpoints)
    artifacts.save_evaluation(tmp_path / "first", found)
    artifacts.save_evaluation(tmp_path / "second", evaluated(folder, checkpoints))
    rules = tasks.rules("object_detection")
    names = [*rules.metrics, rules.validation_metric, "above_chance"]
    of_ensemble = [f"ensemble_{name}" for name in rules.metrics]
    loaded = artifacts.load_evaluation(tmp_path / "first", [*names, *of_ensemble], {})
    assert list(loaded.ensemble) == names == list(detection.METRICS)
    shapes = {name: values_MT.shape for name, values_MT in loaded.values.items()}
    # Of validation there are fewer images than groups.
    assert shapes == {
        **dict.fromkeys([*rules.metrics, "above_chance"], (2, 20)),
        **dict.fromkeys(of_ensemble, (1, 20)),
        rules.validation_metric: (2, 12),
    }
    for values in [*loaded.members, loaded.ensemble]:
        assert all(0 <= values[name] <= 1 for name in names[:-1])
    for name in names:
        assert loaded.mean[name] == np.mean([values[name] for values in loaded.members])
    counts = np.bincount(artifacts.load_boxes(folder / "prepared", "test").class_A)
    assert [loaded.by_class[name]["num"] for name in toy_scenes.CLASS_NAMES] == counts.tolist()
    for name in ("metrics.json", *(f"values/{name}.npy" for name in names)):
        first, second = ((tmp_path / run / name).read_bytes() for run in ("first", "second"))
        assert first == second


def test_perfect_maps_are_worth_one(scenes_and_model, monkeypatch):
    """From the maps of a model that knows everything to the metrics, by member and ensemble."""
    folder, checkpoints = scenes_and_model

    def perfect(_, batches, __):
        del batches
        truth = tasks.load("object_detection").load_targets(
            folder / "prepared", split, torch.device("cpu")
        )
        yield slice(0, len(truth)), toy_scenes.perfect_maps(truth)[None]

    monkeypatch.setattr(detection.forward_passes, "predict", perfect)
    for split in ("test", "validation"):
        truth = detection.load_truth(folder / "prepared", split)
        member, ensemble = detection.predict(
            folder / "prepared", split, folder / "model", checkpoints[:1], SETTINGS
        )
        for images in (member, ensemble):
            assert all(
                len(image["scores"]) == len(true["labels"])
                for image, true in zip(images, truth, strict=True)
            )
            assert measure(images, truth).whole == pytest.approx(1)


def test_an_ensemble_of_equal_members_is_worth_as_much_as_each(scenes_and_model, tmp_path):
    folder, (checkpoint, _) = scenes_and_model
    twice = [checkpoint, replace(checkpoint, member=1, epoch=1)]
    weights = folder / "model" / checkpoint.path
    for one in twice:
        path = tmp_path / "model" / one.path
        path.parent.mkdir(parents=True)
        path.write_bytes(weights.read_bytes())
    ensemble = artifacts.load_ensemble(folder / "model")
    artifacts.save_ensemble(tmp_path / "model", replace(ensemble, checkpoints=twice))
    found = detection.evaluate(folder / "prepared", tmp_path / "model", twice, SETTINGS)
    first, second = ({name: one[name] for name in detection.METRICS} for one in found.members)
    assert first == second == pytest.approx(found.ensemble)


def test_a_split_without_any_object_is_refused_in_one_line(tmp_path):
    artifacts.save_boxes(tmp_path, "test", toy_scenes.listed([([], []), ([], [])]))
    with pytest.raises(ArtifactError, match=r"test: has no object; precision needs one at least$"):
        detection.load_truth(tmp_path, "test")
