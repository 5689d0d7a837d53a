"""Let several checkpoints predict the same samples in one pass.

Shapes: N samples, M checkpoints, B batch, C classes, D inputs of the last layer, H x W x K pixels
and channels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.shared import artifacts, engine, models, tasks
from stages.shared.artifacts import Checkpoint, Ensemble, Meta
from stages.shared.data import normalise
from stages.shared.layers import Classifier
from stages.shared.weights import load_weights


@dataclass(frozen=True)
class ForwardPass:
    """What one model makes of one batch; all tensors are on its device."""

    model: Classifier
    inputs_BKHW: Tensor
    features_BD: Tensor  # the last layer's input, float32
    logits_BC: Tensor  # float32


def predict(
    folder: Path,
    checkpoints: Sequence[Checkpoint],
    inputs_NHWK: npt.NDArray[np.uint8],
    meta: Meta,
    batch_size: int,
    precision: str,
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the rows of each batch and its probabilities, float32 [M, B, C].

    Probabilities depend on the batch size in the last bits, and on nothing else beside weights,
    inputs and processor.
    """
    task = tasks.load(meta.task)
    for rows, passes in forward_passes(
        folder, checkpoints, inputs_NHWK, meta, batch_size, precision
    ):
        yield rows, torch.stack([task.probabilities(each.logits_BC) for each in passes])


def forward_passes(
    folder: Path,
    checkpoints: Sequence[Checkpoint],
    inputs_NHWK: npt.NDArray[np.uint8],
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
    task = tasks.load(meta.task)
    voters = load_models(folder, checkpoints)
    for start in range(0, len(inputs_NHWK), batch_size):
        rows = slice(start, min(start + batch_size, len(inputs_NHWK)))
        inputs_BKHW = load_batch(inputs_NHWK, rows, meta)
        yield rows, (forward(task, model, inputs_BKHW, precision) for model in voters)


def load_models(folder: Path, checkpoints: Sequence[Checkpoint]) -> list[Classifier]:
    """Return the models of some checkpoints on the device, in evaluation mode.

    Raises:
        ArtifactError: weights are missing, damaged, or of another model.
    """
    device = torch.device(engine.device_name())
    ensemble = artifacts.load_ensemble(folder)
    return [_load(folder, ensemble, checkpoint, device) for checkpoint in checkpoints]


def load_batch(
    inputs_NHWK: npt.NDArray[np.uint8], rows: slice | artifacts.Ints, meta: Meta
) -> Tensor:
    """Return some of the images on the device as a model reads them, float32 [B, K, H, W]."""
    # A copy: torch warns of memory maps that are read-only.
    images_BHWK = torch.from_numpy(np.array(inputs_NHWK[rows]))
    return normalise(images_BHWK.to(engine.device_name()), meta)


@torch.inference_mode()
def forward(
    task: ModuleType, model: Classifier, inputs_BKHW: Tensor, precision: str
) -> ForwardPass:
    """Return what a model makes of a batch, without what gradients would need."""
    features_BD = task.features(model, inputs_BKHW, precision)
    return ForwardPass(model, inputs_BKHW, features_BD, model.classifier(features_BD))


def _load(
    folder: Path, ensemble: Ensemble, checkpoint: Checkpoint, device: torch.device
) -> Classifier:
    model = models.build(ensemble.model, ensemble.num_classes, ensemble.image_shape)
    load_weights(folder / checkpoint.path, model)
    return model.eval().to(device).to(memory_format=torch.channels_last)
