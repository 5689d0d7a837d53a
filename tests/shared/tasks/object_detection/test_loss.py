"""Tests for stages/shared/tasks/object_detection/loss.py."""

import math

import numpy as np
import pytest
import torch
import toy
import toy_scenes

from stages.shared.tasks.object_detection import box_targets, maps
from stages.shared.tasks.object_detection import loss as of_detection
from stages.shared.tasks.object_detection.loss import (
    BOX_BETA,
    BOX_WEIGHT,
    box_loss,
    class_weights,
    loss,
    losses,
    positions_loss,
)

SIZE = (40, 52)


def scenes():
    objects = [([[0, 16, 16, 24], [1, 1, 6, 6]], [1, 0]), ([], []), ([[30, 9, 50, 39]], [1])]
    return box_targets.padded(toy_scenes.listed(objects), SIZE, torch.device("cpu"))


def outputs(seed=0):
    return torch.randn(3, 2 + 4, 5, 7, generator=torch.Generator().manual_seed(seed)) * 2


def test_positions_against_a_plain_loop():
    logits, weights = outputs()[:, :2], torch.tensor([0.5, 3.0])
    targets = maps.class_maps(scenes(), 2)
    total = 0.0
    for place in np.ndindex(*logits.shape):
        p = 1 / (1 + math.exp(-float(logits[place])))
        truth = p if targets[place] else 1 - p
        total -= float(weights[place[1]]) * math.log(truth)
    assert float(positions_loss(logits, targets, weights)) == pytest.approx(total, rel=1e-5)


def test_boxes_against_a_plain_loop():
    found, weights, total = outputs(), torch.tensor([0.5, 3.0]), 0.0
    # Class, position and what it is to say, by hand.
    objects = [
        (0, 1, 2, 1, [8 / 8 - 1.5, 20 / 8 - 2.5, math.log(16 / 8), math.log(8 / 8)]),
        (0, 0, 0, 0, [3.5 / 8 - 0.5, 3.5 / 8 - 0.5, math.log(5 / 8), math.log(5 / 8)]),
        (2, 1, 3, 5, [40 / 8 - 5.5, 24 / 8 - 3.5, math.log(20 / 8), math.log(30 / 8)]),
    ]
    for image, label, row, column, wanted in objects:
        for said, value in zip(found[image, 2:, row, column].tolist(), wanted, strict=True):
            far = abs(said - value)
            near = far**2 / (2 * BOX_BETA)
            total += float(weights[label]) * (near if far < BOX_BETA else far - BOX_BETA / 2)
    assert float(box_loss(found, scenes(), weights)) == pytest.approx(total, rel=1e-5)


def test_the_loss_is_the_mean_over_the_images_of_both_parts():
    weights = torch.tensor([0.5, 3.0])
    parts = [
        float(positions_loss(outputs()[:, :2], maps.class_maps(scenes(), 2), weights)),
        float(box_loss(outputs(), scenes(), weights)),
    ]
    found = float(loss(outputs(), scenes(), weights))
    assert found == pytest.approx((parts[0] + BOX_WEIGHT * parts[1]) / 3)


def test_images_without_objects_have_a_loss_of_their_positions_alone():
    empty = scenes()[1:2]
    weights = torch.tensor([1.0, 1.0])
    found = float(loss(outputs()[1:2], empty, weights))
    assert found == pytest.approx(float(torch.nn.functional.softplus(outputs()[1, :2]).sum()))
    nothing = box_targets.padded(toy_scenes.listed([([], [])]), SIZE, torch.device("cpu"))
    assert float(loss(outputs()[1:2], nothing, weights)) == pytest.approx(found)


def test_class_weights_by_hand():
    """Images drawn 3, 1 and 2 times: 3 boxes of class 0, 3 + 2 of class 1 and none of class 2."""
    copies = torch.tensor([3, 1, 2])
    counts = scenes().counts_by_class(3, copies)
    assert counts.tolist() == [3, 5, 0]
    found = class_weights(counts, 6)
    assert found.tolist() == pytest.approx([6 / (3 * 3), 6 / (3 * 5), 6 / (3 * 3)])
    assert class_weights(torch.tensor([0, 0]), 4).tolist() == [2.0, 2.0]
    # All objects together weigh 1 for each image and class that has some.
    assert float((found * counts).sum()) == pytest.approx(6 * 2 / 3)


def test_both_losses_are_weighted_by_the_subset_that_is_trained_on(monkeypatch):
    seen = []
    monkeypatch.setattr(of_detection, "loss", lambda *_, **given: seen.append(given))
    settings = toy.training()
    for one in losses(settings, 2, scenes(), torch.tensor([1, 1, 4])):
        one(outputs(), scenes())
    for given in seen:
        assert given["weights_C"].tolist() == pytest.approx([6 / (2 * 1), 6 / (2 * 5)])
    assert len(seen) == 2


def test_a_sure_model_has_a_finite_loss_and_gradient():
    sure = (outputs() * 1e4).requires_grad_()
    loss(sure, scenes(), torch.tensor([1.0, 1.0])).backward()
    assert sure.grad.isfinite().all()
