"""Let several checkpoints predict the same samples in one pass.

Shapes: N samples, M checkpoints, B batch, C classes, D inputs of the last layer. What a model reads
and what it gives is the task's: of images [B, K, H, W], and of a classifier logits [B, C].
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from stages.shared import artifacts, models, tasks
from stages.shared.artifacts import Checkpoint, Ensemble, Split
from stages.shared.artifacts.weights import load_weights, read_weights
from stages.shared.networks.library_networks import normalised_for
from stages.shared.networks.task import Task
from stages.shared.running import engine, progress
from stages.shared.samples.loading import Rows

RowsOf = TypeVar("RowsOf", bound=Rows)  # slices, or rows one by one


@dataclass(frozen=True)
class ForwardPass:
    """What one model makes of one batch; all tensors are on its device."""

    model: nn.Module
    inputs_B: Any
    features_BD: Tensor | None  # a classifier's last layer's input, float32
    outputs_B: Tensor  # float32
    precision: str  # that it was made in


def predict(
    task: Task,
    batches: Iterable[tuple[RowsOf, Iterable[ForwardPass]]],
    views: Sequence[str],
) -> Iterator[tuple[RowsOf, Tensor]]:
    """Yield the rows of each batch of `forward_passes` and its probabilities, float32 [M, B, ...].

    Probabilities depend on the batch size in the last bits, and on nothing else beside weights,
    inputs and processor.
    """
    for rows, passes in batches:
        yield rows, torch.stack([probabilities(task, each, views) for each in passes])


def forward_passes(
    folder: Path,
    checkpoints: Sequence[Checkpoint],
    prepared: Path,
    split: Split,
    batch_size: int,
    precision: str,
) -> Iterator[tuple[slice, Iterator[ForwardPass]]]:
    """Yield the rows of each batch of a split and, one after the other, the checkpoints' passes."""
    voters = Voters.of(folder, checkpoints)
    num = artifacts.load_meta(prepared).num_samples[split]
    return passes_of_batches(voters, prepared, split, batches(num, batch_size), precision)


def batches(num_samples: int, batch_size: int) -> list[slice]:
    """Return consecutive batches of this size; the last may be smaller."""
    return [
        slice(start, min(start + batch_size, num_samples))
        for start in range(0, num_samples, batch_size)
    ]


def passes_of_batches(
    voters: "Voters", prepared: Path, split: Split, batches: Sequence[RowsOf], precision: str
) -> Iterator[tuple[RowsOf, Iterator[ForwardPass]]]:
    """Yield each of the batches and, one after the other, the voters' forward passes.

    All models stay loaded, so every batch is read and normalised once. A pass is made when it is
    asked for: of M passes no more need be alive than are used at a time.
    """
    # Prediction gives the same bits with any number of threads.
    torch.set_num_threads(engine.num_cores())
    engine.keep_freed_memory()
    models = voters.models
    meta = normalised_for(models[0], artifacts.load_meta(prepared))
    task = tasks.load(meta.task)
    loaded = zip(batches, task.read_batches(prepared, split, batches, meta, device()), strict=True)
    sized = ((_length(rows), (rows, inputs_B)) for rows, inputs_B in loaded)
    num = sum(map(_length, batches))
    for rows, inputs_B in progress.shown(sized, num, split):
        yield rows, (forward(task, model, inputs_B, precision) for model in models)


def _length(rows: Rows) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


@dataclass(frozen=True)
class Voters:
    """Checkpoints of one ensemble, to be loaded where they predict."""

    ensemble: Ensemble
    weights: Sequence[Path | bytes]  # of each checkpoint: its file, or what is in it

    @classmethod
    def of(cls, folder: Path, checkpoints: Sequence[Checkpoint]) -> "Voters":
        """Return some checkpoints of the ensemble in a folder."""
        ensemble = artifacts.load_ensemble(folder)
        return cls(ensemble, [folder / checkpoint.path for checkpoint in checkpoints])

    def packed(self) -> "Voters":
        """Return the same with all weights in memory, to travel to other machines.

        Raises:
            ArtifactError: weights are missing.
        """
        contents = [
            read_weights(source) if isinstance(source, Path) else source for source in self.weights
        ]
        return replace(self, weights=contents)

    @cached_property
    def models(self) -> list[nn.Module]:
        """The models on the device, in evaluation mode, loaded when they are first asked for.

        Raises:
            ArtifactError: weights are missing, damaged, or of another model.
        """
        return [self._load(source) for source in self.weights]

    def _load(self, source: Path | bytes) -> nn.Module:
        model: nn.Module = models.build(
            self.ensemble.model, self.ensemble.num_classes, self.ensemble.input_shape
        )
        load_weights(source, model)
        return model.eval().to(device()).to(memory_format=torch.channels_last)


def device() -> torch.device:
    """Return where to predict."""
    return torch.device(engine.device_name())


@torch.inference_mode()
def forward(task: Task, model: nn.Module, inputs_B: Any, precision: str) -> ForwardPass:
    """Return what a model makes of a batch, without what gradients would need."""
    features_BD, outputs_B = task.forward(model, inputs_B, precision)
    return ForwardPass(model, inputs_B, features_BD, outputs_B, precision)


def probabilities(task: Task, made: ForwardPass, views: Sequence[str]) -> Tensor:
    """Return a model's probabilities of a batch, their mean over the views, float32 [B, ...].

    The pass that was made is that of the samples as they are, `identity`, which is always among
    the views; each other view, of images alone, takes one pass more, in the same precision.
    """
    probs_B: Tensor = task.probabilities(made.outputs_B)
    if "flip" not in views:
        return probs_B
    mirrored = forward(task, made.model, made.inputs_B.flip(3), made.precision)
    return (probs_B + task.probabilities(mirrored.outputs_B)) / 2
