"""The signals of the whole pool: what they say, and that memory does not grow with the voters."""

import tracemalloc
import weakref
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
import toy

from stages import predict_pool
from stages.predict_pool import __main__ as stage
from stages.predict_pool import gradient_batches, shards
from stages.predict_pool.pool import Pool
from stages.shared import artifacts, tasks
from stages.shared.artifacts import (
    OPTIONAL_SIGNAL_DTYPES,
    SIGNAL_DTYPES,
    Checkpoint,
    Ensemble,
    Meta,
)
from stages.shared.prediction import forward_passes
from stages.shared.prediction.flops import forward_flops
from stages.shared.prediction.forward_passes import ForwardPass
from stages.shared.settings.sections import GradientNorm, PredictPool, Voters

CHECKPOINTS = [
    Checkpoint(member, epoch, 0.5 + 0.1 * member, is_best=epoch == 3, is_last=True)
    for member in (0, 1)
    for epoch in (3, 4)
]
SAMPLED = np.array([0, 3, 30, 59])
OPTIONAL = ["features", "gradient_norm"]


pytestmark = pytest.mark.usefixtures("on_cpu")


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble")
    toy.write_ensemble(folder, CHECKPOINTS)
    return folder


def settings(norm="l2", parameters="last_layer_weights", **changes):
    base = {
        "batch_size": 80,
        "views": ["identity"],
        "precision": "fp32",
        "voters": Voters(members="all", checkpoints="last", count=2, stride=1),
        "signals": [],
        "gradient_norm": GradientNorm(norm=norm, parameters=parameters),
    }
    return PredictPool(**{**base, **changes})


def written(folder, prepared, ensemble, checkpoints, **changes):
    """Write the signals of the toy pool and read them back."""
    folder.mkdir()
    pool = Pool(prepared, artifacts.load_meta(prepared), ensemble, checkpoints, settings(**changes))
    pool.write_signals(folder, SAMPLED)
    optional = [name for name in OPTIONAL_SIGNAL_DTYPES if (folder / f"{name}.npy").exists()]
    return {
        **artifacts.load_signals(folder, 60),
        **{name: artifacts.load_signal(folder, name, 60) for name in optional},
        "voter_entropy_MS": np.load(folder / "voter_entropy_MS.npy"),
        "sampled_S": np.load(folder / "sampled_S.npy"),
    }


@pytest.fixture
def signals_of(prepared, ensemble, tmp_path):
    """Return what writes signals of the toy pool and reads them back."""

    def write(checkpoints=CHECKPOINTS, **changes):
        folder = tmp_path / f"signals-{len(list(tmp_path.iterdir()))}"
        return written(folder, prepared, ensemble, checkpoints, **changes)

    return write


@pytest.fixture(scope="module")
def usual(prepared, ensemble, tmp_path_factory):
    """The signals with the usual settings."""
    folder = tmp_path_factory.mktemp("usual") / "signals"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUBSET_DEVICE", "cpu")
        return written(folder, prepared, ensemble, CHECKPOINTS)


def cube(ensemble, prepared, split="train", views=("identity",)):
    """Return all probabilities, float32 [M, N, C], in one batch."""
    batches = forward_passes.forward_passes(ensemble, CHECKPOINTS, prepared, split, 80, "fp32")
    ((_, probs_MNC),) = forward_passes.predict(tasks.load("image_classification"), batches, views)
    return probs_MNC


@pytest.fixture
def probs_MNC(prepared, ensemble):  # noqa: N802 - a shape
    """The cube that is never stored, float64."""
    return cube(ensemble, prepared).double().numpy()


# --- what they say --------------------------------------------------------------------------------


def test_with_mirrored_views_the_signals_are_those_of_both_views(signals_of, prepared, ensemble):
    probs_MNC = cube(ensemble, prepared, views=["identity", "flip"]).double().numpy()

    found = signals_of(views=["identity", "flip"])

    np.testing.assert_array_equal(found["votes_MN"], probs_MNC.argmax(axis=2))
    top_N = probs_MNC.mean(axis=0).max(axis=1)
    np.testing.assert_allclose(found["confidence_N"], top_N, atol=1e-6)


def test_signals_are_those_of_the_task(usual, prepared, probs_MNC):
    targets_N = torch.from_numpy(np.array(artifacts.load_targets(prepared, "train")))
    expected = tasks.load("image_classification").signals(torch.from_numpy(probs_MNC), targets_N)
    assert len(np.unique(expected["votes_MN"])) == 3  # the voters disagree
    for name, dtype in SIGNAL_DTYPES.items():
        assert usual[name].dtype == dtype
        np.testing.assert_allclose(usual[name], expected[name], atol=2e-6)


def test_each_voters_own_entropy_is_kept_of_the_sampled_rows(signals_of, probs_MNC):
    found = signals_of(batch_size=7)
    np.testing.assert_array_equal(found["sampled_S"], SAMPLED)
    assert found["voter_entropy_MS"].dtype == np.float32
    expected_MS = scipy.stats.entropy(probs_MNC[:, SAMPLED], axis=2)
    np.testing.assert_allclose(found["voter_entropy_MS"], expected_MS, atol=1e-4)


def test_batches_of_any_size_give_the_same_signals(signals_of, usual):
    found = signals_of(batch_size=7)
    np.testing.assert_array_equal(found["votes_MN"], usual["votes_MN"])
    for name, signal in usual.items():
        np.testing.assert_allclose(found[name], signal, atol=1e-5)


def test_shards_of_a_cluster_give_the_bytes_of_one_pass(signals_of, in_shards):
    expected = signals_of(batch_size=7)
    ran = in_shards(14)
    found = signals_of(batch_size=7)
    assert [[rows.start for rows in shard] for shard in ran] == [
        [0, 7],
        [14, 21],
        [28, 35],
        [42, 49],
        [56],
    ]
    assert found.keys() == expected.keys()
    for name, signal in expected.items():
        np.testing.assert_array_equal(found[name], signal)


def test_a_shard_sends_back_no_more_than_fits():
    batches = forward_passes.batches(1_000_000, 1_000)
    for voters, features in ((1, 0), (1_000, 0), (5, 2_048)):
        length = max(map(len, shards.shards_of(batches, voters, features))) * 1_000
        assert length <= shards.SHARD_SAMPLES
        assert length * (2 * voters + 4 * features) <= shards.SHARD_BYTES
    assert len(shards.shards_of(batches, 10**9, 0)) == len(batches)  # one batch each at least
    assert shards.shards_of([], 5, 0) == []


def test_the_order_of_the_voters_orders_the_votes_and_nothing_else(signals_of, usual):
    of_voters = ("votes_MN", "voter_entropy_MS")
    for name, signal in signals_of(CHECKPOINTS[::-1]).items():
        if name in of_voters:
            np.testing.assert_array_equal(signal, usual[name][::-1])
        else:
            np.testing.assert_allclose(signal, usual[name], rtol=1e-6, atol=1e-7)


def test_bf16_ranks_the_pool_as_fp32_does(signals_of, usual):
    found, expected = signals_of(precision="bf16"), usual
    for name in ("predictive_entropy_N", "confidence_N"):
        assert np.isfinite(found[name]).all()
        assert scipy.stats.spearmanr(found[name], expected[name]).statistic >= 0.99


# --- the optional ones ----------------------------------------------------------------------------


def last_layer_gradients(prepared, ensemble, checkpoint):
    """Return the outer products of p - y and the features, float64 [N, C, D]."""
    features_ND, logits_NC = toy.passed_by_hand(prepared, ensemble, checkpoint)
    onehot_NC = np.eye(3)[artifacts.load_targets(prepared, "train")]
    errors_NC = scipy.special.softmax(logits_NC, axis=1) - onehot_NC
    return errors_NC[:, :, None] * features_ND[:, None]


def test_signals_that_are_not_asked_for_are_not_written(signals_of, usual):
    assert not set(usual) & set(OPTIONAL_SIGNAL_DTYPES)
    for signal, name in (("features", "features_ND"), ("gradient_norm", "gradient_norm_N")):
        found = signals_of(CHECKPOINTS[:1], signals=[signal])
        assert set(found) & set(OPTIONAL_SIGNAL_DTYPES) == {name}


def test_features_are_those_of_the_first_voter(signals_of, prepared, ensemble):
    found_ND = signals_of(signals=["features"], batch_size=25)["features_ND"]
    assert (found_ND.dtype, found_ND.shape) == (np.float32, (60, 64))
    expected_ND, _ = toy.passed_by_hand(prepared, ensemble, CHECKPOINTS[0])
    np.testing.assert_allclose(found_ND, expected_ND, atol=1e-5)
    others_ND, _ = toy.passed_by_hand(prepared, ensemble, CHECKPOINTS[1])
    assert np.abs(others_ND - expected_ND).max() > 0.1


def test_gradient_norms_are_the_mean_over_the_voters(signals_of, prepared, ensemble):
    found_N = signals_of(signals=["gradient_norm"], norm="l1")["gradient_norm_N"]
    norms_MN = [
        abs(last_layer_gradients(prepared, ensemble, checkpoint)).sum(axis=(1, 2))
        for checkpoint in CHECKPOINTS
    ]
    assert found_N.dtype == np.float32
    np.testing.assert_allclose(found_N, np.mean(norms_MN, axis=0), rtol=1e-4, atol=1e-6)
    assert np.ptp(norms_MN, axis=0).max() > 0.1


@pytest.mark.parametrize("parameters", ["last_layer", "all"])
def test_optional_signals_do_not_depend_on_batches(signals_of, parameters):
    changes = {"signals": ["features", "gradient_norm"], "parameters": parameters}
    found = signals_of(CHECKPOINTS[:1], batch_size=7, **changes)
    expected = signals_of(CHECKPOINTS[:1], batch_size=60, **changes)
    for name in OPTIONAL_SIGNAL_DTYPES:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-5)


def test_other_signals_are_the_same_with_optional_ones(signals_of, usual):
    found = signals_of(signals=["features", "gradient_norm"])
    for name, signal in usual.items():
        np.testing.assert_array_equal(found[name], signal)


# --- the stage ------------------------------------------------------------------------------------


def run_stage(folder, prepared, ensemble, members="all", checkpoints="last", count=2, **changes):
    """Run the stage with these voters in an empty working folder; return the signals' folder."""
    content = toy.default_params()
    content["train_ensemble"]["checkpoints"] = {"last": 2, "every": 1, "best": True}
    voters = {"members": members, "checkpoints": checkpoints, "count": count}
    content["predict_pool"]["voters"] |= voters
    content["predict_pool"] |= changes
    content["train_ensemble"]["batch_size"] = 16
    content["acquisition"] = "entropy"
    toy.write_params(folder, content)
    (folder / "ensemble").mkdir()
    (folder / "ensemble/seed-0").symlink_to(ensemble)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(gradient_batches, "NUM_BATCHES", 5)
        patch.setattr(stage, "NUM_SAMPLED", 25)
        stage.main(prepared, folder, folder / "ensemble", folder / "signals")
    return folder / "signals/seed-0"


@pytest.fixture
def run(prepared, ensemble, tmp_path):
    return partial(run_stage, tmp_path, prepared, ensemble)


@pytest.fixture(scope="module")
def plain(prepared, ensemble, tmp_path_factory, on_cpu):
    """What the stage writes with the usual settings."""
    return run_stage(tmp_path_factory.mktemp("plain"), prepared, ensemble)


@pytest.fixture(scope="module")
def with_optional(prepared, ensemble, tmp_path_factory, on_cpu):
    """What it writes with the optional signals."""
    return run_stage(tmp_path_factory.mktemp("optional"), prepared, ensemble, signals=OPTIONAL)


def test_the_stage_writes_what_its_contract_names(plain):
    written = {path.name for path in plain.iterdir()}
    assert written == {
        *(f"{name}.npy" for name in SIGNAL_DTYPES),
        "voters.csv",
        "voter_entropy_MS.npy",
        "sampled_S.npy",
        "validation_votes_MV.npy",
        "validation_predicted_V.npy",
        "validation.json",
    }
    assert all(name in predict_pool.__doc__ for name in written)


def test_the_stage_writes_what_its_settings_name(plain, with_optional):
    usual, written = ({path.name for path in folder.iterdir()} for folder in (plain, with_optional))
    optional = {"features_ND.npy", "gradient_norm_N.npy", "gradient_batches.csv"}
    assert written - usual == optional
    assert usual < written
    assert all(name in predict_pool.__doc__ for name in optional)


def test_gradients_of_mini_batches_are_bounded_by_their_parts(run):
    setting = {"norm": "l2", "parameters": "all"}
    signals = run("best", "best", 1, signals=["gradient_norm"], gradient_norm=setting)
    found = artifacts.load_gradient_batches(signals)
    assert [batch.batch for batch in found] == list(range(5))
    assert all(0 < batch.norm_of_sum <= batch.sum_of_norms for batch in found)


def test_mini_batches_are_those_of_the_first_voter(with_optional, prepared, ensemble):
    setting = toy.default_params()["predict_pool"]["gradient_norm"]
    assert setting == {"norm": "l2", "parameters": "last_layer_weights"}
    found = artifacts.load_gradient_batches(with_optional)
    gradient_NCD = last_layer_gradients(prepared, ensemble, CHECKPOINTS[0])
    norm_N = np.sqrt((gradient_NCD**2).sum(axis=(1, 2)))
    seed = toy.default_params()["random_seed"]
    drawn = gradient_batches.draw(artifacts.load_sample_ids(prepared, "train"), 16, seed)
    assert len(found) == 5
    for batch, rows_B in zip(found, drawn, strict=False):
        assert batch.sum_of_norms == pytest.approx(norm_N[rows_B].sum(), rel=1e-4)
        expected = np.sqrt((gradient_NCD[rows_B].sum(axis=0) ** 2).sum())
        assert batch.norm_of_sum == pytest.approx(expected, rel=1e-3)


def test_each_view_is_counted(prepared):
    """Of 60 train and 20 validation images; a gradient is that of the first view alone."""
    meta = artifacts.load_meta(prepared)
    both, norm = ["identity", "flip"], {"signals": ["gradient_norm"], "parameters": "all"}
    assert stage.passes_per_voter(meta, settings(views=both)) == 2 * 80
    assert stage.passes_per_voter(meta, settings(views=both, **norm)) == 2 * 80 + 3 * 60


@pytest.mark.parametrize(("parameters", "passes"), [("last_layer", 80), ("biases", 80 + 3 * 60)])
def test_a_backward_pass_is_counted_where_one_is_needed(run, prepared, parameters, passes):
    setting = {"norm": "l2", "parameters": parameters}
    signals = run("best", "best", 1, signals=["gradient_norm"], gradient_norm=setting)
    flops = forward_flops("resnet8", artifacts.load_meta(prepared))
    assert artifacts.load_validation(signals).flops == passes * flops


def test_equal_runs_give_equal_bytes(run, with_optional):
    second = run(signals=OPTIONAL)
    for path in with_optional.iterdir():
        assert (second / path.name).read_bytes() == path.read_bytes()


def test_accuracies_on_validation_are_those_of_the_votes(plain, prepared, ensemble):
    found = artifacts.load_validation(plain)
    votes_MV = artifacts.load_validation_signal(plain, "validation_votes_MV", 20)
    predicted_V = artifacts.load_validation_signal(plain, "validation_predicted_V", 20)
    probs_MVC = cube(ensemble, prepared, "validation")
    np.testing.assert_array_equal(votes_MV, probs_MVC.argmax(dim=2))
    np.testing.assert_array_equal(predicted_V, probs_MVC.double().mean(dim=0).argmax(dim=1))

    targets = artifacts.load_targets(prepared, "validation").tolist()
    for votes, accuracy in zip(votes_MV.tolist(), found.voter_accuracy, strict=True):
        right = sum(vote == target for vote, target in zip(votes, targets, strict=True))
        assert accuracy == pytest.approx(right / 20)
    right = sum(vote == target for vote, target in zip(predicted_V.tolist(), targets, strict=True))
    assert found.ensemble_accuracy == pytest.approx(right / 20)
    assert len(set(found.voter_accuracy)) > 1


def test_voters_csv_says_who_stands_in_which_row(run, prepared):
    signals = run("all", "best", count=1)
    voters = artifacts.load_voters(signals)
    assert [(voter.column, voter.member, voter.epoch) for voter in voters] == [(0, 0, 3), (1, 1, 3)]
    accuracies = artifacts.load_validation(signals).voter_accuracy
    assert [voter.validation_accuracy for voter in voters] == accuracies
    assert len(artifacts.load_signal(signals, "votes_MN", 60)) == 2


def test_a_single_voter_gives_signals_too(run):
    signals = artifacts.load_signals(run("best", "best", count=1), 60)
    assert signals["votes_MN"].shape == (1, 60)
    np.testing.assert_array_equal(signals["votes_MN"][0], signals["predicted_class_N"])
    np.testing.assert_array_equal(signals["predictive_entropy_N"], signals["expected_entropy_N"])


def test_flops_count_every_voter_on_train_and_validation(plain, prepared):
    meta = artifacts.load_meta(prepared)
    assert artifacts.load_validation(plain).flops == 4 * 80 * forward_flops("resnet8", meta)


def test_the_rows_for_correlations_are_drawn_by_seed_and_rising(plain):
    sampled_S = np.load(plain / "sampled_S.npy")
    assert len(np.unique(sampled_S)) == 25
    assert (np.diff(sampled_S) > 0).all()
    assert sampled_S.tolist() != list(range(25))


# --- memory ---------------------------------------------------------------------------------------


class Predictor:
    """Stands in for `passes_of_batches`; knows how many batches of logits are alive."""

    def __init__(self, num_voters, num_classes):
        self.shape = (num_voters, num_classes)
        self.alive = weakref.WeakSet()
        self.most_alive = 0

    def __call__(self, voters, prepared, split, batches, precision):
        assert len(voters.weights) == self.shape[0]
        generator = torch.Generator().manual_seed(0)
        for rows in batches:
            shape = (self.shape[0], rows.stop - rows.start, self.shape[1])
            logits_MBC = torch.rand(shape, generator=generator)
            self.alive.add(logits_MBC)
            self.most_alive = max(self.most_alive, len(self.alive))
            made = (ForwardPass(None, None, None, part, precision) for part in logits_MBC)
            yield rows, made


def test_memory_does_not_grow_with_voters_times_samples(tmp_path, monkeypatch):
    """Votes are written through a memory map, probabilities are dropped batch by batch."""
    num_voters, num, num_classes = 50, 20_000, 3
    votes_bytes = num_voters * num * 2
    prepared = write_large_pool(tmp_path / "prepared", num)
    predictor = Predictor(num_voters, num_classes)
    monkeypatch.setattr(forward_passes, "passes_of_batches", predictor)
    checkpoints = [Checkpoint(0, epoch, None, False, True) for epoch in range(num_voters)]
    artifacts.save_ensemble(tmp_path, Ensemble("resnet8", num_classes, [8, 8, 1], checkpoints))
    pool = Pool(
        prepared, artifacts.load_meta(prepared), tmp_path, checkpoints, settings(batch_size=250)
    )

    tracemalloc.start()  # counts what numpy allocates; memory maps are none of it
    (tmp_path / "signals").mkdir()
    pool.write_signals(tmp_path / "signals", np.arange(10))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert predictor.most_alive <= 2  # the one at hand and the next
    assert peak < votes_bytes / 4
    votes_MN = artifacts.load_signal(tmp_path / "signals", "votes_MN", num)
    assert votes_MN.shape == (num_voters, num)
    assert np.unique(votes_MN).tolist() == [0, 1, 2]


def write_large_pool(folder: Path, num: int) -> Path:
    artifacts.save_array(folder / "train/inputs.npy", np.zeros((num, 1, 1, 1), dtype=np.uint8))
    artifacts.save_targets(folder, "train", np.zeros(num, dtype=np.int64))
    sizes = {"train": num, "validation": 1, "test": 1}
    meta = Meta("image_classification", "toy", ["a", "b", "c"], [1, 1, 1], [0.5], [1.0], sizes, "")
    artifacts.save_meta(folder, meta)
    return folder
