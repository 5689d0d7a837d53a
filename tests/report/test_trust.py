"""*May I trust it?*: what is not fine stands first, with what follows from it."""

from dataclasses import replace

import pytest

from stages.report.numbers.conclusions import Against, conclusions
from stages.report.numbers.learning_warnings import Guessing
from stages.report.page.trust import Check, checks, trust_in_short


@pytest.fixture(scope="module")
def results(finished):
    return finished.results()


@pytest.fixture(scope="module")
def conclusion(results):
    [found] = conclusions([results])
    return found


def not_fine(draws, conclusion):
    return {check.name: check for check in checks(draws, [conclusion]) if not check.is_fine}


def test_what_is_not_fine_stands_first(results, conclusion):
    order = [check.is_fine for check in checks([results], [conclusion])]
    assert order == sorted(order)
    assert False in order
    assert True in order


@pytest.mark.parametrize(("num", "is_fine"), [(1, False), (2, False), (3, True)])
def test_one_draw_is_not_enough(results, conclusion, num, is_fine):
    assert ("Random seeds" not in not_fine([results] * num, conclusion)) == is_fine


@pytest.mark.parametrize(("reach", "is_fine"), [(0.4, True), (0.6, False), (float("inf"), False)])
def test_precision_is_fine_within_the_margin(results, conclusion, reach, is_fine):
    changed = replace(conclusion, against={"full": Against("better", 1.0, reach)}, margin=0.5)
    assert ("Precision" not in not_fine([results], changed)) == is_fine


def test_models_that_guess_and_trainings_that_are_short_are_named(results, conclusion):
    changed = replace(conclusion, guessing={"full": Guessing(0.1, -0.1)}, rising={"full": 2.0})
    assert {"Learnt something", "Trained to the end"} <= not_fine([results], changed).keys()
    assert not {"Learnt something", "Trained to the end"} & not_fine([results], conclusion).keys()


@pytest.mark.parametrize(
    ("tested", "validated", "is_fine"),
    [
        (2.0, 2.0, True),
        (2.0, -2.0, False),
        (-2.0, 2.0, False),
        (2.0, -0.1, True),
        (0.1, -2.0, True),
    ],
)
def test_validation_that_says_the_reverse_is_told(
    results, conclusion, tested, validated, is_fine, monkeypatch
):
    reached = {"selected": 90 + validated, "full": 90.0}
    monkeypatch.setattr(
        "stages.report.page.trust.on_validation", lambda draws, model, name: reached[name]
    )
    changed = replace(conclusion, against={"full": Against("better", tested, 0.1)}, margin=0.5)
    found = not_fine([results], changed)
    assert ("Validation does not contradict" not in found) == is_fine


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rises_at_most": 3.61}, "on validation it rises by at most 3.7 points at the end"),
        ({"rises_at_most": None}, "too few validations show whether it still learns"),
        ({"rising": {"full": 2.0}}, "accuracy on validation still rises"),
    ],
)
def test_what_is_known_of_a_rise_is_told(results, conclusion, changes, words):
    found = {
        check.name: check.found for check in checks([results], [replace(conclusion, **changes)])
    }
    assert found["Trained to the end"] == words


def test_one_sentence_names_what_is_not_fine():
    fine, bad = Check(True, "Random seeds", "5"), Check(False, "Precision", "1 point")
    assert trust_in_short([bad, fine]) == "1 of 2 checks is not fine: precision."
    assert trust_in_short([fine, fine]) == "All 2 checks are fine."


def test_groups_of_the_user_are_said_to_make_intervals_wider(results, conclusion):
    def told(found):
        return [c.found for c in checks([found], [conclusion]) if "dataset.groups" in c.name]

    assert told(results) == []
    [words] = told(replace(results, has_groups=True))
    assert "intervals count groups, not samples" in words


def test_a_check_names_the_step_that_helps(results, conclusion):
    found = not_fine([results], replace(conclusion, rising={"full": 2.0}))
    assert found["Random seeds"].step == "draws"
    assert found["Trained to the end"].step == "longer"


def test_a_class_without_validation_samples_is_named(results, conclusion):
    targets_V = results.validation_targets_V.copy()
    targets_V[targets_V == 2] = 0
    found = not_fine([replace(results, validation_targets_V=targets_V)], conclusion)
    assert found["Classes without validation samples"].consequence == "Nothing is known of cat."
