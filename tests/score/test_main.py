"""The stage: signals in, scores and their correlations out."""

import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from stages.score import __main__ as stage
from stages.score.__main__ import main
from stages.score.acquisition import ACQUISITIONS
from stages.shared import artifacts
from stages.shared.artifacts import Dynamics, Voter
from stages.shared.settings.menu import NEED_DYNAMICS, NEED_GRADIENT_NORM, NEED_TWO_VOTERS

PREPARED, SIGNALS = Path("prepared"), Path("signals/seed-0")
DYNAMICS, SCORES = Path("dynamics/seed-0"), Path("scores/seed-0.npy")
CORRELATIONS = Path("correlations/seed-0")
REFERENCE = Path("lists/reference.csv")
SHRINKING = {"seed_size": 1.0, "rounds": [{"from": 1.0, "to": 0.5}]}


def write_reference(scores):
    artifacts.save_table(REFERENCE, ["sample_id", "score"], scores.items())


def write_dynamics(rows):
    """Write dynamics of two members that were trained on these rows, and return them.

    Member 0 is kept after epochs 2 and 5, member 1 after epoch 3.
    """
    rng = np.random.default_rng(1)
    shape = (2, len(rows))
    dynamics = Dynamics(
        row_R=np.array(rows, dtype=np.int64),
        sampled_S=np.array(rows[:30], dtype=np.int64),
        forgetting_events_MR=rng.integers(0, 9, shape, dtype=np.int32),
        aum_MR=rng.normal(size=shape).astype(np.float32),
        el2n_MR=rng.random(shape, dtype=np.float32),
        label_probability_MR=rng.random(shape, dtype=np.float32),
        dual_MR=rng.random(shape, dtype=np.float32),
        kept_member_E=np.array([0, 0, 1]),
        kept_epoch_E=np.array([2, 5, 3]),
        kept_events_ES=rng.integers(0, 9, (3, 30), dtype=np.int32),
    )
    artifacts.save_dynamics(DYNAMICS, dynamics)
    return dynamics


@pytest.fixture
def signals(project):
    """Signals of three voters on the toy project's hundred samples; every second was trained on."""
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.integers(0, 3, (3, 100) if name.endswith("_MN") else 100).astype(dtype)
        for name, dtype in artifacts.SIGNAL_DTYPES.items()
    }
    for name in arrays:
        if arrays[name].dtype == np.float32:
            arrays[name] = rng.random(100, dtype=np.float32)
        artifacts.save_array(SIGNALS / f"{name}.npy", arrays[name])
    write_voters([rng.random(40), rng.random(40), rng.random(40)])
    write_dynamics(range(0, 100, 2))
    write_reference({})
    return arrays


def write_voters(entropy_MS):
    """Write voters that are the last epochs of three members, and their entropies on some rows."""
    voters = [Voter(row, row, 30, 0.5) for row in range(len(entropy_MS))]
    artifacts.save_voters(SIGNALS, voters)
    entropy_MS = np.array(entropy_MS, dtype=np.float32)
    artifacts.save_array(SIGNALS / "voter_entropy_MS.npy", entropy_MS)
    artifacts.save_array(SIGNALS / "sampled_S.npy", np.arange(10, 10 + entropy_MS.shape[1]))


def run(size="0.5", seed=0):
    for path in (SIGNALS, DYNAMICS):  # every draw's are the same
        other = path.with_name(f"seed-{seed}")
        if not other.exists():
            other.symlink_to(path.name)
    folders = (path.parent for path in (SIGNALS, DYNAMICS, SCORES, CORRELATIONS))
    main(size, PREPARED, *folders)
    return artifacts.load_scores(SCORES.with_name(f"seed-{seed}.npy"), 100)


def table(name, seed=0):
    """Return the rows of a table below its header."""
    return [
        line.split(",")
        for line in (CORRELATIONS.with_name(f"seed-{seed}") / f"{name}.csv")
        .read_text()
        .splitlines()[1:]
    ]


def compared():
    """Return the names of the functions in acquisitions.csv."""
    return {name for row in table("acquisitions") for name in row[:2]}


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
    other_seed = np.array(run("0.5", seed=1))
    project.change({"random_seed": 0})
    project.write_samples(project.sample_ids[::-1], project.targets_N[::-1])
    assert np.array_equal(run("0.5"), first[::-1])
    assert not np.any(first == second)
    assert not np.any(first == other_seed)


def test_the_same_signals_give_the_same_bytes(project, signals):
    write_reference({"003.png": 1.5, "017.png": 2, "040.png": -1})
    run()
    before = {path.name: path.read_bytes() for path in [SCORES, *CORRELATIONS.iterdir()]}
    run()
    after = {path.name: path.read_bytes() for path in [SCORES, *CORRELATIONS.iterdir()]}
    assert after == before
    tables = {"acquisitions.csv", "forgetting.csv", "reference.csv", "voters.csv"}
    assert set(before) == {"seed-0.npy", *tables}


def test_gradient_norms_score_the_samples_where_they_were_asked_for(project, signals):
    project.change({"acquisition": "gradient_norm", "predict_pool.signals": ["gradient_norm"]})
    norm_N = np.random.default_rng(2).random(100, dtype=np.float32)
    artifacts.save_array(SIGNALS / "gradient_norm_N.npy", norm_N)
    assert np.array_equal(run(), norm_N.astype(np.float64))
    assert "gradient_norm" in compared()


def test_a_shrinking_round_from_a_subset_scores_its_samples_and_the_others_lowest(project, signals):
    rounds = [{"from": 0.5, "to": 0.2}]
    project.change({"seed_size": 0.5, "rounds": rounds, "acquisition": "aum"})
    aum_MR = write_dynamics(range(0, 100, 2)).aum_MR.astype(np.float64)
    score_N = run("0.2")
    assert score_N[::2] == pytest.approx(-aum_MR.mean(axis=0), rel=1e-15)
    assert set(score_N[1::2]) == {score_N[::2].min()}


# --- correlations --------------------------------------------------------------------------------


def test_functions_that_the_signals_allow_are_compared_over_the_train_split(project, signals):
    run()
    asked_for = {*NEED_DYNAMICS, *NEED_GRADIENT_NORM, "random"}
    assert compared() == {*ACQUISITIONS} - asked_for > {"entropy", "mutual_information"}
    rows = {(row[0], row[1]): row[2:] for row in table("acquisitions")}
    assert len(rows) == math.comb(len(compared()), 2)
    pair = 1 - signals["confidence_N"], 1 - signals["margin_N"]
    expected = [scipy.stats.spearmanr(*pair).statistic, scipy.stats.pearsonr(*pair).statistic]
    found = [float(field) for field in rows["least_confidence", "margin"]]
    assert found == pytest.approx(expected, abs=1e-6)


def test_dynamics_are_compared_where_every_sample_was_trained_on(project, signals):
    project.change(SHRINKING)
    write_dynamics(range(100))
    run()
    assert compared() >= {"aum", "dual", "el2n", "forgetting_events", "entropy"}


def test_with_one_voter_what_needs_two_is_not_compared(project, signals):
    project.change({"acquisition": "entropy"})
    artifacts.save_array(SIGNALS / "votes_MN.npy", signals["votes_MN"][:1])
    write_voters([np.arange(40)])
    run()
    assert (
        compared()
        == {*ACQUISITIONS} - {*NEED_TWO_VOTERS, *NEED_DYNAMICS, *NEED_GRADIENT_NORM, "random"}
        > {"entropy", "margin"}
    )
    assert table("voters") == []


def test_of_a_large_train_split_a_random_part_is_compared(project, signals, monkeypatch):
    # But for the last sample, margin and entropy are the same.
    signals["predictive_entropy_N"][:] = 1 - signals["margin_N"]
    signals["predictive_entropy_N"][-1] = 99
    artifacts.save_array(SIGNALS / "predictive_entropy_N.npy", signals["predictive_entropy_N"])
    monkeypatch.setattr(stage, "MOST_CORRELATED", 20)
    without_last = []
    for random_seed in range(8):
        project.change({"random_seed": random_seed})
        run(seed=random_seed)
        rows = table("acquisitions", random_seed)
        without_last.append(["entropy", "margin", "1.0", "1.0"] in rows)
    # The last sample is in a fifth of the parts.
    assert 4 <= sum(without_last) <= 7


def test_the_entropies_of_each_two_voters_are_compared(project, signals):
    write_voters([np.arange(40), np.arange(40) ** 2, -np.arange(40)])
    run()
    pearson = scipy.stats.pearsonr(np.arange(40), np.arange(40) ** 2).statistic
    assert [row[:5] for row in table("voters")] == [
        ["0", "30", "1", "30", "1.0"],
        ["0", "30", "2", "30", "-1.0"],
        ["1", "30", "2", "30", "-1.0"],
    ]
    assert float(table("voters")[0][5]) == pytest.approx(pearson, abs=1e-6)


def test_voters_and_scores_are_compared_with_a_reference(project, signals):
    project.change({"acquisition": "margin"})
    # The sampled rows begin with the tenth: three are in the list, which the first voter orders so.
    write_voters([np.arange(40), -np.arange(40), np.zeros(40)])
    write_reference({"elsewhere.png": 0, "012.png": 3, "011.png": 2, "030.png": 7, "099.png": 1})
    score_N = run()
    own = scipy.stats.spearmanr(score_N[[12, 11, 30, 99]], [3, 2, 7, 1]).statistic
    rows = table("reference")
    assert [row[:3] for row in rows] == [
        ["0", "30", "1.0"],
        ["1", "30", "-1.0"],
        ["2", "30", ""],
        ["", "", str(round(own, 6))],
    ]


def test_forgetting_events_up_to_each_kept_epoch_are_compared_with_a_reference(project, signals):
    events_ES = write_dynamics(range(0, 100, 2)).kept_events_ES
    # Of the rows 0, 2, ..., 58, whose events were noted, the reference speaks of the first ten.
    known = {f"{row:03}.png": row % 7 for row in range(0, 20, 2)}
    write_reference({**known, "003.png": 50, "099.png": 90})
    run()
    expected = [scipy.stats.spearmanr(events_S[:10], [*known.values()]) for events_S in events_ES]
    assert [row[:2] for row in table("forgetting")] == [["0", "2"], ["0", "5"], ["1", "3"]]
    assert [float(row[2]) for row in table("forgetting")] == pytest.approx(
        [found.statistic for found in expected], abs=1e-6
    )


@pytest.mark.parametrize("name", ["forgetting", "reference"])
def test_without_a_reference_its_tables_have_their_header_alone(project, signals, name):
    run()
    assert (CORRELATIONS / f"{name}.csv").read_text() == "member,epoch,spearman,pearson\n"


def test_scores_of_training_are_compared_over_the_samples_that_were_trained_on(project, signals):
    rounds = [{"from": 0.5, "to": 0.2}]
    project.change({"seed_size": 0.5, "rounds": rounds, "acquisition": "el2n"})
    # The reference orders the even rows as the scores do; the odd ones, which have no score of
    # their own, would bring it down.
    length_R = write_dynamics(range(0, 100, 2)).el2n_MR.mean(axis=0, dtype=np.float64)
    by_id = dict(zip(project.sample_ids[::2], length_R.tolist(), strict=True))
    write_reference(by_id | dict.fromkeys(project.sample_ids[1::2], 99))
    run("0.2")
    assert table("reference")[-1] == ["", "", "1.0", "1.0"]
