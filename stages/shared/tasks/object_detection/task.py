"""Object detection: uint8 images on the device, normalised; maps of positions, one for each class.

Shapes: B images, K channels of images or of maps (C classes and the values of a box), H x W pixels
or positions.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stages.shared.artifacts import Ints, Split
from stages.shared.networks import batches
from stages.shared.networks.batches import ImageSamples, load_image_samples
from stages.shared.networks.task import Task
from stages.shared.tasks.object_detection import box_targets
from stages.shared.tasks.object_detection.agreement import (
    right_and_all,
    right_and_all_by_probability,
)
from stages.shared.tasks.object_detection.highest_maps import HeatMaps
from stages.shared.tasks.object_detection.loss import losses
from stages.shared.tasks.object_detection.map_signals import entropy, signals
from stages.shared.tasks.object_detection.maps import NUM_BOX_VALUES
from stages.shared.tasks.object_detection.unet import Detector

MOST_PIXELS = 2**20  # that a model which is not trained looks at together, whatever the batch


def load_samples(
    prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None
) -> ImageSamples:
    """Return all images and boxes of a split, or those of the given rows."""
    boxes = box_targets.load(prepared, split, device, rows_N)
    rows_N = np.arange(len(boxes)) if rows_N is None else rows_N
    return load_image_samples(prepared, split, rows_N, boxes)


def forward(model: Detector, inputs_BKHW: Tensor, precision: str) -> tuple[None, Tensor]:
    """Return no features, and logits and box values at each position, float32 [B, C + 4, H, W].

    Under bf16 the last layer still runs in float32.
    """
    if model.training:  # what normalises is the whole batch
        return None, _outputs(model, inputs_BKHW, precision)
    together = max(1, MOST_PIXELS // inputs_BKHW[0, 0].numel())
    parts = torch.split(inputs_BKHW, together)
    return None, torch.cat([_outputs(model, part, precision) for part in parts])


def _outputs(model: Detector, inputs_BKHW: Tensor, precision: str) -> Tensor:
    with torch.autocast(inputs_BKHW.device.type, torch.bfloat16, enabled=precision == "bf16"):
        features_BDHW = model.features(inputs_BKHW)
    outputs_BKHW: Tensor = model.head(features_BDHW.float())
    return outputs_BKHW


def probabilities(outputs_BKHW: Tensor) -> Tensor:
    """Return the probability of each class at each position, and the values of its box as they are.

    float32 [B, C + 4, H, W]. Both may be averaged over models: an ensemble's box is their mean.
    """
    logits_BCHW, values_B4HW = outputs_BKHW.float().tensor_split([-NUM_BOX_VALUES], dim=1)
    return torch.cat([logits_BCHW.sigmoid(), values_B4HW], dim=1)


class ObjectDetection(Task):
    """Any number of boxes in each image."""

    load_samples = staticmethod(load_samples)
    load_targets = staticmethod(box_targets.load)
    read_batches = staticmethod(batches.read_batches)
    as_inputs = staticmethod(batches.normalise)
    example = staticmethod(batches.example)
    forward = staticmethod(forward)
    losses = staticmethod(losses)
    moved = staticmethod(box_targets.moved)
    right_and_all = staticmethod(right_and_all)
    probabilities = staticmethod(probabilities)
    right_and_all_by_probability = staticmethod(right_and_all_by_probability)
    signals = staticmethod(signals)
    entropy = staticmethod(entropy)
    heat_maps = staticmethod(HeatMaps)


TASK = ObjectDetection()
