"""Tests for stages/shared/training/schedules.py."""

import pytest
import torch
import toy

from stages.shared.settings.training_sections import (
    EpochLength,
    OneCycle,
    Plateau,
    Steps,
    UpdateLength,
)
from stages.shared.training import schedules
from stages.shared.training.schedules import OneCycleSchedule, PlateauSchedule, StepsSchedule


def test_one_cycle_rises_to_the_rate_and_falls_to_nothing():
    schedule = OneCycleSchedule(OneCycle(name="one_cycle", peak_at=0.25, start=0.1), updates=8)

    factors = [schedule.factor(update) for update in range(9)]

    assert factors == pytest.approx([0.1, 0.55, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0])


def test_steps_are_those_of_torchs_multi_step_schedule():
    schedule = StepsSchedule(
        Steps(name="steps", milestones=[2, 5], factor=0.1, warmup_epochs=0, warmup="linear"),
        updates_per_epoch=3,
    )
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    oracle = torch.optim.lr_scheduler.MultiStepLR(optimizer, [6, 15], gamma=0.1)
    expected = []
    for _ in range(21):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        oracle.step()

    assert [schedule.factor(update) for update in range(21)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("epochs", "warmup", "expected"),
    [
        (2, "linear", [0.25, 0.5, 0.75, 1, 1, 1, 0.5, 0.5]),  # its last update has the rate
        # One epoch at 0.01, then 0.1 (He et al. 2016, arXiv 1603.05027).
        (1, 0.1, [0.1, 0.1, 1, 1, 1, 1, 0.5, 0.5]),
        (0, 0.1, [1, 1, 1, 1, 1, 1, 0.5, 0.5]),
    ],
)
def test_a_warm_up_rises_linearly_or_is_a_share_of_the_rate(epochs, warmup, expected):
    steps = {"milestones": [3], "factor": 0.5, "warmup_epochs": epochs, "warmup": warmup}
    schedule = StepsSchedule(Steps(name="steps", **steps), updates_per_epoch=2)

    assert [schedule.factor(update) for update in range(8)] == expected


@pytest.mark.parametrize("warmup", ["linear", 0.1])
def test_a_milestone_within_the_warm_up_counts(warmup):
    steps = {"name": "steps", "milestones": [1], "warmup_epochs": 2, "warmup": warmup}
    schedules_of = [
        StepsSchedule(Steps(**steps, factor=factor), updates_per_epoch=2) for factor in (0.25, 0.5)
    ]

    ratios = [
        schedules_of[0].factor(update) / schedules_of[1].factor(update) for update in range(5)
    ]
    assert ratios == pytest.approx([1, 1, 0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("patience", "accuracies", "expected"),
    [
        # Best at epoch 1, two epochs waited, a drop, four more epochs waited.
        (2, [0.5] * 20, [1] * 3 + [0.1] * 4),
        # It waits anew after a drop that helped.
        (2, [0.5, 0.5, 0.5, *[0.6] * 20], [1] * 3 + [0.1] * 3 + [0.01] * 4),
        (1, [number / 100 for number in range(50)], [1] * 50),  # rising
    ],
)
def test_a_plateau_drops_after_patience_and_ends_after_twice_the_patience_without_a_gain(
    patience, accuracies, expected
):
    schedule = PlateauSchedule(Plateau(name="plateau", patience=patience, factor=0.1))
    factors = []
    for accuracy in accuracies:
        factors.append(schedule.factor(0))
        if schedule.end_epoch(accuracy):
            break

    assert factors == pytest.approx(expected)


@pytest.mark.parametrize(
    ("length", "stop_after", "expected"),
    [
        (EpochLength(epochs=7), None, (21, 7)),
        (EpochLength(epochs=7), 4, (21, 4)),  # the schedule keeps its length, the training ends
        (UpdateLength(updates=7), None, (7, 3)),
        (UpdateLength(updates=6), None, (6, 2)),
    ],
)
def test_length_counts_epochs_or_updates(length, stop_after, expected):
    training = toy.training(length=length, stop_after=stop_after)

    found = schedules.num_updates(training, 3), schedules.num_epochs(training, 3)

    assert found == expected
