"""Signals by name: what is loaded and when, and samples that were not trained on."""

from dataclasses import replace

import numpy as np
import pytest

from stages.score.acquisition import ACQUISITIONS
from stages.score.lazy_signals import (
    DYNAMICS,
    LazySignals,
    expand,
    from_pool,
    from_training,
    load_voter_entropies,
)
from stages.shared import artifacts
from stages.shared.artifacts import Voter
from stages.shared.errors import ArtifactError

READS = {
    "aum": ["aum_MN"],
    "dual": ["dual_MN"],
    "el2n": ["el2n_MN"],
    "entropy": ["predictive_entropy_N"],
    "error_count": ["targets_N", "votes_MN"],
    "forgetting_events": ["forgetting_events_MN"],
    "gradient_norm": ["gradient_norm_N"],
    "label_probability": ["label_probability_N"],
    "least_confidence": ["confidence_N"],
    "margin": ["margin_N"],
    "mutual_information": ["expected_entropy_N", "predictive_entropy_N"],
    "random": ["random_N"],
    "variation_ratios": ["votes_MN"],
}


ALL_SIGNALS = [
    *artifacts.SIGNAL_DTYPES,
    *(f"{name}_MN" for name in DYNAMICS),
    *("gradient_norm_N", "random_N", "targets_N"),
]


def dynamics_of(rows):
    """Return the dynamics of two members, of which the third row is the easiest."""
    return replace(
        artifacts.no_dynamics(),
        row_R=np.array(rows, dtype=np.int64),
        forgetting_events_MR=np.array([[3, 0, 1], [2, 4, 0]], np.int32),
        aum_MR=np.array([[0.5, -1.0, 4.0], [0.5, 8.0, 4.0]], np.float32),
        el2n_MR=np.array([[0.5, 1.0, 0.25], [0.5, 0.0, 0.125]], np.float32),
        label_probability_MR=np.array([[0.5, 0.25, 1.0], [0.5, 0.75, 1.0]], np.float32),
        dual_MR=np.array([[0.25, 0.5, 0.0], [0.5, 0.0, 0.125]], np.float32),
    )


@pytest.fixture
def recorded():
    """Signals of ones for five samples, and the names in the order in which they were loaded."""
    names = []

    def loader(name):
        def load():
            names.append(name)
            return np.ones((2, 5) if name.endswith("_MN") else 5, np.int16)

        return load

    return LazySignals({name: loader(name) for name in ALL_SIGNALS}), names


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_scoring_by_one_function_loads_its_own_signals_alone_and_each_once(recorded, name):
    signals, loaded = recorded
    ACQUISITIONS[name](signals)
    ACQUISITIONS[name](signals)
    assert 0 < len(loaded) == len(set(loaded)) < len(ALL_SIGNALS) / 2
    assert sorted(loaded) == READS.get(name, sorted(loaded))


def test_going_through_the_names_loads_nothing(recorded):
    signals, loaded = recorded
    assert "votes_MN" in list(signals)
    assert len(signals) == len(list(signals))
    assert loaded == []


def test_the_signals_of_some_samples_are_loaded_when_they_are_asked_for(recorded):
    signals, loaded = recorded
    some = signals.of(np.array([4, 0, 1]))
    assert loaded == []
    assert some["votes_MN"].shape == (2, 3)
    assert some["margin_N"].shape == (3,)
    assert loaded == ["votes_MN", "margin_N"]


def test_the_signals_of_some_samples_are_theirs_in_their_order():
    signals = LazySignals({"margin_N": lambda: np.arange(5), "votes_MN": lambda: np.eye(2, 5)})
    some = signals.of(np.array([4, 0, 1]))
    assert some["margin_N"].tolist() == [4, 0, 1]
    assert some["votes_MN"].tolist() == [[0, 1, 0], [0, 0, 1]]


def test_a_gradient_norm_that_nobody_wrote_is_named_when_it_is_asked_for(tmp_path):
    signals = LazySignals(from_pool(tmp_path, 5))
    with pytest.raises(ArtifactError, match=r"predict_pool\.signals must hold gradient_norm"):
        ACQUISITIONS["gradient_norm"](signals)


@pytest.mark.parametrize("name", DYNAMICS)
def test_dynamics_of_every_sample_are_those_that_were_written(tmp_path, name):
    artifacts.save_dynamics(tmp_path, dynamics_of([0, 1, 2]))
    signals = LazySignals(from_training(tmp_path, 3))
    expected = getattr(dynamics_of([0, 1, 2]), f"{name}_MR")
    assert np.array_equal(signals[f"{name}_MN"], expected)


def test_samples_outside_the_subset_stand_as_the_easiest_of_it():
    # It is the third in all: 1 event, a mean margin of 4, a mean error of 0.1875.
    expanded_MN = expand(dynamics_of([1, 2, 4]), "forgetting_events", 6)
    assert expanded_MN.tolist() == [[1, 3, 0, 1, 1, 1], [0, 2, 4, 0, 0, 0]]
    expanded_MN = expand(dynamics_of([1, 2, 4]), "aum", 6)
    assert expanded_MN.tolist() == [[4, 0.5, -1, 4, 4, 4], [4, 0.5, 8, 4, 4, 4]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("forgetting_events", [1, 5, 4, 1, 1, 1]),
        ("aum", [-4, -0.5, -3.5, -4, -4, -4]),
        ("el2n", [0.1875, 0.5, 0.5, 0.1875, 0.1875, 0.1875]),
        ("dual", [0.0625, 0.375, 0.25, 0.0625, 0.0625, 0.0625]),
    ],
)
def test_samples_outside_the_subset_have_the_smallest_score_in_it(tmp_path, name, expected):
    artifacts.save_dynamics(tmp_path, dynamics_of([1, 2, 4]))
    signals = LazySignals(from_training(tmp_path, 6))
    assert ACQUISITIONS[name](signals).tolist() == expected


@pytest.mark.parametrize("name", DYNAMICS)
def test_an_ensemble_that_was_not_trained_has_no_dynamics_to_score_by(tmp_path, name):
    artifacts.save_dynamics(tmp_path, artifacts.no_dynamics())
    signals = LazySignals(from_training(tmp_path, 3))
    with pytest.raises(ArtifactError, match=f"no sample was trained on; acquisition {name} needs"):
        ACQUISITIONS[name](signals)


def test_voter_entropies_of_other_voters_than_voters_csv_are_refused(tmp_path):
    artifacts.save_voters(tmp_path, [Voter(0, 0, 4, 0.5)])
    artifacts.save_array(tmp_path / "sampled_S.npy", np.arange(3))
    artifacts.save_array(tmp_path / "voter_entropy_MS.npy", np.ones((2, 3), np.float32))
    with pytest.raises(ArtifactError, match=r"found float32 \[2, 3\]; it must be float32 \[1, 3\]"):
        load_voter_entropies(tmp_path)
