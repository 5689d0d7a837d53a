"""One pass over the samples for all voters, reduced batch by batch.

Shapes: N train samples, V validation samples, S sampled train samples, M voters, B batch, D inputs
of the last layer. Probabilities are [M, B, ...]: what they are of is the task's.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.predict_pool import gradient_batches, gradients
from stages.shared import artifacts, prediction, tasks
from stages.shared.artifacts import (
    Array,
    Checkpoint,
    Ints,
    Meta,
    Split,
    ValidationResult,
    signal_dtype,
)
from stages.shared.params_sections import PredictPool
from stages.shared.prediction import ForwardPass


@dataclass(frozen=True)
class Pool:
    """Samples, the voters that predict them, and how."""

    prepared: Path
    meta: Meta
    ensemble: Path
    voters: Sequence[Checkpoint]
    settings: PredictPool

    def write_signals(self, signals: Path, sampled_S: Ints) -> None:
        """Write the signals of the train split, and each voter's entropy on the sampled rows."""
        arrays: dict[str, np.memmap[tuple[int, ...], np.dtype[np.generic]]] = {}
        entropy_MS = np.empty((len(self.voters), len(sampled_S)), dtype=np.float32)
        task = tasks.load(self.meta.task)
        # A task whose samples have many outputs may show them for a few of the samples.
        shown = task.HeatMaps() if hasattr(task, "HeatMaps") else None
        for rows, probs_MB, _, batch in self._reduced("train", self.settings.signals):
            for name, part in batch.items():
                if name not in arrays:
                    arrays[name] = self._new_array(signals, name, part.shape)
                arrays[name][_of_samples(name, rows)] = part
            start, stop = np.searchsorted(sampled_S, [rows.start, rows.stop])
            inside = torch.from_numpy(sampled_S[start:stop] - rows.start)
            chosen_MB = probs_MB[:, inside.to(probs_MB.device)].double()
            entropy_MS[:, start:stop] = task.entropy(chosen_MB).cpu().numpy()
            if shown is not None:
                shown.add(rows, probs_MB, batch)
        if shown is not None:
            shown.save(signals)
        for array in arrays.values():
            array.flush()
        artifacts.save_array(signals / "voter_entropy_MS.npy", entropy_MS)
        artifacts.save_array(signals / "sampled_S.npy", sampled_S)

    def write_gradient_batches(self, signals: Path, batches: Sequence[Ints]) -> None:
        """Write how the first voter's gradients add up in some mini-batches of train rows."""
        task = tasks.load(self.meta.task)
        (model,) = prediction.load_models(self.ensemble, self.voters[:1])
        device = prediction.device()
        targets_N = task.load_targets(self.prepared, "train", device)
        measured = []
        loaded = task.read_batches(self.prepared, "train", batches, self.meta, device)
        for number, (rows_B, inputs_B) in enumerate(zip(batches, loaded, strict=True)):
            forward = prediction.forward(task, model, inputs_B, self.settings.precision)
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
        task = tasks.load(self.meta.task)
        tally = torch.zeros((len(self.voters) + 1, 2), dtype=torch.int64)  # the last: all together
        votes: list[Array] = []
        predicted: list[Array] = []
        for _, probs_MB, targets_B, batch in self._reduced("validation"):
            together_B = probs_MB.double().mean(dim=0)
            for row, probs_B in enumerate([*probs_MB, together_B]):
                tally[row] += task.right_and_all_by_probability(probs_B, targets_B).cpu()
            if "votes_MN" in batch:
                votes.append(batch["votes_MN"])
                predicted.append(batch["predicted_class_N"])
        if votes:
            artifacts.save_array(signals / "validation_votes_MV.npy", np.concatenate(votes, axis=1))
            artifacts.save_array(signals / "validation_predicted_V.npy", np.concatenate(predicted))
        *accuracies, ensemble_accuracy = (right / max(num, 1) for right, num in tally.tolist())
        artifacts.save_validation(
            signals, ValidationResult(ensemble_accuracy, accuracies, float(flops))
        )
        return accuracies

    def _reduced(
        self, split: Split, optional: Collection[str] = ()
    ) -> Iterator[tuple[slice, Tensor, Any, dict[str, Array]]]:
        """Yield the rows of each batch, its probabilities [M, B, ...], its targets and signals."""
        task = tasks.load(self.meta.task)
        targets_N = task.load_targets(self.prepared, split, prediction.device())
        batches = prediction.forward_passes(
            self.ensemble,
            self.voters,
            self.prepared,
            split,
            self.settings.batch_size,
            self.settings.precision,
        )
        for rows, passes in batches:
            targets_B = targets_N[rows]
            probs_MB, costly = self._gathered(passes, targets_B, optional)
            signals = task.signals(probs_MB, targets_B) | costly
            arrays = {name: part.cpu().numpy() for name, part in signals.items()}
            yield rows, probs_MB, targets_B, arrays

    def _gathered(
        self, passes: Iterable[ForwardPass], targets_B: Any, optional: Collection[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the probabilities [M, B, ...] and the optional signals of one batch."""
        task = tasks.load(self.meta.task)
        probs: list[Tensor] = []
        norms: list[Tensor] = []
        signals: dict[str, Tensor] = {}
        for forward in passes:
            if "features" in optional and not probs:
                assert forward.features_BD is not None  # params has checked the task
                signals["features_ND"] = forward.features_BD
            if "gradient_norm" in optional:
                norms.append(
                    gradients.sample_norms(task, forward, targets_B, self.settings.gradient_norm)
                )
            probs.append(prediction.probabilities(task, forward, self.settings.views))
        if norms:
            signals["gradient_norm_N"] = torch.stack(norms).mean(dim=0).float()
        return torch.stack(probs), signals

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
