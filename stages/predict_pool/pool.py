"""One pass over the samples for all voters, and what is kept of it.

Shapes: N train samples, V validation samples, S sampled train samples, M voters, B batch.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from stages.predict_pool import gradient_batches
from stages.predict_pool.shards import Batches, Part, Work, places_within, reduce_shard, shards_of
from stages.shared import artifacts, tasks
from stages.shared.artifacts import (
    Array,
    Checkpoint,
    Ints,
    Meta,
    Split,
    ValidationResult,
    signal_dtype,
)
from stages.shared.networks.library_networks import normalised_for
from stages.shared.networks.one_label import labelled
from stages.shared.prediction import forward_passes
from stages.shared.running import dispatch, engine, progress
from stages.shared.settings.sections import PredictPool

MOST_FEATURES = 2048  # of a model here


@dataclass(frozen=True)
class Pool:
    """Samples, the voters that predict them, and how."""

    prepared: Path
    meta: Meta
    ensemble: Path
    voters: Sequence[Checkpoint]
    settings: PredictPool
    deterministic: bool = False

    def write_signals(self, signals: Path, sampled_S: Ints) -> None:
        """Write the signals of the train split, and each voter's entropy on the sampled rows."""
        arrays: dict[str, np.memmap[tuple[int, ...], np.dtype[np.generic]]] = {}
        entropy_MS = np.empty((len(self.voters), len(sampled_S)), dtype=np.float32)
        shown = None
        for part in self._reduced("train", sampled_S, self.settings.signals):
            for name, values in part.signals.items():
                if name not in arrays:
                    arrays[name] = self._new_array(signals, name, values.shape)
                arrays[name][_of_samples(name, part.rows)] = values
            entropy_MS[:, places_within(sampled_S, part.rows)] = part.entropy_MS
            if part.shown is not None:
                shown = part.shown if shown is None else shown.merged(part.shown)
        if shown is not None:
            shown.save(signals)
        for array in arrays.values():
            array.flush()
        artifacts.save_array(signals / "voter_entropy_MS.npy", entropy_MS)
        artifacts.save_array(signals / "sampled_S.npy", sampled_S)

    def write_gradient_batches(self, signals: Path, batches: Sequence[Ints]) -> None:
        """Write how the first voter's gradients add up in some mini-batches of train rows."""
        task = labelled(tasks.load(self.meta.task))
        (model,) = forward_passes.Voters.of(self.ensemble, self.voters[:1]).models
        device = forward_passes.device()
        targets_N = task.load_targets(self.prepared, "train", device)
        measured = []
        meta = normalised_for(model, self.meta)
        loaded = task.read_batches(self.prepared, "train", batches, meta, device)
        for number, (rows_B, inputs_B) in enumerate(zip(batches, loaded, strict=True)):
            forward = forward_passes.forward(task, model, inputs_B, self.settings.precision)
            targets_B = targets_N[torch.from_numpy(rows_B).to(device)]
            measured.append(
                gradient_batches.measure(
                    task, number, forward, targets_B, self.settings.gradient_norm
                )
            )
        artifacts.save_gradient_batches(signals, measured)

    def write_validation(self, signals: Path, flops: int) -> list[float]:
        """Write what the voters are worth on the validation split; return each one's accuracy.

        And their votes, where they vote for one class of each sample.
        """
        right_and_all = np.zeros((len(self.voters) + 1, 2), dtype=np.int64)
        votes: list[Array] = []
        predicted: list[Array] = []
        for part in self._reduced("validation"):
            right_and_all += part.right_and_all
            if "votes_MN" in part.signals:
                votes.append(part.signals["votes_MN"])
                predicted.append(part.signals["predicted_class_N"])
        if votes:
            artifacts.save_array(signals / "validation_votes_MV.npy", np.concatenate(votes, axis=1))
            artifacts.save_array(signals / "validation_predicted_V.npy", np.concatenate(predicted))
        *accuracies, ensemble_accuracy = (
            right / max(num, 1) for right, num in right_and_all.tolist()
        )
        artifacts.save_validation(
            signals, ValidationResult(ensemble_accuracy, accuracies, float(flops))
        )
        return accuracies

    def _reduced(
        self, split: Split, sampled_S: Ints | None = None, optional: Collection[str] = ()
    ) -> Iterator[Part]:
        """Yield what is kept of each batch of a split, in order."""
        voters = forward_passes.Voters.of(self.ensemble, self.voters)
        batches = forward_passes.batches(self.meta.num_samples[split], self.settings.batch_size)
        shards: list[Batches] = [batches]
        if engine.on_cluster():
            voters = voters.packed()
            shards = shards_of(batches, len(self.voters), MOST_FEATURES * ("features" in optional))
        work = Work(
            self.prepared.absolute(),
            self.meta,
            voters,
            self.settings,
            split,
            sampled_S if sampled_S is not None else np.empty(0, dtype=np.int64),
            optional,
            self.deterministic,
        )
        parts = dispatch.stream(reduce_shard, work, shards)
        if not engine.on_cluster():
            return parts  # the prediction itself shows how far it is
        sized = ((part.rows.stop - part.rows.start, part) for part in parts)
        return progress.shown(sized, self.meta.num_samples[split], split)

    def _new_array(
        self, signals: Path, name: str, batch_shape: tuple[int, ...]
    ) -> "np.memmap[tuple[int, ...], np.dtype[np.generic]]":
        # Written as it is computed: the votes of many voters need not fit in memory.
        shape = list(batch_shape)
        shape[_axis_of_samples(name)] = self.meta.num_samples["train"]
        dtype = signal_dtype(name)
        return artifacts.create_array(signals / f"{name}.npy", dtype, shape)


def _of_samples(name: str, rows: slice) -> tuple[slice, ...]:
    """Return the index of some samples in an array whose shape its name says."""
    return (slice(None),) * _axis_of_samples(name) + (rows,)


def _axis_of_samples(name: str) -> int:
    return name.rpartition("_")[2].index("N")
