"""Per mini-batch, the sum of the gradients' norms and the norm of their sum.

The first bounds the second; that they rise together is why single norms may choose (Vodrahalli et
al. 2018, arXiv 1811.12569, eq. 6 and Fig. 1).

Shapes: N train samples, B batch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from torch import Tensor

from stages.predict_pool import gradients
from stages.shared.artifacts import Ints, load_table, save_table
from stages.shared.errors import ArtifactError
from stages.shared.params import GradientNorm
from stages.shared.prediction import ForwardPass
from stages.shared.randomness import generator, permutation_by_id

NUM_BATCHES = 100


@dataclass(frozen=True)
class GradientBatch:
    """Gradients of one mini-batch; the fields are the columns of gradient_batches.csv."""

    batch: int
    sum_of_norms: float
    norm_of_sum: float  # at most sum_of_norms, but for rounding


def save_gradient_batches(signals: Path, batches: Iterable[GradientBatch]) -> None:
    """Write gradient_batches.csv of a folder of signals, one row for each mini-batch."""
    header = list(GradientBatch.__annotations__)
    save_table(
        signals / "gradient_batches.csv", header, (list(vars(batch).values()) for batch in batches)
    )


def load_gradient_batches(signals: Path) -> list[GradientBatch]:
    """Return the mini-batches of a folder of signals.

    Raises:
        ArtifactError: a field is no number.
    """
    path = signals / "gradient_batches.csv"
    rows = load_table(path, list(GradientBatch.__annotations__))
    try:
        return [GradientBatch(int(row[0]), float(row[1]), float(row[2])) for row in rows]
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}; fields must be numbers") from None


def draw(sample_ids: Sequence[str], batch_size: int, random_seed: int) -> list[Ints]:
    """Return the rows of `NUM_BATCHES` random mini-batches, rising; no row twice in one of them.

    Positions are drawn in an order that the sample ids decide, so that permuting the pool permutes
    the rows.
    """
    purpose = "gradient batches"
    order_N = permutation_by_id(sample_ids, random_seed, purpose)
    size = min(batch_size, len(order_N))
    return [
        np.sort(order_N[generator(random_seed, purpose, number).choice(len(order_N), size, False)])
        for number in range(NUM_BATCHES)
    ]


def measure(
    task: ModuleType,
    number: int,
    forward: ForwardPass,
    targets_B: Tensor,
    settings: GradientNorm,
) -> GradientBatch:
    """Return the two sizes of one mini-batch."""
    norm_B = gradients.sample_norms(task, forward, targets_B, settings)
    norm = gradients.norm_of_sum(task, forward, targets_B, settings)
    return GradientBatch(number, float(norm_B.sum()), float(norm))
