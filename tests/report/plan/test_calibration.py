"""Tests for commands/plan/{calibration,trials,generated}.py: every kind of model is tried."""

from dataclasses import replace

import pytest
import toy
import toy_scenes
import toy_texts
from PIL import Image

from commands.plan import calibration, generated, trials
from commands.plan.trials import Trial
from commands.plan.work import Predictions, Trainings
from stages.shared.artifacts import Meta
from stages.shared.prediction.flops import forward_flops
from stages.shared.settings.params import check_params

IMAGES = Meta("image_classification", "toy", ["a", "b", "c"], [8, 8, 1], [0.5], [0.2], {}, "")
TEXTS = Meta("text_classification", "toy", ["a", "b"], [60], [9.0], [2.0], {}, "")
CASES = {
    "images": (IMAGES, "resnet8_quarter", toy.default_params()),
    "scenes": (replace(toy_scenes.meta(), num_samples={}), "unet_detector_small", None),
    "texts": (TEXTS, "fasttext", toy_texts.params("")),
}


def settings_of(content):
    content = content or toy.default_params()
    return check_params(content).train_ensemble.model_copy(update={"batch_size": 8})


@pytest.fixture(autouse=True)
def on_the_processor(monkeypatch):
    monkeypatch.setenv("SUBSET_DEVICE", "cpu")


@pytest.mark.parametrize("case", CASES)
def test_a_model_trains_for_a_moment(case):
    meta, model, content = CASES[case]
    trainings = Trainings(model, settings_of(content), 20, 10, num_members=2)

    rate = trials.train_a_moment(Trial(meta, 0.01, trainings), lambda message: None)

    assert 0 < rate.seconds_per_pass < 1
    assert rate.flops_per_pass == forward_flops(model, meta)
    assert rate.process_bytes > 1e7
    assert rate.gpu_bytes == 0


@pytest.mark.parametrize("case", CASES)
def test_a_model_predicts_for_a_moment(case):
    meta, model, _ = CASES[case]
    predictions = Predictions(model, 4, 100, 100, 8, ("identity",), "fp32")

    rate = trials.predict_a_moment(Trial(meta, 0.01, predictions), lambda message: None)

    assert 0 < rate.seconds_per_pass < 1
    assert rate.flops_per_pass == forward_flops(model, meta)
    assert bool(rate.num_features) == (case != "scenes")


def test_weights_are_counted_as_they_are_written(tmp_path):
    from stages.shared import models
    from stages.shared.artifacts.weights import save_weights

    save_weights(tmp_path / "w", models.build("resnet8", 3, [8, 8, 1]))
    written = (tmp_path / "w").stat().st_size
    assert trials._weights_bytes("resnet8", IMAGES) == pytest.approx(written, rel=0.1)


def test_trainings_that_take_the_same_time_for_an_image_are_tried_once():
    params = check_params(toy.default_params())
    many = [
        Trainings("resnet8", params.train_subset_model, picks, 10, 4)
        for picks in (100, 16 * 64, 2000, 50_000)
    ]
    assert len({calibration._training_key(each) for each in many}) == 2
    other = Trainings("resnet8", params.train_ensemble, 100, 10, 4)
    assert calibration._training_key(other) != calibration._training_key(many[0])


def test_a_batch_that_would_take_too_long_is_cut(monkeypatch):
    import torch

    device = torch.device("cpu")
    assert trials._batch(1e6, 128, device) == 128
    assert trials._batch(1e9, 128, device) == 20  # 2e10 FLOP/s for a second
    assert trials._batch(1e12, 128, device) == 3


def test_generated_data_has_what_the_meta_says(tmp_path):
    written = generated.write(tmp_path, TEXTS, 5)
    assert written.num_samples == {"train": 5, "validation": 5}


def test_decoding_is_measured_on_the_users_files(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    dataset = check_params(toy.default_params()).dataset

    assert 0 < calibration._seconds_to_decode([tmp_path / "a.png"], dataset) < 1
    assert calibration._seconds_to_decode([], dataset) == 0
