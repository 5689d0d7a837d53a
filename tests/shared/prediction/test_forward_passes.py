"""Several checkpoints predict the same samples in one pass."""

import weakref

import numpy as np
import pytest
import scipy.special
import torch
import toy

from stages.shared import artifacts, tasks
from stages.shared.artifacts import Checkpoint
from stages.shared.errors import ArtifactError
from stages.shared.networks.batches import normalise, read_batches
from stages.shared.prediction import forward_passes
from stages.shared.samples import loading

CHECKPOINTS = [Checkpoint(member, 4, 0.5, is_best=True, is_last=True) for member in (0, 1)]


class CountingInputs:
    """Images that count how often each row is read."""

    def __init__(self, inputs_NHWK):
        self.inputs_NHWK = inputs_NHWK
        self.reads_N = np.zeros(len(inputs_NHWK), dtype=int)
        self.num_reads = 0

    def __len__(self):
        return len(self.inputs_NHWK)

    def __getitem__(self, rows):
        self.reads_N[rows] += 1
        self.num_reads += 1
        return self.inputs_NHWK[rows]


pytestmark = pytest.mark.usefixtures("on_cpu")


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble")
    toy.write_ensemble(folder, CHECKPOINTS)
    return folder


@pytest.fixture
def predict(prepared, ensemble):
    """Predict the train split; return what each batch yielded."""
    task = tasks.load("image_classification")

    def run(
        checkpoints=CHECKPOINTS, batch_size=16, precision="fp32", inputs=None, views=("identity",)
    ):
        with pytest.MonkeyPatch.context() as patch:
            if inputs is not None:
                patch.setattr(loading, "load_images", lambda *_: inputs)
            batches = forward_passes.forward_passes(
                ensemble, checkpoints, prepared, "train", batch_size, precision
            )
            return list(forward_passes.predict(task, batches, views))

    return run


def joined(batches):
    return torch.cat([probs_MBC for _, probs_MBC in batches], dim=1).numpy()


def test_each_voters_probabilities_stand_in_the_order_of_the_checkpoints(
    predict, prepared, ensemble
):
    found_MNC = joined(predict())
    assert found_MNC.shape == (2, 60, 3)
    assert found_MNC.dtype == np.float32
    for voter, checkpoint in enumerate(CHECKPOINTS):
        _, logits_NC = toy.passed_by_hand(prepared, ensemble, checkpoint)
        expected_NC = scipy.special.softmax(logits_NC, axis=1)
        np.testing.assert_allclose(found_MNC[voter], expected_NC, atol=1e-5)
        others = np.delete(found_MNC, voter, axis=0)
        assert np.abs(others - expected_NC).max(axis=(1, 2)).min() > 0.1


def test_batches_follow_each_other_and_cover_every_sample(predict):
    rows = [(found.start, found.stop) for found, _ in predict(batch_size=25)]
    assert rows == [(0, 25), (25, 50), (50, 60)]


@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_the_batch_size_changes_the_last_bits_at_most(predict, batch_size):
    """A batch of one sample too: normalisations use what training stored."""
    np.testing.assert_allclose(joined(predict(batch_size=batch_size)), joined(predict()), atol=1e-5)


@pytest.mark.parametrize("num_voters", [1, 2])
def test_each_batch_is_read_once_however_many_voters_there_are(predict, prepared, num_voters):
    inputs = CountingInputs(artifacts.load_inputs(prepared, "train"))
    predict(CHECKPOINTS[:num_voters], batch_size=16, inputs=inputs)
    assert inputs.reads_N.tolist() == [1] * 60
    assert inputs.num_reads == 4


def test_a_voter_predicts_the_same_alone_and_among_others(predict):
    found_MNC = joined(predict())
    for voter, checkpoint in enumerate(CHECKPOINTS):
        np.testing.assert_array_equal(joined(predict([checkpoint]))[0], found_MNC[voter])


def test_precision_reaches_the_model_and_probabilities_sum_to_one_in_either(predict):
    fp32, bf16 = (joined(predict(precision=precision)) for precision in ("fp32", "bf16"))
    for found_MNC in (fp32, bf16):
        np.testing.assert_allclose(found_MNC.sum(axis=2), 1, atol=1e-6)
    assert 0 < np.abs(fp32 - bf16).max() < 0.2


def test_with_a_mirrored_view_the_probabilities_are_the_mean_of_both(predict, prepared):
    """Of probabilities, not of logits."""
    inputs = np.array(artifacts.load_inputs(prepared, "train"))
    mirrored_MNC = joined(predict(inputs=np.ascontiguousarray(inputs[:, :, ::-1])))
    expected_MNC = (joined(predict()) + mirrored_MNC) / 2

    found_MNC = joined(predict(views=["identity", "flip"]))

    np.testing.assert_allclose(found_MNC, expected_MNC, atol=1e-6)
    assert np.abs(found_MNC - joined(predict())).max() > 0.01


def test_a_mirrored_view_is_predicted_in_the_precision_of_the_pass(predict, prepared):
    inputs = np.array(artifacts.load_inputs(prepared, "train"))
    mirrored = np.ascontiguousarray(inputs[:, :, ::-1])
    expected_MNC = sum(
        joined(predict(inputs=each, precision="bf16")) for each in (inputs, mirrored)
    )

    found_MNC = joined(predict(views=["identity", "flip"], precision="bf16"))

    np.testing.assert_array_equal(found_MNC, expected_MNC / 2)


def test_samples_are_predicted_as_they_are_in_evaluation(predict, monkeypatch):
    """The models are in evaluation mode, or each batch would decide its own normalisation."""
    task, modes = tasks.load("image_classification"), []
    forward = task.forward

    def watched(model, *arguments):
        modes.append(any(part.training for part in model.modules()))
        return forward(model, *arguments)

    monkeypatch.setattr(task, "forward", watched)
    predict()
    assert modes == [False] * 8  # 2 voters x 4 batches


# --- single passes --------------------------------------------------------------------------------


@pytest.fixture
def passes(prepared, ensemble):
    """Return the forward passes of the train split, none of them made yet."""

    def run(batch_size=16, precision="fp32"):
        return forward_passes.forward_passes(
            ensemble, CHECKPOINTS, prepared, "train", batch_size, precision
        )

    return run


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_pass_tells_what_the_last_layer_read_and_gave(passes, predict, precision):
    task, found_MBC = tasks.load("image_classification"), joined(predict(precision=precision))
    for rows, of_batch in passes(precision=precision):
        for voter, one in enumerate(of_batch):
            assert one.features_BD.dtype == one.outputs_B.dtype == torch.float32
            assert one.features_BD.shape == (rows.stop - rows.start, 64)
            with torch.inference_mode():
                assert torch.equal(one.model.classifier(one.features_BD), one.outputs_B)
            probs_BC = task.probabilities(one.outputs_B)
            np.testing.assert_array_equal(probs_BC, found_MBC[voter, rows])


def test_a_pass_is_made_once_and_when_it_is_asked_for(passes, monkeypatch):
    task, made = tasks.load("image_classification"), []
    forward = task.forward

    def watched(*arguments):
        made.append(1)
        return forward(*arguments)

    monkeypatch.setattr(task, "forward", watched)
    _, of_batch = next(passes())
    assert made == []
    for number, _ in enumerate(of_batch, start=1):
        assert len(made) == number


def test_features_of_a_pass_are_let_go_with_it(passes):
    """Of many voters no more are alive than are used."""
    seen = []
    for _, of_batch in passes():
        for one in of_batch:
            seen.append(weakref.ref(one.features_BD))
            assert sum(reference() is not None for reference in seen) <= 2


def test_inputs_of_a_pass_can_be_differentiated_through(passes):
    _, of_batch = next(passes())
    one = next(of_batch)
    one.model(one.inputs_B).sum().backward()
    assert all(parameter.grad is not None for parameter in one.model.parameters())


def test_rows_in_any_order_make_a_batch(prepared):
    inputs, meta = artifacts.load_inputs(prepared, "train"), artifacts.load_meta(prepared)
    rows = np.array([50, 3, 3, 17])
    expected = normalise(torch.from_numpy(np.array(inputs)), meta)[rows]
    (found,) = read_batches(prepared, "train", [rows], meta, torch.device("cpu"))
    assert torch.equal(found, expected)


def test_weights_of_another_model_are_refused(predict, prepared, tmp_path):
    toy.write_ensemble(tmp_path, CHECKPOINTS[:1])
    described = artifacts.load_ensemble(tmp_path)
    other = artifacts.Ensemble("resnet8", 4, described.input_shape, described.checkpoints)
    artifacts.save_ensemble(tmp_path, other)
    with pytest.raises(
        ArtifactError, match=r"bias is float32 \[3\]; in the model it is float32 \[4\]"
    ):
        next(
            forward_passes.forward_passes(tmp_path, CHECKPOINTS[:1], prepared, "train", 16, "fp32")
        )
