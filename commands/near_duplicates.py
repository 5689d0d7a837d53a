"""Keep near duplicates together, or out of train, in the next run.

    python -m commands.near_duplicates                    writes lists/groups.csv
    python -m commands.near_duplicates --leave-out        adds to lists/exclude.csv

The first writes every sample's group, which the next run's splits obey: no group crosses them.
Groups that the list has already are joined with those that were found. A data set with splits of
its own keeps these; there the second adds the train samples with a near duplicate in validation or
test to the samples that no subset holds.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from commands import console, suspects
from commands.same_data import require_same_data
from stages.near_duplicates.components import Components
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS
from stages.shared.artifacts.duplicate_groups import Grouped, load_grouped
from stages.shared.datasets.reading.splits import listed_groups
from stages.shared.errors import DataError
from stages.shared.running import command
from stages.shared.running.workspace import located
from stages.shared.settings.params import load_params

HEADER = ["path", "group"]


def write_groups(
    groups: Path, root: Path, found: Sequence[Grouped], sample_ids: Sequence[str]
) -> int:
    """Write the group of each sample, named by its first one; return how many have two or more.

    Args:
        groups: the list, which may not be there yet.
        root: of the data set, below which the list names files.
        found: the near duplicates.
        sample_ids: of all splits.

    Raises:
        ArtifactError: the list that is there is another table.
        DataError: a line of it has no group, or names a sample again.
    """
    listed_of = listed_groups(groups, root, sample_ids) if groups.exists() else {}
    names = dict.fromkeys([*sample_ids, *listed_of])
    numbers = [(f"found {one.group}", one.sample_id) for one in found]
    listed = [(f"listed {one.group}", name) for name, one in listed_of.items()]
    first = _joined(names, [*numbers, *listed])
    artifacts.save_table(groups, HEADER, ((name, first[name]) for name in names))
    sizes: dict[str, int] = {}
    for name in first.values():
        sizes[name] = sizes.get(name, 0) + 1
    return sum(size > 1 for size in sizes.values())


def _joined(names: Iterable[str], belongs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the first of all names that are joined to each by what they belong to."""
    row = {name: number for number, name in enumerate(names)}
    one_of: dict[str, str] = {}
    pairs = [(row[one_of.setdefault(group, name)], row[name]) for group, name in belongs]
    joined = Components(len(row))
    joined.add(np.array(pairs, dtype=np.int64).reshape(-1, 2))
    known = list(row)
    return {name: known[first] for name, first in zip(known, joined.first(), strict=True)}


def require_samples(found: Sequence[Grouped], sample_ids: Sequence[str]) -> None:
    """Stop unless all that was found are samples.

    Raises:
        DataError: one is not, since the data has changed.
    """
    strange = {one.sample_id for one in found}.difference(sample_ids)
    if strange:
        raise DataError(
            f"data/near_duplicates/groups.csv: names {min(strange)!r}, which is no sample of "
            "data/prepared; run `dvc repro`"
        )


def tested_too(found: Sequence[Grouped]) -> list[list[str]]:
    """Return the train samples whose near duplicate is in another split, with that as a reason."""
    elsewhere = {one.group: one.sample_id for one in found if one.split != "train"}
    return [
        [one.sample_id, f"near duplicate of {elsewhere[one.group]}"]
        for one in found
        if one.split == "train" and one.group in elsewhere
    ]


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "near_duplicates",
        "Keep near duplicates together in the next run: every sample's group goes to "
        "dataset.groups, whose groups cross no splits. Groups that the list has already are joined "
        "with those that were found. A data set with splits of its own keeps these; there "
        "--leave-out adds the train samples with a near duplicate in validation or test to the "
        "samples that no subset holds.",
        "--leave-out",
    )
    parser.add_argument(
        "--leave-out",
        action="store_true",
        help="add train samples that are in another split too to select.exclude instead",
    )
    with command.errors_in_one_line():
        arguments = parser.parse_args()
        params = load_params()
        folder, prepared = Path("data/near_duplicates"), Path("data/prepared")
        require_same_data(str(folder))
        found = load_grouped(folder)
        ids = [name for split in SPLITS for name in artifacts.load_sample_ids(prepared, split)]
        require_samples(found, ids)
        if arguments.leave_out:
            exclude = Path(params.select.exclude)
            added = suspects.add(tested_too(found), exclude, suspects.wanted(params))
            console.say(f"{params.select.exclude}: {added} samples added")
            return
        groups, root = Path(params.dataset.groups), located(params.dataset.root)
        num = write_groups(groups, root, found, ids)
        console.say(f"{params.dataset.groups}: {num} groups of two or more samples")


if __name__ == "__main__":
    main()
