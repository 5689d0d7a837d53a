"""The random streams of a training, each named by seed, purpose, member and epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from stages.shared.samples.randomness import stream_seed
from stages.shared.training.job import Job
from stages.shared.training.parallel import Group


@dataclass(frozen=True)
class Streams:
    """Those of one member, in one of the processes that train it."""

    job: Job
    device: torch.device
    group: Group

    def generator(self, purpose: str, epoch: int) -> torch.Generator:
        """Return a generator that is the same in each process."""
        return torch.Generator().manual_seed(self._seed(purpose, epoch))

    @contextmanager
    def dropout(self, epoch: int) -> Iterator[None]:
        """Seed torch's global generator, which dropout draws from, and leave it as it was."""
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            # Shares of a batch differ, and so does what is dropped of them.
            rank = [] if self.group.is_first else [self.group.rank]
            torch.manual_seed(self._seed("dropout", epoch, *rank))
            yield

    def _seed(self, purpose: str, *numbers: int) -> int:
        return stream_seed(self.job.random_seed, purpose, self.job.member, *numbers)
