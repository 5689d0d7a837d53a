"""What is kept of the predictions on a run of batches: the piece of work of a prediction.

Shapes: N samples, S sampled train samples, M voters, B batch, D inputs of the last layer.
Probabilities are [M, B, ...]: what they are of is the task's.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.predict_pool import gradients
from stages.shared import tasks
from stages.shared.artifacts import Array, Ints, Meta, Split
from stages.shared.networks.determinism import deterministic
from stages.shared.networks.one_label import labelled
from stages.shared.prediction import forward_passes
from stages.shared.prediction.forward_passes import ForwardPass, Voters
from stages.shared.running import engine
from stages.shared.settings.sections import PredictPool

# What a shard sends back at most.
SHARD_BYTES = 64 * 2**20
SHARD_SAMPLES = 2**16
OTHER_SIGNALS = 16  # numbers of a sample, about, beside votes and features

Batches = Sequence[slice]


@dataclass(frozen=True)
class Work:
    """What all shards of a prediction have in common."""

    prepared: Path
    meta: Meta
    voters: Voters
    settings: PredictPool
    split: Split
    sampled_S: Ints  # rows of which each voter's entropy is kept
    optional: Collection[str]  # signals
    deterministic: bool


@dataclass(frozen=True)
class Part:
    """What is kept of one batch."""

    rows: slice
    signals: dict[str, Array]
    entropy_MS: Array  # of the sampled rows in the batch
    right_and_all: Ints  # [M + 1, 2], the last of all voters together
    shown: Any | None  # of the last batch of a shard: what its task shows of some of its samples


def shards_of(batches: Sequence[slice], num_voters: int, num_features: int) -> list[Batches]:
    """Return runs of batches whose results fit in memory, one batch each at least."""
    if not batches:
        return []
    bytes_each = 2 * num_voters + 4 * (num_features + OTHER_SIGNALS)
    samples = min(SHARD_SAMPLES, SHARD_BYTES // bytes_each)
    length = max(1, samples // (batches[0].stop - batches[0].start))
    return [batches[start : start + length] for start in range(0, len(batches), length)]


def places_within(sampled_S: Ints, rows: slice) -> slice:
    """Return which of the sampled rows, which rise, lie in a batch."""
    start, stop = np.searchsorted(sampled_S, [rows.start, rows.stop]).tolist()
    return slice(start, stop)


def reduce_shard(work: Work, batches: Sequence[slice]) -> Iterator[Part]:
    """Yield what is kept of each batch of a shard."""
    with deterministic(work.deterministic, engine.device_name()):
        yield from _reduced(work, batches)


def _reduced(work: Work, batches: Sequence[slice]) -> Iterator[Part]:
    task = tasks.load(work.meta.task)
    targets_N = task.load_targets(work.prepared, work.split, forward_passes.device())
    # A task whose samples have many outputs may show them for a few of the samples.
    shown = task.heat_maps() if work.split == "train" else None
    passes = forward_passes.passes_of_batches(
        work.voters, work.prepared, work.split, batches, work.settings.precision
    )
    for rows, made in passes:
        targets_B = targets_N[rows]
        probs_MB, costly = _gathered(work, made, targets_B)
        tensors = task.signals(probs_MB, targets_B) | costly
        signals = {name: part.cpu().numpy() for name, part in tensors.items()}
        if shown is not None:
            shown.add(rows, probs_MB, targets_B, signals)
        yield Part(
            rows,
            signals,
            _entropy(work, probs_MB, rows),
            _right_and_all(work, probs_MB, targets_B),
            shown if rows == batches[-1] else None,
        )


def _entropy(work: Work, probs_MB: Tensor, rows: slice) -> Array:
    """Return each voter's entropy of the sampled rows in a batch, float32 [M, S]."""
    inside = torch.from_numpy(work.sampled_S[places_within(work.sampled_S, rows)] - rows.start)
    chosen_MB = probs_MB[:, inside.to(probs_MB.device)].double()
    entropy_MS: Array = tasks.load(work.meta.task).entropy(chosen_MB).cpu().numpy()
    return entropy_MS.astype(np.float32)


def _right_and_all(work: Work, probs_MB: Tensor, targets_B: Any) -> Ints:
    """Return what is right, of all there is: of each voter, and of their mean; [M + 1, 2]."""
    if work.split == "train":  # nobody asks
        return np.zeros((len(probs_MB) + 1, 2), dtype=np.int64)
    task = tasks.load(work.meta.task)
    together_B = probs_MB.double().mean(dim=0)
    counted = [
        task.right_and_all_by_probability(probs_B, targets_B).cpu()
        for probs_B in [*probs_MB, together_B]
    ]
    return torch.stack(counted).numpy().astype(np.int64)


def _gathered(
    work: Work, passes: Iterable[ForwardPass], targets_B: Any
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the probabilities [M, B, ...] and the optional signals of one batch."""
    task = tasks.load(work.meta.task)
    probs: list[Tensor] = []
    norms: list[Tensor] = []
    signals: dict[str, Tensor] = {}
    for forward in passes:
        if "features" in work.optional and not probs:
            assert forward.features_BD is not None  # params has checked the task
            signals["features_ND"] = forward.features_BD
        if "gradient_norm" in work.optional:
            norms.append(
                gradients.sample_norms(
                    labelled(task), forward, targets_B, work.settings.gradient_norm
                )
            )
        probs.append(forward_passes.probabilities(task, forward, work.settings.views))
    if norms:
        signals["gradient_norm_N"] = torch.stack(norms).mean(dim=0).float()
    return torch.stack(probs), signals
