"""Which samples were added and removed between two selections, and what they are.

Subsets are multisets: of a sample that one holds twice and the other once, one was added, or
removed. Samples are the same where their ids are, so data sets that grew or were reordered compare
rightly. They are shown with their ranks by score in the round in which they were picked, not with
their scores: two acquisition functions have different units.

Shapes: N train samples of a revision, P picks of its subset.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commands.compare.markdown import Code, Row
from commands.compare.revision_files import Files
from commands.compare.revisions import PREPARED, Revision, Round, common_rounds
from stages.report.run.labels import Labels
from stages.shared import artifacts
from stages.shared.artifacts import Ints


def load_labels(files: Files) -> Labels:
    """Read the labels of a revision's train split.

    Raises:
        DataError: they are neither here nor on the remote.
    """
    meta = files.read(lambda root: artifacts.load_meta(root / PREPARED), f"{PREPARED}/meta.json")
    # Boxes lie beside the inputs, which may be large and are otherwise left where they are.
    path = f"{PREPARED}/train/targets.npy" if files.rules.has_labels else f"{PREPARED}/train"
    return files.read(lambda root: _labels(root / PREPARED, meta.class_names), path)


def _labels(prepared: Path, class_names: list[str]) -> Labels:
    return Labels(
        class_names,
        np.array(artifacts.load_targets(prepared, "train")),
        artifacts.load_train_boxes(prepared),
    )


@dataclass(frozen=True)
class Moved:
    """A pick of one revision that the other lacks."""

    row: int  # of the revision's own train split
    sample_id: str
    round: int  # in which it was picked, from 1; 0: of the seed subset
    rank: int | None  # by that round's scores among what was not picked before, from 1
    other_rank: int | None  # in that round of the revision that lacks it; None: there is none
    is_in_other: bool  # whether that revision's train split has it


@dataclass(frozen=True)
class SubsetChange:
    """What the last rounds of two revisions selected."""

    sizes: tuple[int, int]  # picks
    different: tuple[int, int]  # samples among them
    train_samples: tuple[int, int]
    jaccard: float  # of the multisets, in [0, 1]
    came: list[Moved]  # added; both in the order of picking
    went: list[Moved]  # removed


def subset_change(first: Revision, second: Revision) -> SubsetChange:
    """Compare the subsets of the last rounds."""
    picks = [[entry.sample_ids[row] for row in _last(entry).tolist()] for entry in (first, second)]
    went, came = left_over(picks[0], picks[1]), left_over(picks[1], picks[0])
    shared = len(picks[0]) - len(went)
    either = len(picks[0]) + len(came)
    return SubsetChange(
        sizes=(len(picks[0]), len(picks[1])),
        different=(len(set(picks[0])), len(set(picks[1]))),
        train_samples=(len(first.sample_ids), len(second.sample_ids)),
        jaccard=shared / either if either else 1.0,
        came=_moved(second, first, came),
        went=_moved(first, second, went),
    )


def _last(revision: Revision) -> Ints:
    return revision.rounds[-1].subset.index_P


def left_over(picks: Sequence[str], others: Sequence[str]) -> list[int]:
    """Return the places of the picks that others lack, as multisets.

    Of a sample that both hold it is the first picks that they share.
    """
    unmatched = Counter(others)
    places = []
    for place, pick in enumerate(picks):
        if unmatched[pick] > 0:
            unmatched[pick] -= 1
        else:
            places.append(place)
    return places


def _moved(revision: Revision, other: Revision, places: Sequence[int]) -> list[Moved]:
    row_of = {name: row for row, name in enumerate(other.sample_ids)}
    subset, ranks = revision.rounds[-1].subset, _ranks_of_rounds(revision, other)
    found = []
    for place in places:
        row, number = int(subset.index_P[place]), int(subset.round_P[place])
        name = revision.sample_ids[row]
        rank_N, other_rank_N = ranks.get(number, (None, None))
        rank, other_rank = _at(rank_N, row), _at(other_rank_N, row_of.get(name))
        found.append(Moved(row, name, number, rank, other_rank, name in row_of))
    return found


def _at(rank_N: Ints | None, row: int | None) -> int | None:
    return None if rank_N is None or row is None else int(rank_N[row])


def _ranks_of_rounds(revision: Revision, other: Revision) -> dict[int, tuple[Ints, Ints | None]]:
    """Return the ranks of all samples in each round, and in that of the other it is paired with."""
    partners = {id(one): two for one, two in common_rounds(revision.rounds, other.rounds)}
    number_of = {id(entry): number for number, entry in enumerate(other.rounds, 1)}
    found: dict[int, tuple[Ints, Ints | None]] = {}
    for number, entry in enumerate(revision.rounds, 1):
        partner = partners.get(id(entry))
        of_other = None if partner is None else _ranks(partner, number_of[id(partner)])
        found[number] = _ranks(entry, number), of_other
    return found


def _ranks(entry: Round, number: int) -> Ints:
    """Return how many samples that were not picked before score higher, plus 1."""
    is_open_N = np.ones(len(entry.score_N), dtype=bool)
    is_open_N[entry.subset.index_P[entry.subset.round_P < number]] = False
    open_K = np.sort(entry.score_N[is_open_N])
    return 1 + len(open_K) - np.searchsorted(open_K, entry.score_N, side="right")


def class_shares(
    first: Revision, second: Revision, first_labels: Labels, second_labels: Labels
) -> list[Row]:
    """Return each class's share of the picks, or of the objects in them, in percent.

    Classes are the same where their names are; the class whose share changed most comes first.
    """
    before, after = _shares(first, first_labels), _shares(second, second_labels)
    names = dict.fromkeys([*first_labels.class_names, *second_labels.class_names])
    pairs = {name: (before.get(name, 0.0), after.get(name, 0.0)) for name in names}
    return [
        {"class": Code(name), "before": old, "after": new, "change": new - old}
        for name, (old, new) in sorted(
            pairs.items(), key=lambda item: -abs(item[1][1] - item[1][0])
        )
    ]


def _shares(revision: Revision, labels: Labels) -> dict[str, float]:
    classes = labels.classes_of(_last(revision))
    count_C = np.bincount(classes, minlength=len(labels.class_names))
    share_C = 100 * count_C / max(1, len(classes))
    return dict(zip(labels.class_names, share_C.tolist(), strict=True))
