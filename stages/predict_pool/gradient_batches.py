"""Per mini-batch, the sum of the gradients' norms and the norm of their sum.

The first bounds the second; that they rise together is why single norms may choose (Vodrahalli et
al. 2018, arXiv 1811.12569, eq. 6 and Fig. 1).

Shapes: N train samples, B batch.
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from stages.predict_pool import gradients
from stages.shared.artifacts import GradientBatch, Ints
from stages.shared.networks.one_label import Classification
from stages.shared.prediction.forward_passes import ForwardPass
from stages.shared.samples.randomness import generator, permutation_by_id
from stages.shared.settings.sections import GradientNorm

NUM_BATCHES = 100


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
    task: Classification,
    number: int,
    forward: ForwardPass,
    targets_B: Tensor,
    settings: GradientNorm,
) -> GradientBatch:
    """Return the two sizes of one mini-batch."""
    norm_B = gradients.sample_norms(task, forward, targets_B, settings)
    norm = gradients.norm_of_sum(task, forward, targets_B, settings)
    return GradientBatch(number, float(norm_B.sum()), float(norm))
