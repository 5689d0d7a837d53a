"""Probes on embeddings of images: ensemble and target read them in place of the images."""

from pathlib import Path

import in_process
import numpy as np
import pytest
import toy

from stages.embed.__main__ import main as embed
from stages.evaluate.__main__ import main as evaluate
from stages.predict_pool.__main__ import main as predict
from stages.shared import artifacts, models
from stages.shared.errors import ParamsError
from stages.shared.settings.params import check_params
from stages.train_ensemble.__main__ import main as train_ensemble
from stages.train_subset_model.__main__ import main as train_target

PREPARED, EMBEDDINGS = Path("prepared"), Path("embeddings")
PLAIN = {"crop_padding": 0, "border": "black", "horizontal_flip": False, "scale": [1.0, 1.0]}


def content_of():
    """Return the content of a params.yaml whose ensemble and target are probes."""
    content = toy.default_params()
    content["embed"]["model"] = "resnet8_quarter"
    content["race"]["judge"] = content["train_ensemble"]["model"] = "linear_probe"
    content["compare"]["models"] = ["linear_probe"]
    content["predict_pool"]["signals"] = ["features"]
    for section in ("train_ensemble", "train_subset_model"):
        content[section] |= {"members": 2, "length": {"updates": 30}, "augmentation": dict(PLAIN)}
    return content


def test_an_ensemble_and_a_target_of_probes_learn_from_embeddings(prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_process.patch(monkeypatch)
    toy.write_params(tmp_path, content_of())
    (tmp_path / "prepared").symlink_to(prepared)
    Path("weights").touch()
    embed(PREPARED, Path("weights"), EMBEDDINGS)
    artifacts.save_subset(Path("subset/seed-0.csv"), toy.picks(list(range(40))))

    of_ensemble = (Path("subset"), Path("weights"), Path("ensemble"), Path("h"), Path("d"))
    train_ensemble(PREPARED, EMBEDDINGS, *of_ensemble)
    predict(PREPARED, EMBEDDINGS, Path("ensemble"), Path("signals"))
    signals = Path("signals/seed-0")
    assert artifacts.load_validation(signals).ensemble_accuracy > 0.5  # a third by guessing
    features_ND = artifacts.load_signal(signals, "features_ND", 60)
    meta = artifacts.load_meta(EMBEDDINGS)
    vectors_ND = artifacts.load_vectors(EMBEDDINGS, "train").astype(np.float64)
    std_D = np.where(np.array(meta.std) > 0, meta.std, 1)
    np.testing.assert_allclose(features_ND, (vectors_ND - meta.mean) / std_D, rtol=1e-3, atol=1e-3)

    of_target = (Path("subset"), Path("none"), Path("weights"), Path("target"), Path("h2"))
    train_target("linear_probe", PREPARED, EMBEDDINGS, *of_target)
    evaluate(PREPARED, EMBEDDINGS, Path("target"), Path("evaluation"))
    described = artifacts.load_ensemble(Path("target/seed-0"))
    assert (described.model, described.input_shape) == ("linear_probe", [features_ND.shape[1]])
    found = artifacts.load_evaluation(Path("evaluation/seed-0"), ["accuracy"], {"test": 20})
    assert found.mean["accuracy"] > 0.5


def test_models_of_images_read_images():
    for name in models.names("image_classification"):
        reads = models.takes_embeddings("image_classification", name)
        assert reads == name.endswith("_probe")
    assert not models.takes_embeddings("vector_classification", "linear_probe")


WRONG = {
    "embed.model": ("none", "train_ensemble.model is linear_probe, which reads embeddings; "),
    "embed.model ": ("mlp_probe", "embed.model is 'mlp_probe'; choose one of"),
    "train_ensemble.first_layer": ("whitened", "it must be 'trained' with linear_probe"),
    "train_subset_model.augmentation.crop_padding": (2, "it must be 0 with linear_probe"),
    "predict_pool.views": (["identity", "flip"], "it must be [identity] with linear_probe"),
    "evaluate.views": (["identity", "flip"], "it must be [identity] with linear_probe"),
}


@pytest.mark.parametrize("key", WRONG)
def test_what_makes_no_sense_with_embeddings_is_refused_in_one_line(key):
    value, expected = WRONG[key]
    content = content_of()
    content["dataset"]["name"] = "imagefolder"
    check_params(content)
    toy.set_values(content, {key.strip(): value})
    with pytest.raises(ParamsError) as refused:
        check_params(content)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
