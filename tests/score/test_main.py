"""The stage: signals in, scores out."""

from pathlib import Path

import numpy as np
import pytest

from stages.score.__main__ import main
from stages.shared import artifacts
from stages.shared.errors import ArtifactError

PREPARED, SIGNALS, SCORES = Path("prepared"), Path("signals"), Path("scores")


@pytest.fixture
def signals(project):
    """Signals of three voters on the toy project's hundred samples."""
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.integers(0, 3, (3, 100) if name.endswith("_MN") else 100).astype(dtype)
        for name, dtype in artifacts.SIGNAL_DTYPES.items()
    }
    for name in arrays:
        if arrays[name].dtype == np.float32:
            arrays[name] = rng.random(100, dtype=np.float32)
        artifacts.save_array(SIGNALS / f"{name}.npy", arrays[name])
    return arrays


def run(size="0.5"):
    main(size, PREPARED, SIGNALS, SCORES)
    return artifacts.load_scores(SCORES, 100)


def test_the_acquisition_function_of_params_yaml_scores_every_sample(project, signals):
    project.change({"acquisition": "least_confidence"})
    assert np.array_equal(run(), 1 - signals["confidence_N"].astype(np.float64))


def test_the_labels_reach_the_function_that_needs_them(project, signals):
    project.change({"acquisition": "error_count"})
    assert run() == pytest.approx((signals["votes_MN"] != project.targets_N).sum(axis=0) / 3)


def test_each_round_may_have_a_function_of_its_own(project, signals):
    rounds = [{"from": 0.2, "to": 0.5}, {"from": 0.5, "to": 0.8}]
    project.change({"rounds": rounds, "acquisition": {"0.5": "entropy", "0.8": "margin"}})
    assert np.array_equal(run("0.5"), signals["predictive_entropy_N"].astype(np.float64))
    assert np.array_equal(run("0.8"), 1 - signals["margin_N"].astype(np.float64))


def test_random_scores_follow_the_sample_and_differ_by_round_and_random_seed(project, signals):
    rounds = [{"from": 0.2, "to": 0.5}, {"from": 0.5, "to": 0.8}]
    project.change({"rounds": rounds, "acquisition": "random"})
    first, second = np.array(run("0.5")), np.array(run("0.8"))
    project.change({"random_seed": 1})
    other_seed = np.array(run("0.5"))
    project.change({"random_seed": 0})
    project.write_samples(project.sample_ids[::-1], project.targets_N[::-1])
    assert np.array_equal(run("0.5"), first[::-1])
    assert not np.any(first == second)
    assert not np.any(first == other_seed)


def test_the_same_signals_give_the_same_bytes(project, signals):
    run()
    before = (SCORES / "score_N.npy").read_bytes()
    run()
    assert (SCORES / "score_N.npy").read_bytes() == before


def test_a_signal_that_is_not_a_number_stops_the_stage_and_names_the_sample(project, signals):
    signals["expected_entropy_N"][[17, 40]] = np.nan
    artifacts.save_array(SIGNALS / "expected_entropy_N.npy", signals["expected_entropy_N"])
    with pytest.raises(ArtifactError, match=r"expected_entropy_N\.npy: sample 17 has nan"):
        run()
    assert not SCORES.exists()
