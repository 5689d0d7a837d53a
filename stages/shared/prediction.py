"""Let several checkpoints predict the same samples in one pass.

Shapes: N samples, M checkpoints, B batch, C classes, H x W x K pixels and channels.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.shared import artifacts, engine, models, tasks
from stages.shared.artifacts import Checkpoint, Ensemble, Meta
from stages.shared.data import normalise
from stages.shared.layers import Classifier
from stages.shared.weights import load_weights


def predict(
    folder: Path,
    checkpoints: Sequence[Checkpoint],
    inputs_NHWK: npt.NDArray[np.uint8],
    meta: Meta,
    batch_size: int,
    precision: str,
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the rows of each batch and its probabilities, float32 [M, B, C].

    All models stay loaded, so every batch is read and normalised once. Probabilities depend on
    the batch size in the last bits, and on nothing else beside weights, inputs and processor.
    """
    # Prediction gives the same bits with any number of threads.
    torch.set_num_threads(engine.num_cores())
    device = torch.device(engine.device_name())
    task = tasks.load(meta.task)
    ensemble = artifacts.load_ensemble(folder)
    voters = [_load(folder, ensemble, checkpoint, device) for checkpoint in checkpoints]
    for start in range(0, len(inputs_NHWK), batch_size):
        rows = slice(start, min(start + batch_size, len(inputs_NHWK)))
        with torch.inference_mode():
            # A copy: torch warns of memory maps that are read-only.
            images_BHWK = torch.from_numpy(np.array(inputs_NHWK[rows])).to(device)
            inputs_BKHW = normalise(images_BHWK, meta)
            probs_MBC = torch.stack(
                [task.probabilities(task.logits(model, inputs_BKHW, precision)) for model in voters]
            )
        yield rows, probs_MBC


def _load(
    folder: Path, ensemble: Ensemble, checkpoint: Checkpoint, device: torch.device
) -> Classifier:
    model = models.build(ensemble.model, ensemble.num_classes, ensemble.image_shape)
    load_weights(folder / checkpoint.path, model)
    return model.eval().to(device).to(memory_format=torch.channels_last)
