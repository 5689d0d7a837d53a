"""One pass over the samples for all voters, reduced batch by batch.

Shapes: N train samples, V validation samples, S sampled train samples, M voters, B batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor

from stages.shared import artifacts, prediction, tasks
from stages.shared.artifacts import (
    SIGNAL_DTYPES,
    Array,
    Checkpoint,
    Ints,
    Meta,
    Split,
    ValidationResult,
)
from stages.shared.params import PredictPool


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
        num = self.meta.num_samples["train"]
        arrays = {name: self._new_array(signals, name, num) for name in SIGNAL_DTYPES}
        entropy_MS = np.empty((len(self.voters), len(sampled_S)), dtype=np.float32)
        task = tasks.load(self.meta.task)
        for rows, probs_MBC, batch in self._reduced("train"):
            for name, array in arrays.items():
                array[..., rows] = batch[name]
            start, stop = np.searchsorted(sampled_S, [rows.start, rows.stop])
            inside = torch.from_numpy(sampled_S[start:stop] - rows.start)
            chosen_MBC = probs_MBC[:, inside.to(probs_MBC.device)].double()
            entropy_MS[:, start:stop] = task.entropy(chosen_MBC).cpu().numpy()
        for array in arrays.values():
            array.flush()
        artifacts.save_array(signals / "voter_entropy_MS.npy", entropy_MS)
        artifacts.save_array(signals / "sampled_S.npy", sampled_S)

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

    def _reduced(self, split: Split) -> Iterator[tuple[slice, Tensor, dict[str, Array]]]:
        """Yield the rows of each batch, its probabilities [M, B, C], and its signals."""
        task = tasks.load(self.meta.task)
        targets_N = artifacts.load_targets(self.prepared, split)
        batches = prediction.predict(
            self.ensemble,
            self.voters,
            artifacts.load_inputs(self.prepared, split),
            self.meta,
            self.settings.batch_size,
            self.settings.precision,
        )
        for rows, probs_MBC in batches:
            targets_B = torch.tensor(targets_N[rows], device=probs_MBC.device)
            signals = task.signals(probs_MBC, targets_B)
            yield rows, probs_MBC, {name: part.cpu().numpy() for name, part in signals.items()}

    def _new_array(
        self, signals: Path, name: str, num: int
    ) -> "np.memmap[tuple[int, ...], np.dtype[np.generic]]":
        # Written as it is computed: the votes of many voters need not fit in memory.
        shape = (len(self.voters), num) if name.endswith("_MN") else (num,)
        return open_memmap(signals / f"{name}.npy", "w+", SIGNAL_DTYPES[name], shape)
