"""Find samples that are nearly the same."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from stages.near_duplicates import all_samples
from stages.near_duplicates.components import groups
from stages.near_duplicates.search import Search
from stages.near_duplicates.thumbnails import THRESHOLD
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Array, Ints
from stages.shared.artifacts.duplicate_groups import Found, Grouped, save_found, save_train_groups
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.user_names import and_more
from stages.shared.errors import printable
from stages.shared.running import command
from stages.shared.settings.params import load_params

MOST_NAMED = 10  # copies that a warning lists


def main(prepared: Path, embeddings: Path, near_duplicates: Path) -> None:
    """Find samples that are nearly the same, and samples that show nothing."""
    params = load_params()
    num_train = artifacts.load_meta(prepared).num_samples["train"]
    with atomic_folder(near_duplicates) as folder:
        embedded = None if params.embed.model == "none" else embeddings
        samples = all_samples.load(prepared, embedded, params.rules.inputs)
        threshold = THRESHOLD if samples.are_thumbnails else params.near_duplicates.threshold
        search = Search(samples, num_train, threshold)
        save_train_groups(folder / "train", search.train_T)
        told = _Names(prepared, has_labels=params.rules.has_labels)
        is_blank_N = samples.is_blank_N
        found = _counted(search, threshold, told, is_blank_N)
        blank = [told.sample_ids[row] for row in np.flatnonzero(is_blank_N).tolist()]
        save_found(folder, found, told.grouped(search), blank)
    _warn_of_copies(search, told, is_blank_N)


class _Names:
    """What people call the samples of all splits."""

    def __init__(self, prepared: Path, *, has_labels: bool) -> None:
        class_names = artifacts.load_meta(prepared).class_names
        self.sample_ids: list[str] = []
        self.labels: list[str] = []
        self.splits: list[str] = []
        for split in SPLITS:
            targets_N = artifacts.load_targets(prepared, split)
            self.sample_ids += artifacts.load_sample_ids(prepared, split)
            self.labels += [
                class_names[number] if has_labels else "" for number in targets_N.tolist()
            ]
            self.splits += [split] * len(targets_N)

    def grouped(self, search: Search) -> Iterator[Grouped]:
        """Yield the samples of each group, the groups in the order of their first ones."""
        size_N = np.bincount(search.copy_N, minlength=len(search.copy_N))
        for number, row_B in enumerate(groups(search.first_N)):
            for row in row_B.tolist():
                first = search.copy_N[row]
                copy = str(first) if size_N[first] > 1 else ""
                yield Grouped(
                    self.sample_ids[row], self.splits[row], self.labels[row], number, copy
                )


def _warn_of_copies(search: Search, told: _Names, is_blank_N: Array) -> None:
    """Say on stderr which equal samples stand in two splits, one of each split; no blank ones."""
    torn = []
    for row_B in groups(search.copy_N):
        # The last one stays in a dictionary, so backwards: of each split the first.
        first_of = {told.splits[row]: row for row in reversed(row_B.tolist())}
        if len(first_of) > 1 and not is_blank_N[row_B[0]]:
            torn.append(sorted(first_of.values()))
    if torn:
        named = [
            " and ".join(f"{told.sample_ids[row]!r} ({told.splits[row]})" for row in rows)
            for rows in torn[:MOST_NAMED]
        ]
        sys.stderr.write(
            "warning: equal samples stand in two splits, which tests a model on what it has seen "
            f"(see `python -m commands.near_duplicates`): {printable(and_more(named, len(torn)))}\n"
        )


def _counted(search: Search, threshold: float, told: _Names, is_blank_N: Array) -> Found:
    found, copies = (list(groups(first_N)) for first_N in (search.first_N, search.copy_N))
    sizes = [len(row_B) for row_B in found]
    return Found(
        method=search.method,
        threshold=threshold,
        recall=search.recall,
        samples=len(search.first_N),
        grouped=sum(sizes),
        groups=len(found),
        largest=max(sizes, default=0),
        across_splits=_with_several(found, told.splits),
        conflicting=_with_several(found, told.labels),
        copies=len(copies),
        conflicting_copies=_with_several(copies, told.labels),
        blank=int(is_blank_N.sum()),
    )


def _with_several(found: Sequence[Ints], kinds: Sequence[str]) -> int:
    """Return in how many groups not all samples are of one kind."""
    return sum(len({kinds[row] for row in row_B.tolist()}) > 1 for row_B in found)


if __name__ == "__main__":
    command.run(main)
