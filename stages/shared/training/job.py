"""What one training is, and what it yields beside weights (no torch here)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stages.shared.artifacts import Checkpoint, Dynamics, Epoch, Ints, Meta
from stages.shared.artifacts.tracking import Tracked
from stages.shared.settings.training_sections import Training

Track = Literal["gradient_norm", "none"]


@dataclass(frozen=True)
class Parallel:
    """How many processes train one member together."""

    processes: int = 1
    sync_batch_norm: bool = False  # statistics of the whole batch, not of each one's share


ALONE = Parallel()


@dataclass(frozen=True)
class Job:
    """One member to train: everything that decides its bytes, and where its data lies.

    The piece of work that goes to a worker process.
    """

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
    track: Track  # what else to record; decides no weights
    parallel: Parallel = ALONE
    as_long_as: int | None = None  # picks of the subset whose updates it gets; None: its own


@dataclass(frozen=True)
class Trained:
    """What belongs to the weights of one trained member; its arrays hold it alone (M = 1)."""

    history: list[Epoch]
    checkpoints: list[Checkpoint]
    dynamics: Dynamics
    tracked: Tracked | None  # None: nothing was to be tracked
