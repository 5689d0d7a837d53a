"""Prepared vectors where they are trained on: on the device if they fit, else read as needed.

Shapes: N samples, B batch, D numbers of a vector.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import Array, Ints, Meta, Split
from stages.shared.samples.decoding import MOST_RESIDENT
from stages.shared.samples.loading import Rows

# So many bytes are copied to the processor's memory: more are read from the file, of whose pages
# the members that train side by side share one copy.
MOST_COPIED = 2**30


@dataclass(frozen=True)
class VectorSamples:
    """Vectors and classes of some rows of a split. Where the vectors lie changes no bytes."""

    vectors_ND: Tensor | Array  # on the device, or the whole split where it lies
    rows_N: Ints  # of the whole split
    targets_N: Tensor  # int64, on the device

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.rows_N)

    def in_batches(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the vectors of each batch on the device, as they were written [B, D]."""
        for index_B in batches:
            if isinstance(self.vectors_ND, Tensor):
                yield self.vectors_ND[index_B]
            else:
                some_BD = self.vectors_ND[self.rows_N[index_B.cpu().numpy()]]
                yield torch.from_numpy(some_BD).to(self.targets_N.device)


def load_samples(
    prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None
) -> VectorSamples:
    """Return all vectors and classes of a split, or those of the given rows."""
    targets_N = artifacts.load_targets(prepared, split)
    rows_N = np.arange(len(targets_N)) if rows_N is None else rows_N
    vectors_ND: Tensor | Array = artifacts.load_vectors(prepared, split)
    most = MOST_RESIDENT if device.type == "cuda" else min(MOST_RESIDENT, MOST_COPIED)
    if vectors_ND[:1].nbytes * len(rows_N) <= most:
        vectors_ND = torch.from_numpy(vectors_ND[rows_N]).to(device)
    return VectorSamples(vectors_ND, rows_N, torch.from_numpy(targets_N[rows_N]).to(device))


def read_batches(
    prepared: Path, split: Split, batches: Iterable[Rows], meta: Meta, device: torch.device
) -> Iterator[Tensor]:
    """Yield the vectors of each batch of rows as a model reads them, float32 [B, D]."""
    vectors_ND = artifacts.load_vectors(prepared, split)
    for rows in batches:
        # A copy: torch warns of what is read-only, such as part of a memory map.
        yield standardise(torch.from_numpy(np.array(vectors_ND[rows])).to(device), meta)


def standardise(vectors_BD: Tensor, meta: Meta) -> Tensor:
    """Return float32 [B, D]; the train split then has mean 0 and standard deviation 1 in each.

    A number that never changes becomes 0.
    """
    mean_D, std_D = _mean_and_std(tuple(meta.mean), tuple(meta.std), vectors_BD.device)
    return (vectors_BD.float() - mean_D) / std_D


def example(meta: Meta) -> Tensor:
    """Return one vector without content, float32 [1, D]."""
    return torch.zeros(1, *meta.input_shape)


@lru_cache  # made for each batch anew, a GPU would wait for each
@torch.inference_mode(mode=False)
def _mean_and_std(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return both as float32 [D]; a deviation of 0 is replaced by 1."""
    mean_D, std_D = (torch.tensor(values, device=device) for values in (mean, std))
    return mean_D, std_D.where(std_D > 0, 1.0)
