"""Signals by name, each loaded when it is first asked for.

Shapes: N train samples, M voters or members, R samples of the subset that the ensemble was trained
on, S sampled train samples, B any rows of the train split.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from stages.score.acquisition import ACQUISITIONS
from stages.shared import artifacts
from stages.shared.artifacts import (
    REDUCED_SIGNALS,
    SIGNAL_DTYPES,
    Array,
    Dynamics,
    Ints,
    Voter,
)
from stages.shared.errors import ArtifactError

Loader = Callable[[], Array]

# What training showed, by name; the acquisition function of the same name says what is easy.
DYNAMICS = ("aum", "dual", "el2n", "forgetting_events")


class LazySignals(Mapping[str, Array]):
    """Signals by name: scoring by one function reads no file that only another needs."""

    def __init__(self, loaders: Mapping[str, Loader]) -> None:
        self._loaders = {name: cache(loader) for name, loader in loaders.items()}

    def __getitem__(self, name: str) -> Array:
        """Return a signal; it is loaded once."""
        return self._loaders[name]()

    def __iter__(self) -> Iterator[str]:
        """Go through the names; nothing is loaded."""
        return iter(self._loaders)

    def __len__(self) -> int:
        """Return how many signals there are."""
        return len(self._loaders)

    def of(self, rows_B: Ints) -> "LazySignals":
        """Return the signals of these samples alone."""
        return LazySignals({name: partial(self._of, name, rows_B) for name in self})

    def _of(self, name: str, rows_B: Ints) -> Array:
        return self[name][..., rows_B]


def from_pool(signals: Path, num_train: int) -> dict[str, Loader]:
    """Return how to load what predict_pool wrote of every sample."""
    reduced = [name for name in REDUCED_SIGNALS if artifacts.has_signal(signals, name)]
    names = [*SIGNAL_DTYPES, "gradient_norm_N", *reduced]
    return {name: partial(artifacts.load_signal, signals, name, num_train) for name in names}


def from_training(dynamics: Path, num_train: int) -> dict[str, Loader]:
    """Return how to load what training showed: for each of DYNAMICS `<name>_MN`, [M, N].

    A sample outside the subset stands there as the easiest sample of it, so that its score is
    finite and the smallest. Such samples are no candidates where these functions are allowed.
    """
    load = cache(partial(artifacts.load_dynamics, dynamics, num_train))

    def of_every_sample(name: str) -> Array:
        if not len(load().row_R):
            raise ArtifactError(
                f"{dynamics}: no sample was trained on; acquisition {name} needs "
                "another train_ensemble.train than none"
            )
        return expand(load(), name, num_train)

    return {f"{name}_MN": partial(of_every_sample, name) for name in DYNAMICS}


def expand(dynamics: Dynamics, name: str, num_train: int) -> Array:
    """Return the dynamics of this name for each train sample, [M, N], from those of the subset."""
    values_MR: Array = getattr(dynamics, f"{name}_MR")
    if len(dynamics.row_R) == num_train:
        return values_MR
    easiest = int(np.argmin(ACQUISITIONS[name]({f"{name}_MN": values_MR})))
    values_MN = np.repeat(values_MR[:, [easiest]], num_train, axis=1)
    values_MN[:, dynamics.row_R] = values_MR
    return values_MN


@dataclass(frozen=True)
class VoterEntropies:
    """Each single voter's entropy on the same few samples."""

    voters: list[Voter]
    row_S: Ints  # rows of the train split
    entropy_MS: Array  # float32, nats


def load_voter_entropies(signals: Path) -> VoterEntropies:
    """Return what predict_pool wrote of each single voter.

    Raises:
        ArtifactError: the files are missing, or speak of different voters or samples.
    """
    voters = artifacts.load_voters(signals)
    row_S = artifacts.load_array(signals / "sampled_S.npy", np.int64, (None,))
    shape = (len(voters), len(row_S))
    entropy_MS = artifacts.load_array(signals / "voter_entropy_MS.npy", np.float32, shape)
    return VoterEntropies(voters, row_S, entropy_MS)
