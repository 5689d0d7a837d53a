"""What the rounds of a revision chose, and what two revisions have in common.

Shapes: N train samples of the revision, P picks of a subset, K candidates of a round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commands.compare.revision_files import Files, Settings
from stages.shared import artifacts
from stages.shared.artifacts import Floats, Ints, Subset
from stages.shared.errors import DataError

PREPARED = "data/prepared"


@dataclass(frozen=True)
class Round:
    """The scores of one round and the subset that was chosen by them."""

    size: str  # of the chosen subset, as it stands in paths
    score_N: Floats
    subset: Subset
    order_K: Ints | None = None  # all candidates as the rule prefers them; None: not written
    num_random: int = 0  # of the first picks, which k-centers started from


@dataclass(frozen=True)
class Revision:
    """The rounds of one revision, over its own train split."""

    name: str
    dataset: str  # as params.yaml names it
    sample_ids: list[str]  # N
    rounds: list[Round]


def load_revision(files: Files) -> Revision:
    """Read the scores and subsets of a revision.

    Raises:
        DataError: its data is neither here nor on the remote.
        ParamsError: its params.yaml names no rounds.
        ArtifactError: a file holds something else than its stage writes.
    """
    settings = files.settings
    sample_ids = load_sample_ids(files, "train")
    rounds = [_load_round(files, settings, sizes, len(sample_ids)) for sizes in settings.sizes]
    return Revision(files.name, settings.dataset, sample_ids, rounds)


def load_sample_ids(files: Files, split: artifacts.Split) -> list[str]:
    """Return the id of each sample of a split."""
    return files.read(
        lambda root: artifacts.load_sample_ids(root / PREPARED, split),
        f"{PREPARED}/{split}/sample_ids.csv",
    )


def _load_round(files: Files, settings: Settings, sizes: tuple[str, str], num_train: int) -> Round:
    source, target = sizes
    scores, subset, order = (
        f"data/scores/{source}/{files.draw}.npy",
        f"data/subsets/{target}/{files.draw}.csv",
        f"data/orders/{target}/{files.draw}.npy",
    )
    return Round(
        size=target,
        score_N=files.read(lambda root: artifacts.load_scores(root / scores, num_train), scores),
        subset=files.read(lambda root: artifacts.load_subset(root / subset, num_train), subset),
        order_K=files.read(lambda root: artifacts.load_order(root / order, num_train), order)
        if settings.orders_all
        else None,
        num_random=settings.num_random if float(target) < float(source) else 0,
    )


def sample_numbers(first: Revision, second: Revision) -> Ints:
    """Return the row in the first revision of each train sample of the second, int64 [N].

    Those that the first does not hold are numbered on from its last row.

    Raises:
        DataError: they are of different data sets.
    """
    where = f"{first.name} and {second.name}"
    if first.dataset != second.dataset:
        raise DataError(
            f"{where}: are of the data sets {first.dataset} and {second.dataset}; it must be one"
        )
    numbers = {sample_id: row for row, sample_id in enumerate(first.sample_ids)}
    number_N = [numbers.setdefault(sample_id, len(numbers)) for sample_id in second.sample_ids]
    num_first, num_second = len(first.sample_ids), len(second.sample_ids)
    num_common = num_first + num_second - len(numbers)
    if 2 * num_common < min(num_first, num_second):
        raise DataError(
            f"{where}: have {num_common} train samples in common, by sample id, of {num_first} and "
            f"{num_second}; at least half of the smaller split must be in both"
        )
    return np.array(number_N, dtype=np.int64)


def common_rounds(first: Sequence[Round], second: Sequence[Round]) -> list[tuple[Round, Round]]:
    """Pair the rounds that lead to the same size, and of the others those of the same number."""
    by_size = {entry.size: entry for entry in second}
    sizes = {entry.size for entry in first}
    pairs = []
    for number, entry in enumerate(first):
        if entry.size in by_size:
            pairs.append((entry, by_size[entry.size]))
        elif number < len(second) and second[number].size not in sizes:
            pairs.append((entry, second[number]))
    return pairs
