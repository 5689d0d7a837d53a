"""The samples that judge: all of validation, and what is held out of train.

Shapes: M judges, V judged samples, H held-out rows of train, B batch.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import Ints, Meta, Split
from stages.shared.networks.task import Task
from stages.shared.prediction import forward_passes
from stages.shared.prediction.forward_passes import Voters
from stages.shared.settings.sections import Evaluate

PRECISION = "fp32"  # whatever they were trained in


def rows_of(meta: Meta, held_out_H: Ints) -> list[tuple[Split, Ints]]:
    """Return which rows of which split judge, in order."""
    validation: tuple[Split, Ints] = ("validation", np.arange(meta.num_samples["validation"]))
    return [validation, ("train", held_out_H)] if len(held_out_H) else [validation]


def predictions(
    task: Task, voters: Voters, prepared: Path, held_out_H: Ints, settings: Evaluate
) -> Iterator[tuple[Split, Ints, Tensor]]:
    """Yield split, rows and what all judges make of each batch, float32 [M, B, ...]."""
    for split, rows in rows_of(artifacts.load_meta(prepared), held_out_H):
        batches = [rows[part] for part in forward_passes.batches(len(rows), settings.batch_size)]
        passes = forward_passes.passes_of_batches(voters, prepared, split, batches, PRECISION)
        for rows_B, made_MB in forward_passes.predict(task, passes, settings.views):
            yield split, rows_B, made_MB
