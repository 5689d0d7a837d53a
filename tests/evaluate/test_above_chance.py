"""What is above chance: by hand, against all pairs in a loop, and of models that only guess."""

import numpy as np
import pytest
import torch
from scipy import stats

from stages.evaluate import above_chance

NUM_IMAGES = 60


# --- classes -------------------------------------------------------------------------------------


def of_all_pairs(predicted_T, targets_T):
    """The same from the matrix of everything that is said and of everybody it is said of."""
    num = len(targets_T)
    fits = (predicted_T[:, None] == targets_T).astype(float)
    others = fits * ~np.eye(num, dtype=bool) / (num - 1)
    return fits.diagonal() - others.sum(axis=1) - others.sum(axis=0) + others.sum() / num


def test_the_value_of_each_sample_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    targets_T = rng.choice(3, 50, p=[0.7, 0.2, 0.1])
    predicted_T = np.where(rng.random(50) < 0.5, targets_T, rng.integers(0, 4, 50))
    found = above_chance.of_classes(predicted_T, targets_T)
    np.testing.assert_allclose(found, of_all_pairs(predicted_T, targets_T), atol=1e-12)


def test_a_perfect_model_of_four_samples_by_hand():
    """Each label is that of one of the three others: 1 - 1/3 - 1/3 + 1/3."""
    targets_T = np.array([0, 0, 1, 1])
    assert above_chance.of_classes(targets_T, targets_T) == pytest.approx([2 / 3] * 4)


def test_who_always_names_one_class_is_at_chance_however_often_that_is_right():
    targets_T = (np.arange(1000) >= 900).astype(np.int64)
    found = above_chance.of_classes(np.zeros(1000, dtype=np.int64), targets_T)
    assert found.mean() == pytest.approx(0, abs=1e-12)
    assert np.abs(found).max() < 0.001


def test_who_guesses_is_above_chance_once_in_40_times():
    """Classes are named as often as they are there."""
    rng = np.random.default_rng(1)
    num_above, num_runs = 0, 1000
    for _ in range(num_runs):
        targets_T, predicted_T = rng.choice(3, (2, 200), p=[0.7, 0.2, 0.1])
        values_T = above_chance.of_classes(predicted_T, targets_T)
        num_above += values_T.mean() > stats.t.ppf(0.975, 199) * stats.sem(values_T)
    assert num_above / num_runs == pytest.approx(1 / 40, abs=0.012)


# --- objects -------------------------------------------------------------------------------------


def scenes(seed, num_classes):
    """Return images with one to three objects."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(NUM_IMAGES):
        num = rng.integers(1, 4)
        corner = rng.uniform(0, 200, (num, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(20, 60, (num, 2))], axis=1)
        labels = rng.integers(0, num_classes, num)
        images.append({"boxes": torch.tensor(boxes), "labels": torch.tensor(labels)})
    return images


def seen(truth, rng, name=lambda labels: labels):
    """Return boxes that are nearly right, with classes made of the true ones."""
    return [
        {
            "boxes": image["boxes"] + torch.tensor(rng.normal(0, 1, image["boxes"].shape)),
            "labels": torch.as_tensor(name(image["labels"].numpy())),
            "scores": torch.tensor(rng.random(len(image["labels"]))),
        }
        for image in truth
    ]


def lowest(values):
    return values.mean() - stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)


GROUPS = np.arange(NUM_IMAGES) % 20


@pytest.mark.parametrize("num_classes", [1, 3])
def test_a_detector_that_knows_is_far_above_chance(num_classes):
    truth = scenes(0, num_classes)
    found = above_chance.of_objects(seen(truth, np.random.default_rng(1)), truth, GROUPS)
    assert len(found) == 20
    assert lowest(found) > 0.3


@pytest.mark.parametrize("num", [2, 3, 4, 5])
def test_of_few_images_none_is_its_own_chance(num):
    truth = scenes(0, 1)[:num]
    found = above_chance.of_objects(seen(truth, np.random.default_rng(1)), truth, np.arange(num))
    assert found.mean() > 0.9


def test_to_see_where_objects_are_and_to_guess_their_classes_is_chance():
    truth, rng = scenes(0, 3), np.random.default_rng(2)
    for name in (np.zeros_like, lambda labels: rng.integers(0, 3, labels.shape)):
        found = above_chance.of_objects(seen(truth, rng, name), truth, GROUPS)
        assert abs(found.mean()) < 0.05
        assert lowest(found) < 0.005


@pytest.mark.parametrize("num_classes", [1, 3])
def test_what_is_found_in_other_images_is_chance(num_classes):
    truth, others = scenes(0, num_classes), scenes(1, num_classes)
    found = above_chance.of_objects(seen(others, np.random.default_rng(1)), truth, GROUPS)
    assert lowest(found) < 0.005


def test_nothing_found_is_chance():
    truth = scenes(0, 3)
    nothing = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "scores": torch.zeros(0),
    }
    assert above_chance.of_objects([nothing] * NUM_IMAGES, truth, GROUPS).tolist() == [0] * 20
