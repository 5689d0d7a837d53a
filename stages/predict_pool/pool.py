"""One pass over the samples for all voters, reduced batch by batch.

Shapes: N train samples, V validation samples, S sampled train samples, M voters, B batch, C
classes, D inputs of the last layer.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor

from stages.predict_pool import gradient_batches, gradients
from stages.shared import artifacts, prediction, tasks
from stages.shared.artifacts import (
    OPTIONAL_SIGNAL_DTYPES,
    SIGNAL_DTYPES,
    Array,
    Checkpoint,
    Ints,
    Meta,
    Split,
    ValidationResult,
)
from stages.shared.loading import load_images
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
        for rows, probs_MBC, batch in self._reduced("train", self.settings.signals):
            for name, part in batch.items():
                if name not in arrays:
                    arrays[name] = self._new_array(signals, name, part.shape)
                arrays[name][_of_samples(name, rows)] = part
            start, stop = np.searchsorted(sampled_S, [rows.start, rows.stop])
            inside = torch.from_numpy(sampled_S[start:stop] - rows.start)
            chosen_MBC = probs_MBC[:, inside.to(probs_MBC.device)].double()
            entropy_MS[:, start:stop] = task.entropy(chosen_MBC).cpu().numpy()
        for array in arrays.values():
            array.flush()
        artifacts.save_array(signals / "voter_entropy_MS.npy", entropy_MS)
        artifacts.save_array(signals / "sampled_S.npy", sampled_S)

    def write_gradient_batches(self, signals: Path, batches: Sequence[Ints]) -> None:
        """Write how the first voter's gradients add up in some mini-batches of train rows."""
        task = tasks.load(self.meta.task)
        (model,) = prediction.load_models(self.ensemble, self.voters[:1])
        inputs = load_images(self.prepared, "train")
        targets_N = artifacts.load_targets(self.prepared, "train")
        measured = []
        loaded = prediction.load_batches(inputs, batches, self.meta)
        for number, (rows_B, inputs_BKHW) in enumerate(zip(batches, loaded, strict=True)):
            forward = prediction.forward(task, model, inputs_BKHW, self.settings.precision)
            targets_B = torch.tensor(targets_N[rows_B], device=inputs_BKHW.device)
            measured.append(
                gradient_batches.measure(
                    task, number, forward, targets_B, self.settings.gradient_norm
                )
            )
        artifacts.save_gradient_batches(signals, measured)

    def write_validation(self, signals: Path, flops: int) -> list[float]:
        """Write votes and accuracies on the validation split; return each voter's accuracy."""
        targets_V = artifacts.load_targets(self.prepared, "validation")
        votes_MV = np.empty((len(self.voters), len(targets_V)), dtype=np.int16)
        predicted_V = np.empty(len(targets_V), dtype=np.int16)
        for rows, _, batch in self._reduced("validation"):
            votes_MV[:, rows] = batch["votes_MN"]
            predicted_V[rows] = batch["predicted_class_N"]
        accuracies = (votes_MV == targets_V).mean(axis=1).tolist()
        artifacts.save_array(signals / "validation_votes_MV.npy", votes_MV)
        artifacts.save_array(signals / "validation_predicted_V.npy", predicted_V)
        ensemble_accuracy = float((predicted_V == targets_V).mean())
        artifacts.save_validation(
            signals, ValidationResult(ensemble_accuracy, accuracies, float(flops))
        )
        return accuracies

    def _reduced(
        self, split: Split, optional: Collection[str] = ()
    ) -> Iterator[tuple[slice, Tensor, dict[str, Array]]]:
        """Yield the rows of each batch, its probabilities [M, B, C], and its signals."""
        task = tasks.load(self.meta.task)
        targets_N = artifacts.load_targets(self.prepared, split)
        batches = prediction.forward_passes(
            self.ensemble,
            self.voters,
            load_images(self.prepared, split),
            self.meta,
            self.settings.batch_size,
            self.settings.precision,
        )
        for rows, passes in batches:
            targets_B = torch.tensor(targets_N[rows])
            probs_MBC, costly = self._gathered(passes, targets_B, optional)
            signals = task.signals(probs_MBC, targets_B.to(probs_MBC.device)) | costly
            yield rows, probs_MBC, {name: part.cpu().numpy() for name, part in signals.items()}

    def _gathered(
        self, passes: Iterable[ForwardPass], targets_B: Tensor, optional: Collection[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the probabilities [M, B, C] and the optional signals of one batch."""
        task = tasks.load(self.meta.task)
        probs: list[Tensor] = []
        norms: list[Tensor] = []
        signals: dict[str, Tensor] = {}
        for forward in passes:
            if "features" in optional and not probs:
                signals["features_ND"] = forward.features_BD
            if "gradient_norm" in optional:
                on_device_B = targets_B.to(forward.logits_BC.device)
                norms.append(
                    gradients.sample_norms(task, forward, on_device_B, self.settings.gradient_norm)
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
        dtype = {**SIGNAL_DTYPES, **OPTIONAL_SIGNAL_DTYPES}[name]
        return open_memmap(signals / f"{name}.npy", "w+", dtype, tuple(shape))


def _of_samples(name: str, rows: slice) -> tuple[slice, ...]:
    """Return the index of some samples in an array whose shape its name says."""
    return (slice(None),) * _axis_of_samples(name) + (rows,)


def _axis_of_samples(name: str) -> int:
    return name.rpartition("_")[2].index("N")
