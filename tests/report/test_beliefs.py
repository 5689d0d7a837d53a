"""What the models of all draws believe of a label, by hand: those that learnt it do not count."""

from dataclasses import replace

import numpy as np
import pytest

from stages.report.samples.beliefs import beliefs

LABELS = [0, 0, 0]


def draw(results, votes_MN, quality_N, confidence_N, learnt=()):
    """Return a draw of three samples; its prediction is its first voter's."""
    entry = results.rounds[-1]
    votes = replace(
        entry.votes,
        votes_MN=np.array(votes_MN, dtype=np.int16),
        predicted_class_N=np.array(votes_MN[0], dtype=np.int16),
        confidence_N=np.array(confidence_N, dtype=np.float32),
        label_probability_N=np.array(quality_N, dtype=np.float32),
        learnt_row_R=np.array([row for row, _ in learnt], dtype=np.int64),
        learnt_probability_R=np.array([quality for _, quality in learnt]),
    )
    rounds = [*results.rounds[:-1], replace(entry, votes=votes)]
    return replace(results, targets_N=np.array(LABELS), rounds=rounds)


@pytest.fixture
def results(finished):
    return finished.results()


def test_of_a_single_draw_that_learnt_nothing_it_is_what_the_draw_says(results):
    found = beliefs([draw(results, [[0, 1, 2], [0, 1, 1]], [0.9, 0.2, 0.1], [0.9, 0.7, 0.5])])
    assert found.quality_N == pytest.approx([0.9, 0.2, 0.1])
    assert found.predicted_N.tolist() == [0, 1, 2]
    assert found.confidence_N == pytest.approx([0.9, 0.7, 0.5])
    assert found.num_voters_N.tolist() == [2, 2, 2]
    assert found.num_agree_N.tolist() == [2, 2, 1]
    assert found.num_for_label_N.tolist() == [2, 0, 0]


def test_a_draw_that_learnt_a_label_is_not_asked_for_it(results):
    """The first learnt sample 0 and repeats its label; the second did not, and contradicts it."""
    first = draw(results, [[0, 1, 1]], [0.8, 0.2, 0.3], [0.8, 0.6, 0.6], [(0, 0.5)])
    second = draw(results, [[1, 2, 1], [1, 2, 1]], [0.1, 0.3, 0.1], [0.9, 0.5, 0.8])
    found = beliefs([first, second])
    assert found.quality_N == pytest.approx([0.1, 0.25, 0.2])
    assert found.num_voters_N.tolist() == [2, 3, 3]
    assert found.num_for_label_N.tolist() == [0, 0, 0]
    # Of sample 1 the draws differ: the surer one counts, with what it says alone.
    assert found.predicted_N.tolist() == [1, 1, 1]
    assert found.confidence_N == pytest.approx([0.9, 0.3, 0.7])
    assert found.num_agree_N.tolist() == [2, 1, 3]
    assert not found.is_learnt_N.any()


def test_what_all_draws_learnt_is_judged_by_how_sure_they_were_meanwhile(results):
    first = draw(results, [[0, 0, 0]], [0.8, 0.9, 0.9], [0.8] * 3, [(0, 0.4), (2, 0.7)])
    second = draw(results, [[0, 0, 0]], [0.9, 0.9, 0.5], [0.9] * 3, [(0, 0.2)])
    found = beliefs([first, second])
    assert found.quality_N == pytest.approx([0.3, 0.9, 0.5])
    assert found.is_learnt_N.tolist() == [True, False, False]
    assert found.num_voters_N.tolist() == [2, 2, 1]


@pytest.mark.parametrize(("accuracies", "judge"), [((0.5, 0.5), True), ((0.3, 0.6), False)])
def test_models_that_are_mostly_wrong_judge_no_labels(results, accuracies, judge):
    draws = [draw(results, [[1, 1, 1]], [0.1] * 3, [0.9] * 3) for _ in accuracies]
    for one, accuracy in zip(draws, accuracies, strict=True):
        last = one.rounds[-1]
        validation = replace(last.validation, ensemble_accuracy=accuracy)
        one.rounds[-1] = replace(last, validation=validation)
    assert (beliefs(draws) is not None) == judge


def test_without_votes_nothing_is_believed(results):
    rounds = [replace(entry, votes=None) for entry in results.rounds]
    assert beliefs([replace(results, rounds=rounds)]) is None
