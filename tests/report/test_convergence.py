"""Trainings that end too early: by hand, on simulated curves and on curves of real trainings."""

import math

import numpy as np
import pytest

from stages.report.numbers.convergence import rise
from stages.shared.artifacts import Epoch


def epochs(accuracies, member=0, rates=None, validated=None):
    """Return ten updates for each value; the rate falls throughout unless it is given."""
    num = len(accuracies)
    rates = rates or [0.1 * (num - number) for number in range(num)]
    return [
        Epoch(
            member=member,
            epoch=number + 1,
            updates=10 * (number + 1),
            images_seen=1,
            flops=1.0,
            learning_rate=rates[number],
            train_loss=1.0,
            train_accuracy=0.5,
            validation_loss=1.0,
            validation_accuracy=value if validated is None or number in validated else None,
        )
        for number, value in enumerate(accuracies)
    ]


def warns(histories, num_validation=1000, margin=0.5):
    found = rise(histories, num_validation)
    return found is not None and found.interval[0] > margin


# --- by hand -------------------------------------------------------------------------------------


def test_the_end_is_held_against_two_thirds_and_both_errors_count():
    """Rises of 4 and 2 points: mean 3, of trainings 1, of samples sqrt(0.03 x 0.97 / 1000)."""
    first, second = [0.1, 0.2, 0.5, 0.7, 0.72, 0.74], [0.1, 0.2, 0.5, 0.7, 0.75, 0.72]
    found = rise([epochs(first) + epochs(second, member=1)], 1000)
    assert found.value == pytest.approx(3)
    assert found.rows == pytest.approx(1)
    assert found.samples == pytest.approx(100**2 * 0.03 * 0.97 / 1000)
    assert found.standard_error == pytest.approx(math.sqrt(found.rows + found.samples))


def test_members_of_other_draws_are_other_trainings():
    apart = rise([epochs([0.1, 0.6, 0.7]), epochs([0.1, 0.5, 0.7])], 100)
    together = rise([epochs([0.1, 0.6, 0.7]) + epochs([0.1, 0.5, 0.7], member=1)], 100)
    assert apart.value == together.value == pytest.approx(15)
    assert apart.rows == together.rows


def test_after_the_last_step_of_the_rate_only_what_follows_counts():
    """The step at 0.7 of the updates lifts accuracy by 10 points, and then nothing rises."""
    values = [0.5, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 0.9, 0.9]
    assert not warns([epochs(values, rates=[0.1] * 7 + [0.01] * 3)])
    assert warns([epochs(values, rates=[0.1] * 10)])


@pytest.mark.parametrize("validated", [{9}, {0, 9}, {8, 9}])
def test_without_a_validation_near_two_thirds_nothing_is_said(validated):
    assert rise([epochs(np.linspace(0, 0.9, 10), validated=validated)], 1000) is None


def test_without_any_validation_nothing_is_said():
    assert rise([epochs([0.1, 0.2], validated=set())], 1000) is None
    assert rise([[]], 1000) is None


# --- simulated -----------------------------------------------------------------------------------


def simulated(rng, error, num_validation, num_draws=3, num_members=2):
    """Return what trainings reach whose error is a function of the share of updates that is done.

    Each validation sample has its own difficulty, the same for all trainings; a tenth of the
    answers is drawn anew at each validation.
    """
    easy_V = rng.random(num_validation)
    histories = []
    for _ in range(num_draws):
        history = []
        for member in range(num_members):
            own_V = np.clip(easy_V + 0.05 * rng.normal(size=num_validation), 0, 1)
            values = [
                float((np.where(is_new_V, rng.random(num_validation), own_V) > wrong).mean())
                for wrong in (error(share) for share in np.arange(1, 11) / 10)
                for is_new_V in [rng.random(num_validation) < 0.1]
            ]
            history += epochs(values, member)
        histories.append(history)
    return histories


@pytest.mark.parametrize("num_validation", [144, 1000])
def test_what_has_converged_is_hardly_ever_warned_of(num_validation):
    rng = np.random.default_rng(3)
    found = [
        warns(
            simulated(rng, lambda share: 0.2 + 0.5 * (share < 0.4), num_validation), num_validation
        )
        for _ in range(100)
    ]
    assert sum(found) <= 3


@pytest.mark.parametrize(("num_validation", "power"), [(144, 1.2), (1000, 0.5)])
def test_what_learns_on_is_warned_of(num_validation, power):
    """At the end the error is 30 %; at two thirds it was 49 or 37."""
    rng = np.random.default_rng(4)
    found = [
        warns(
            simulated(rng, lambda share: min(1, 0.3 * share**-power), num_validation),
            num_validation,
        )
        for _ in range(50)
    ]
    assert sum(found) >= 45


# --- real ----------------------------------------------------------------------------------------

# Of `resnet8` on all digits, one_cycle, three random seeds of two members: from the validation
# nearest to two thirds of the updates to the last one, points on 144 validation samples.
REAL = {
    50: [
        (0.8264, 0.9097),
        (0.7917, 0.9375),
        (0.8819, 0.9514),
        (0.8958, 0.9375),
        (0.7778, 0.9306),
        (0.75, 0.8819),
    ],
    100: [
        (0.9306, 0.9792),
        (0.9167, 0.9861),
        (0.9653, 0.9931),
        (0.9653, 0.9861),
        (0.9375, 0.9792),
        (0.9306, 0.9653),
    ],
    200: [(1.0, 1.0), (1.0, 0.9931), (0.9931, 1.0), (0.9931, 1.0), (0.9931, 1.0), (0.9792, 1.0)],
    300: [(1.0, 0.9931), (1.0, 1.0), (1.0, 1.0), (0.9931, 1.0), (0.9861, 1.0), (1.0, 0.9931)],
    600: [(0.9792, 1.0), (0.9931, 1.0), (0.9931, 0.9931), (1.0, 1.0), (0.9583, 1.0), (0.9931, 1.0)],
}


@pytest.mark.parametrize(
    ("updates", "is_short"), [(50, True), (100, True), (200, False), (300, False), (600, False)]
)
def test_digits_have_converged_after_200_updates(updates, is_short):
    histories = [epochs([0.1, first, last]) for first, last in REAL[updates]]
    assert warns(histories, 144) == is_short
