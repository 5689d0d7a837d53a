"""Tests for commands/plan/{trials,generated}.py: every kind of model is tried."""

from dataclasses import replace

import pytest
import toy
import toy_scenes
import toy_texts
import toy_vectors
from PIL import Image

from commands.plan import generated, trials
from commands.plan.data_sets import Data
from commands.plan.work import Predictions, Trainings
from stages.shared.artifacts import Meta
from stages.shared.errors import TrainingError
from stages.shared.settings.params import check_params
from stages.shared.training import loop

IMAGES = Meta("image_classification", "toy", ["a", "b", "c"], [8, 8, 1], [0.5], [0.2], {}, "")
TEXTS = Meta("text_classification", "toy", ["a", "b"], [60], [9.0], [2.0], {}, "")
VECTORS = Meta("vector_classification", "toy", ["a", "b"], [3], [0.0] * 3, [1.0] * 3, {}, "")
CASES = {
    "images": (IMAGES, "resnet8_quarter", toy.default_params()),
    "scenes": (replace(toy_scenes.meta(), num_samples={}), "unet_detector_small", None),
    "texts": (TEXTS, "fasttext", toy_texts.params("")),
    "vectors": (VECTORS, "mlp_probe", toy_vectors.params("")),
}


def settings_of(content=None, section="train_ensemble"):
    params = check_params(content or toy.default_params())
    return getattr(params, section).model_copy(update={"batch_size": 8})


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch):
    monkeypatch.setenv("SUBSET_DEVICE", "cpu")
    monkeypatch.setattr(trials, "SECONDS", 0.01)
    monkeypatch.setattr(trials, "STARTS", 1)


@pytest.mark.parametrize("case", CASES)
def test_a_model_trains_for_a_moment(case):
    meta, model, content = CASES[case]
    trainings = Trainings(model, settings_of(content), 20, 10, num_members=2)

    rate = trials.train_a_moment((meta, trainings), lambda message: None)

    assert 0 < rate.seconds_per_image < 1
    assert rate.process_bytes > 1e7


def test_weights_are_counted_as_they_are_written(tmp_path):
    from stages.shared import models
    from stages.shared.artifacts.weights import save_weights

    save_weights(tmp_path / "w", models.build("resnet8", 3, [8, 8, 1]))
    written = (tmp_path / "w").stat().st_size
    assert trials._weights_bytes("resnet8", IMAGES) == pytest.approx(written, rel=0.1)


def test_trainings_that_take_the_same_time_for_an_image_are_tried_once(monkeypatch):
    settings = settings_of(section="train_subset_model")  # batches of 8, of which 16 are tried
    of = {picks: Trainings("resnet8", settings, picks, 10, 4) for picks in (100, 128, 50_000)}
    other = Trainings("resnet8", settings_of(), 100, 10, 4)
    tried = []
    monkeypatch.setattr(trials, "_rate", lambda work, meta: tried.append(work))

    trials.measure(
        [*of.values(), other, Predictions(other, 4, 100), None],
        Data(IMAGES, is_prepared=True),
        check_params(toy.default_params()).dataset,
    )

    assert len(tried) == 3  # 100; 128 and 50,000; the other section's, whose model predicts too
    assert {each.num_picks for each in tried} & {100, 50_000} == {100, 50_000}


def test_a_batch_that_would_take_too_long_is_cut(monkeypatch):
    trainings = Trainings("resnet8", settings_of(), 100, 10, 1)
    for flops, batch in ((1e6, 8), (1.3e9, 5), (1e12, 3)):  # 2e10 a second; three for a training
        monkeypatch.setattr(
            "stages.shared.prediction.flops.forward_flops", lambda model, meta, each=flops: each
        )
        assert trials._batch(trainings, IMAGES, "cpu") == batch


def test_a_training_that_does_not_fit_on_the_gpu_is_one_line(monkeypatch):
    import torch

    def overflow(*arguments):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(loop, "train", overflow)
    trainings = Trainings("resnet8_quarter", settings_of(), 20, 10, num_members=2)
    with pytest.raises(TrainingError, match="does not fit on the GPU in batches of 8, "):
        trials.train_a_moment((IMAGES, trainings), lambda message: None)


@pytest.mark.parametrize("meta", [IMAGES, TEXTS, VECTORS], ids=lambda meta: meta.task)
def test_generated_data_has_what_the_meta_says(tmp_path, meta):
    written = generated.write(tmp_path, meta, 5)
    assert written.num_samples == {"train": 5, "validation": 5}


def test_decoding_is_measured_on_the_users_files(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    dataset = check_params(toy.default_params()).dataset

    assert 0 < trials._seconds_to_decode([tmp_path / "a.png"], dataset) < 1
    assert trials._seconds_to_decode([], dataset) < 0.1
