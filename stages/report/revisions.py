"""What revisions of the project found, and what two of them have in common.

A revision is a git revision, the name of a DVC experiment, or `workspace`: the files as they lie
here. Its scores, orders and subsets are read through DVC, which finds them in its cache or on its
remote; nothing is checked out.

Shapes: N train samples of the revision, P picks of a subset, K candidates of a round.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.shared import artifacts
from stages.shared.artifacts import Floats, Ints, Subset
from stages.shared.errors import ArtifactError, DataError, ParamsError

WORKSPACE = "workspace"  # DVC's own name for the files as they lie here


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


def load_revision(name: str) -> Revision:
    """Read the scores and subsets of a git revision, of an experiment, or of the workspace.

    Raises:
        DataError: there is no such revision, or its data is neither here nor on the remote.
        ParamsError: its params.yaml names no rounds.
        ArtifactError: a file holds something else than its stage writes.
    """
    with copies_of(name) as (folder, fetch):
        return _load(name, folder, fetch)


def _load(name: str, folder: Path, fetch: Callable[[str], None]) -> Revision:
    fetch("params.yaml")
    settings = load_settings(folder / "params.yaml")
    fetch("data/prepared/train/sample_ids.csv")
    sample_ids = artifacts.load_sample_ids(folder / "data/prepared", "train")
    rounds = []
    for source, target in settings.sizes:
        fetch(f"data/scores/{source}/score_N.npy")
        fetch(f"data/subsets/{target}.csv")
        # A copy, since the file is gone when the folder is.
        score_N = np.array(artifacts.load_scores(folder / f"data/scores/{source}", len(sample_ids)))
        subset = artifacts.load_subset(folder / f"data/subsets/{target}.csv", len(sample_ids))
        order_K = None
        if settings.orders_all:
            fetch(f"data/orders/{target}.npy")
            path = folder / f"data/orders/{target}.npy"
            order_K = np.array(artifacts.load_order(path, len(sample_ids)))
        num_random = settings.num_random if float(target) < float(source) else 0
        rounds.append(Round(target, score_N, subset, order_K, num_random))
    return Revision(name, settings.dataset, sample_ids, rounds)


@dataclass(frozen=True)
class Settings:
    """What is read of a revision's params.yaml."""

    dataset: str
    sizes: list[tuple[str, str]]  # `from` and `to` of each round, as in paths
    orders_all: bool  # whether orders hold all candidates
    num_random: int  # with how many random picks a shrinking round starts


def load_settings(path: Path) -> Settings:
    """Return what a revision was run with.

    A revision may be older than the keys of today or newer: no other key is looked at.

    Raises:
        ParamsError: these keys are missing.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        sizes = [(str(entry["from"]), str(entry["to"])) for entry in content["rounds"]]
        dataset = str(content["dataset"]["name"])
        select = content.get("select")
    except (KeyError, TypeError, UnicodeDecodeError, YAMLError):
        dataset, sizes, select = "", [], None
    if not sizes:
        raise ParamsError(
            f"{path}: names no data set and rounds; it must have dataset.name, and rounds with "
            "from and to"
        )
    select = select if isinstance(select, dict) else {}
    starts = select.get("k_centers_start", 0) if select.get("rule") == "k_centers" else 0
    return Settings(dataset, sizes, select.get("order") == "all", starts)


def experiments() -> list[str]:
    """Return the names of the experiments of the current commit."""
    from dvc.repo import Repo  # type: ignore[import-untyped] # it ships no types

    with closing(Repo()) as repo:
        found = repo.experiments.ls()
    return sorted(name for entries in found.values() for name, _ in entries)


@contextmanager
def copies_of(name: str) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """Yield an empty folder, and a function that copies a revision's file there, by its path.

    Raises:
        DataError: there is no such revision, or its data is neither here nor on the remote.
    """
    with TemporaryDirectory() as temporary, _files_of(name) as fetch:
        folder = Path(temporary)
        try:
            yield folder, lambda path: fetch(path, folder / path)
        except (ArtifactError, ParamsError) as error:
            # The loaders speak of the copies; this is git's notation for what they are copies of.
            raise type(error)(str(error).replace(f"{folder}/", f"{name}:")) from None


@contextmanager
def _files_of(name: str) -> Iterator[Callable[[str, Path], None]]:
    """Yield a function that copies a file of the revision, by its path in the project."""
    # Imported here: it takes a second, and --help does without.
    from dvc.api import DVCFileSystem  # type: ignore[import-untyped] # it ships no types
    from dvc.exceptions import DvcException  # type: ignore[import-untyped] # nor here

    with closing(DVCFileSystem(rev=None if name == WORKSPACE else name)) as files:
        try:
            files.repo  # noqa: B018 - opens the revision
        except DvcException as error:
            raise DataError(
                f"{name}: {_line(error)}; it must be a git revision, the name of an experiment, "
                f"or {WORKSPACE}"
            ) from error
        yield lambda path, copy: _copy(files, name, path, copy)


def _copy(files: Any, name: str, path: str, copy: Path) -> None:
    try:
        files.get_file(f"/{path}", str(copy))
    except Exception as error:  # each kind of remote raises its own
        raise DataError(
            f"{name}:{path}: cannot be read ({_line(error)}); the revision must be a finished run "
            "whose data is here: `dvc fetch` it (`dvc exp pull` an experiment), or run it again"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


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
