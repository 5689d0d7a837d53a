"""What the search saves, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from stages.report.speedups import speedups
from stages.shared import artifacts
from stages.shared.artifacts import Epoch

ROUND = 3e6 + 1e5  # three members of a million FLOPs in the mean, and the prediction


def column(rows, name):
    return [row[name] for row in rows]


def test_a_budget_costs_the_rounds_up_to_it_and_one_target_model(run):
    rows = speedups(run.results())
    assert column(rows, "model") == ["resnet8"] * 2
    assert column(rows, "size") == [10, 20]
    assert column(rows, "fraction") == [0.125, 0.25]
    assert column(rows, "selection_flops") == [ROUND, 2 * ROUND]
    # Members at 0.9, 1.0 and 1.1 times 1e4 FLOPs for each of 20 picks, and of all 80 samples.
    assert column(rows, "target_flops") == [None, 2e5]
    assert column(rows, "total_flops") == [None, 2 * ROUND + 2e5]
    assert column(rows, "full_flops") == [8e5, 8e5]
    assert column(rows, "total_speedup") == [None, 0.125]  # 0.8 / (6.2 + 0.2)
    assert column(rows, "selection_speedup") == [None, None]  # the target is the proxy


def test_a_compared_part_of_the_last_subset_has_the_rounds_that_its_picks_come_from(
    run, add_compared
):
    add_compared("selected-0.15", 12)
    subset = run.results().subsets["0.25"].first(12)
    artifacts.save_subset(run.folders.comparison / "selected-0.15.csv", subset)
    rows = speedups(run.results())
    assert column(rows, "size") == [10, 12, 20]
    assert column(rows, "selection_flops") == [ROUND, 2 * ROUND, 2 * ROUND]
    assert column(rows, "target_flops") == [None, 1.2e5, 2e5]


def test_without_full_there_is_no_total_speedup(run):
    run.set(compare__subsets=["selected"])
    rows = speedups(run.results())
    assert column(rows, "full_flops") == [None, None]
    assert column(rows, "total_speedup") == [None, None]


def history(flops_per_image, images=(50, 100)):
    """Two members, the first shorter; each image costs the same."""
    return [
        Epoch(member, epoch, epoch, seen, flops_per_image * seen, 0.1, 1.0, 0.5, None, None)
        for member in range(2)
        for epoch, seen in enumerate(images[: member + 1], start=1)
    ]


def other_proxy(run, proxy_flops_per_image, target_flops_per_image):
    """Return the results of a run whose proxy is another model than its target."""
    run.set(train_ensemble__model="resnet10")
    results = run.results()
    return replace(
        results,
        rounds=[replace(entry, history=history(proxy_flops_per_image)) for entry in results.rounds],
        targets={
            key: replace(target, history=history(target_flops_per_image))
            for key, target in results.targets.items()
        },
    )


def test_selection_is_faster_by_what_an_image_costs_the_target_more_than_the_proxy(run):
    rows = speedups(other_proxy(run, 1e3, 7.5e3))
    assert column(rows, "selection_speedup") == [7.5, 7.5]
    # 50 and 100 images of the two members.
    assert column(rows, "selection_flops") == [1.5e5 + 1e5, 2 * (1.5e5 + 1e5)]


def test_validating_more_often_makes_no_model_dearer(run):
    """20 epochs of one image each cost a proxy 3 passes, and 40 more where it is validated."""
    often = [
        Epoch(0, epoch, epoch, epoch, 1e3 * epoch * (3 + 40), 0.1, 1.0, 0.5, 1.0, 0.5)
        for epoch in range(1, 21)
    ]
    results = other_proxy(run, 1e3, 7.5e3)
    rounds = [replace(entry, history=often) for entry in results.rounds]

    rows = speedups(replace(results, rounds=rounds))

    # The target's 7.5e3 for each image trained on are three passes of 2.5e3.
    assert column(rows, "selection_speedup") == [2.5, 2.5]


def test_a_proxy_that_was_not_trained_has_no_selection_speedup(run):
    results = other_proxy(run, 1e3, 7.5e3)
    untrained = [replace(entry, history=[]) for entry in results.rounds]
    rows = speedups(replace(results, rounds=untrained))
    assert column(rows, "selection_speedup") == [None, None]
    assert column(rows, "selection_flops") == [1e5, 2e5]


@pytest.mark.parametrize("factor", [2.0, 10.0])
def test_cheaper_selection_changes_its_own_speedup_alone(run, factor):
    dear, cheap = (speedups(other_proxy(run, cost, 1e4)) for cost in (1e3, 1e3 / factor))
    ratio = np.divide(column(cheap, "selection_speedup"), column(dear, "selection_speedup"))
    assert ratio == pytest.approx(factor)
    assert column(cheap, "target_flops") == column(dear, "target_flops")
