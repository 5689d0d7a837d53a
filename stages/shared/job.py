"""What one training is: the piece of work that goes to a worker process (no torch here)."""

from dataclasses import dataclass
from pathlib import Path

from stages.shared.artifacts import Ints, Meta
from stages.shared.params import Training


@dataclass(frozen=True)
class Job:
    """One member to train: everything that decides its bytes, and where its data lies."""

    task: str
    model: str
    settings: Training
    learning_rate: float
    random_seed: int
    member: int
    index_P: Ints  # the picks of the subset; only the multiset counts, not the order
    prepared: Path
    meta: Meta
    initial_weights: Path | None  # None: from scratch
