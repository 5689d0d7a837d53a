"""Likely label errors and outliers, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from stages.report.run.results import Votes
from stages.report.samples import suspected
from stages.report.samples.ranking import ranked_candidates
from stages.shared import artifacts
from stages.shared.artifacts import BoxList


def with_votes(results, targets_N, votes_MN, confidence_N, label_probability_N):
    """Return results of some samples alone, with these votes; predicted is what the first says."""
    votes_MN = np.array(votes_MN, dtype=np.int16)
    found = Votes(
        votes_MN,
        votes_MN[0],
        np.array(confidence_N, dtype=np.float32),
        np.array(label_probability_N, dtype=np.float32),
        votes_MN,
    )
    last = replace(results.rounds[-1], votes=found)
    return replace(
        results,
        targets_N=np.array(targets_N),
        rounds=[*results.rounds[:-1], last],
        is_excluded_N=np.zeros(len(targets_N), dtype=bool),
    )


def one_box_each():
    corners = np.tile(np.array([[1, 2, 4, 7]], dtype=np.float32), (80, 1))
    return BoxList(corners, np.arange(80) % 3, np.arange(81))


# --- labels --------------------------------------------------------------------------------------


def test_a_suspect_is_contradicted_by_all_voters_as_surely_as_the_other_class_is_known(finished):
    """Samples of ant (0) and bee (1); the mean probability of bee among bees is 0.6."""
    results = with_votes(
        finished.results(),
        targets_N=[1, 1, 0, 0, 0, 0],
        votes_MN=[[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 2, 0]],
        confidence_N=[0.8, 0.4, 0.6, 0.59, 0.9, 0.9],
        label_probability_N=[0.8, 0.4, 0.3, 0.2, 0.1, 0.9],
    )
    # 2: both vote bee, at the border. 3: a little less sure. 4: sure, and both say it is no ant,
    # though of different opinions what it is; the mean says bee.
    assert suspected.label_suspects([results]).tolist() == [4, 2]


def test_a_class_without_samples_convinces_nobody(finished):
    results = with_votes(finished.results(), [0, 0], [[2, 0], [2, 0]], [0.99, 0.9], [0.001, 0.9])
    assert suspected.label_suspects([results]).tolist() == []


def test_they_are_those_of_cleanlab_that_all_voters_contradict_ordered_by_its_label_quality(
    finished,
):
    """With probabilities of three classes; cleanlab is no dependency of the project."""
    filters = pytest.importorskip("cleanlab.filter", reason="cleanlab is not installed")
    rank = pytest.importorskip("cleanlab.rank")
    rng = np.random.default_rng(3)
    targets_N = rng.integers(0, 3, 300)
    truth_N = np.where(rng.random(300) < 0.15, rng.integers(0, 3, 300), targets_N)
    logits_NC = rng.normal(size=(300, 3)) + 3 * np.eye(3)[truth_N]
    probs_NC = np.exp(logits_NC) / np.exp(logits_NC).sum(axis=1, keepdims=True)
    results = with_votes(
        finished.results(),
        targets_N,
        [probs_NC.argmax(axis=1)] * 2,
        probs_NC.max(axis=1),
        probs_NC[np.arange(300), targets_N],
    )
    found = suspected.label_suspects([results])
    theirs = np.flatnonzero(
        filters.find_label_issues(targets_N, probs_NC, filter_by="confident_learning", n_jobs=1)
    )
    assert len(found) > 10
    assert set(found.tolist()) == set(theirs.tolist())
    quality_N = rank.get_label_quality_scores(targets_N, probs_NC, method="self_confidence")
    assert (np.diff(quality_N[found]) >= 0).all()


# --- outliers ------------------------------------------------------------------------------------


def test_outliers_are_the_highest_scored_that_the_round_did_not_take(run):
    run.set(select__outliers={"fraction": 0.05})  # four of 80
    results = run.results()
    entry = results.rounds[-1]
    subset = results.subsets[entry.target]
    highest_K = ranked_candidates(results, entry)[:4]
    taken = set(subset.index_P[subset.round_P == entry.number].tolist())
    expected = [row for row in highest_K.tolist() if row not in taken]
    assert suspected.outliers(results, entry).tolist() == expected
    assert len(expected) >= 2


def test_without_outliers_none_are_named(finished):
    results = finished.results()
    assert not len(suspected.outliers(results, results.rounds[-1]))


def test_where_all_voters_disagree_is_an_outlier(run):
    run.set(select__outliers="all_voters_disagree")
    results = run.results()
    entry = results.rounds[-1]
    found = suspected.outliers(results, entry)
    votes = entry.votes.votes_MN[:, found]
    assert len(found)
    assert all(len(set(votes[:, place].tolist())) == 3 for place in range(len(found)))


def test_scenes_have_no_label_to_doubt(run):
    artifacts.save_boxes(run.folders.prepared, "train", one_box_each())
    results = run.results()
    last = replace(results.rounds[-1], votes=None)
    results = replace(results, rounds=[*results.rounds[:-1], last])
    assert list(suspected.suspects([results])) == []
