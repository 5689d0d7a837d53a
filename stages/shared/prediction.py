"""Let several checkpoints predict the same samples in one pass.

Shapes: N samples, M checkpoints, B batch, C classes, D inputs of the last layer, H x W x K pixels
and channels.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from stages.shared import artifacts, engine, models, tasks
from stages.shared.artifacts import Checkpoint, Ensemble, Meta
from stages.shared.data import normalise, on_device
from stages.shared.layers import Classifier
from stages.shared.loading import Images, Rows, in_batches
from stages.shared.weights import load_weights


@dataclass(frozen=True)
class ForwardPass:
    """What one model makes of one batch; all tensors are on its device."""

    model: Classifier
    inputs_BKHW: Tensor
    features_BD: Tensor  # the last layer's input, float32
    logits_BC: Tensor  # float32
    precision: str  # that it was made in


def predict(
    task: ModuleType,
    batches: Iterable[tuple[slice, Iterable[ForwardPass]]],
    views: Sequence[str],
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the rows of each batch of `forward_passes` and its probabilities, float32 [M, B, C].

    Probabilities depend on the batch size in the last bits, and on nothing else beside weights,
    inputs and processor.
    """
    for rows, passes in batches:
        yield rows, torch.stack([probabilities(task, each, views) for each in passes])


def forward_passes(
    folder: Path,
    checkpoints: Sequence[Checkpoint],
    inputs_NHWK: Images,
    meta: Meta,
    batch_size: int,
    precision: str,
) -> Iterator[tuple[slice, Iterator[ForwardPass]]]:
    """Yield the rows of each batch and, one after the other, the checkpoints' forward passes.

    All models stay loaded, so every batch is read and normalised once. A pass is made when it is
    asked for: of M passes no more need be alive than are used at a time.
    """
    # Prediction gives the same bits with any number of threads.
    torch.set_num_threads(engine.num_cores())
    engine.keep_freed_memory()
    task = tasks.load(meta.task)
    voters = load_models(folder, checkpoints)
    num = len(inputs_NHWK)
    batches = [slice(start, min(start + batch_size, num)) for start in range(0, num, batch_size)]
    for rows, inputs_BKHW in zip(batches, load_batches(inputs_NHWK, batches, meta), strict=True):
        yield rows, (forward(task, model, inputs_BKHW, precision) for model in voters)


def load_models(folder: Path, checkpoints: Sequence[Checkpoint]) -> list[Classifier]:
    """Return the models of some checkpoints on the device, in evaluation mode.

    Raises:
        ArtifactError: weights are missing, damaged, or of another model.
    """
    device = torch.device(engine.device_name())
    ensemble = artifacts.load_ensemble(folder)
    return [_load(folder, ensemble, checkpoint, device) for checkpoint in checkpoints]


def load_batches(inputs_NHWK: Images, batches: Iterable[Rows], meta: Meta) -> Iterator[Tensor]:
    """Yield each batch of images on the device as a model reads them, float32 [B, K, H, W]."""
    device = torch.device(engine.device_name())
    for images_BHWK in in_batches(inputs_NHWK, batches):
        yield normalise(on_device(images_BHWK, device), meta)


@torch.inference_mode()
def forward(
    task: ModuleType, model: Classifier, inputs_BKHW: Tensor, precision: str
) -> ForwardPass:
    """Return what a model makes of a batch, without what gradients would need."""
    features_BD = task.features(model, inputs_BKHW, precision)
    logits_BC = model.classifier(features_BD)
    return ForwardPass(model, inputs_BKHW, features_BD, logits_BC, precision)


def probabilities(task: ModuleType, made: ForwardPass, views: Sequence[str]) -> Tensor:
    """Return a model's probabilities of a batch, their mean over the views, float32 [B, C].

    The pass that was made is that of the images as they are, `identity`, which is always among the
    views; each other view takes one pass more, in the same precision.
    """
    probs_BC: Tensor = task.probabilities(made.logits_BC)
    if "flip" not in views:
        return probs_BC
    mirrored = forward(task, made.model, made.inputs_BKHW.flip(3), made.precision)
    return (probs_BC + task.probabilities(mirrored.logits_BC)) / 2


def _load(
    folder: Path, ensemble: Ensemble, checkpoint: Checkpoint, device: torch.device
) -> Classifier:
    model = models.build(ensemble.model, ensemble.num_classes, ensemble.image_shape)
    load_weights(folder / checkpoint.path, model)
    return model.eval().to(device).to(memory_format=torch.channels_last)
